# The sample upgrade: its show runs; 10,000 requests go through an upgrade, each answered exactly once, by
# both versions, none by the first that was sent after the second was announced. A version that does not start
# changes nothing, and one that is unloaded gives way to the one before.
set -eu
. "$(dirname "$0")/lib_systems.sh"

sample=$SOURCE/samples/upgrade

# counted TEXT: what the customers print.
counted() {
  contains "10000 requests, each answered once: " "$1"
  contains " were sent after the switch was announced, 0 of them answered by version 1" "$1"
  first=$(echo "$1" | sed -n 's/.*once: \([0-9]*\) by version 1.*/\1/p')
  second=$(echo "$1" | sed -n 's/.* \([0-9]*\) by version 2$/\1/p')
  [ "$first" -ge 1000 ] && [ "$second" -ge 1000 ] && [ $((first + second)) = 10000 ] ||
    fail "by version 1 $first, by version 2 $second"
}

# ---- the show ------------------------------------------------------------------------------------

expect 0 "" sh "$sample/show.sh"
for part in "multiprocTCPBase 127.0.0.1 " '"price": 40' '"price": 43' "version 1 works from now on" \
  "version 2 works from now on" "drained source" "done"; do
  contains "$part" "$out"
done
counted "$out"
nothing_runs

# ---- the upgrade, while the operator already waits for the first version to drain -----------------

for part in front prices-1 prices-2; do expect 0 "" "$HOST" bundle "$sample/$part"; done
begin system --log-level info
expect 0 "" "$HOST" load front.zip --port "$port"
front=$out
expect 0 "" "$HOST" create front.Front --source "$front" --name prices --port "$port"

# What is asked before there is any version is answered by the first that comes.
"$HOST" ask @prices version --port "$port" --timeout "$patience" >early 2>&1 &
early=$!
expect 0 "" "$HOST" load prices-1.zip --port "$port"
first=$out
ended "$early" 0
contains "version 1" "$(cat early)"

cat >upgrade.sh <<SH
"$HOST" load prices-2.zip --port $port >loaded
"$HOST" unload $first --when-drained --timeout $patience --port $port 2>unloaded
echo \$? >drained
SH
expect 0 "" "$HOST" run "$sample/customers.lua" "$port" 10000 "sh upgrade.sh"
counted "$out"
await 0 drained
second=$(cat loaded)

# ---- a version that does not start, and the way back ---------------------------------------------

mkdir prices-3
echo 'error "version 3 is broken"' >prices-3/prices.lua
expect 0 "" "$HOST" bundle prices-3
expect 0 "" "$HOST" load prices-3.zip --port "$port"
await "source $out has no worker that starts" "$log"
expect 0 "" "$HOST" ask @prices version --port "$port"
[ "$out" = "version 2" ] || fail "a broken version took over: $out"

expect 0 "" "$HOST" load prices-1.zip --port "$port"
expect 0 "" "$HOST" ask @prices '{"item": "pear", "number": 7}' --port "$port"
contains '"version": 2' "$out"
expect 0 "" "$HOST" unload "$second" --when-drained --timeout "$patience" --port "$port"
expect 0 "" "$HOST" ask @prices '{"item": "pear", "number": 8}' --port "$port"
contains '"version": 1' "$out"
contains '"number": 8' "$out"
expect 0 "" "$HOST" shutdown --port "$port"
gone "$pid"
nothing_runs
