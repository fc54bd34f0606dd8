#!/bin/sh
# Shows the main job: a system starts as a process of its own, a zip of Lua actors is loaded into it while
# it runs, the actors count words and answer over TCP, a second version comes beside the first.
#
# HOST is the program thespian-host; samples/run.sh builds it and calls this.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
port=

finish() {
  status=$?
  [ -z "$port" ] || "$HOST" shutdown --port "$port" >/dev/null 2>&1 || true
  rm -rf -- "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

# Shows a command as a person would type it, and runs it.
run() {
  printf '$ thespian-host %s\n' "$*"
  "$HOST" "$@"
}

say "1. A system starts as a process of its own"
ready=$(run start --daemon --port 0 --log-file "$work/system.log" | tail -n 1)
port=${ready##* }
echo "$ready"

say "2. A folder of Lua actors becomes a zip, and is loaded into the running system"
run bundle "$here/actors" -o "$work/wordcount-1.zip"
first=$("$HOST" load "$work/wordcount-1.zip" --port "$port")
echo "loaded as $first"

say "3. An actor made from it counts words with one worker for each file, and answers over TCP"
old=$("$HOST" create wordcount.Coordinator --source "$first" --port "$port")
echo "created $old"
run ask "$old" '{"folder": "/usr/share/common-licenses"}' --port "$port"

say "4. A second version is loaded beside the first: it takes \"The\" and \"the\" for one word"
cp -R "$here/actors" "$work/version-2"
cp "$here/upgrade/words.lua" "$work/version-2/words.lua"
run bundle "$work/version-2" -o "$work/wordcount-2.zip"
second=$("$HOST" load "$work/wordcount-2.zip" --port "$port")
new=$("$HOST" create wordcount.Coordinator --source "$second" --port "$port")
run ask "$new" '{"folder": "/usr/share/common-licenses"}' --port "$port"

say "5. The first version still answers"
run ask "$old" '{"folder": "/usr/share/common-licenses", "top": 3}' --port "$port"

say "6. What runs there now"
run status --port "$port"

say "7. The system shuts down"
run shutdown --port "$port"
port=
echo "done"
