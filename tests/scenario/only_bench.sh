# Every benchmark runs at its smallest size, and what it counts adds up; no time is checked.
set -eu
/usr/bin/python3 "$SOURCE/tests/bench/measure.py" --quick --no-peers --json bench.json
rm bench.json
