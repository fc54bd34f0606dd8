# How systems start and end: in the foreground and in the background, furnished by options and by a
# config file, ended by a signal, two of them side by side.
set -eu
. "$(dirname "$0")/lib_cli.sh"

mkdir actors
cat >actors/ear.lua <<'LUA'
local actors = require "thespian.actors"
local Ear = actors.class("Ear", actors.Actor)
function Ear:receiveMessage(message, sender)
  if message == "where" then self:send(sender, "from the path") end
  if message == "child" then
    -- A process that an actor starts takes the usual signals.
    local shell = io.popen("kill -TERM $$; echo survived")
    self:send(sender, "<" .. shell:read("a") .. ">")
    shell:close()
  end
end
return {Ear = Ear}
LUA
mkdir bundle
sed 's/from the path/from the bundle/' actors/ear.lua >bundle/ear.lua
expect 0 "" "$HOST" bundle bundle

# Waits until the file has a line.
await_line() {
  while [ "$(wc -l <"$1")" = 0 ]; do
    kill -0 "$2" || fail "the system ended: $(cat "$1" err_file)"
  done
  read -r base address port <"$1"
  [ "$base $address" = "multiprocTCPBase 127.0.0.1" ] || fail "start printed $base $address"
}

foreground() {
  : >line
  "$HOST" start --port 0 --log-file "$work/log" "$@" >line 2>err_file &
  pid=$!
  await_line line "$pid"
}

ended() {
  got=0
  wait "$pid" || got=$?
  [ "$got" = "$1" ] || fail "the system ended with $got, not $1: $(cat err_file)"
  port=
}

# ---- the foreground: one line, and a signal ends it in order -------------------------------------

for signal in TERM INT QUIT HUP; do
  foreground --path actors --create ear.Ear@ear
  expect 0 "" "$HOST" ask @ear where --port "$port"
  [ "$out" = "from the path" ] || fail "the wrong actor: $out"
  kill -$signal "$pid"
  ended 0
  [ "$(wc -l <line)" = 1 ] || fail "more than one line: $(cat line)"
  [ ! -s err_file ] || fail "words on standard error: $(cat err_file)"
done

# A shutdown from elsewhere ends it, too.
foreground
expect 0 "" "$HOST" shutdown --port "$port"
ended 0

# The signals that it takes itself are as usual for the processes that its actors start.
foreground --path actors --create ear.Ear@ear
expect 0 "" "$HOST" ask @ear child --port "$port"
[ "$out" = "<>" ] || fail "a child process passes over signals: $out"
kill "$pid"
ended 0

# ---- bundles first, then the path ----------------------------------------------------------------

foreground --path actors --load bundle.zip --create ear.Ear@ear
expect 0 "" "$HOST" ask @ear where --port "$port"
[ "$out" = "from the bundle" ] || fail "the wrong actor: $out"
kill "$pid"
ended 0

# ---- the background ------------------------------------------------------------------------------

# A pipe is at its end when the parent leaves: the system keeps nothing of it.
line=$("$HOST" start --daemon --port 0 --log-file "$work/log" --path actors \
  --create ear.Ear@ear 2>&1)
port=${line##* }
expect 0 "" "$HOST" ask @ear where --port "$port"
expect 0 "" "$HOST" status --json --port "$port"
first=$(echo "$out" | sed 's/.*"pid": \([0-9]*\).*/\1/')
other=$port

# ---- two systems ---------------------------------------------------------------------------------

start
[ "$port" != "$other" ] || fail "two systems on one port"
expect 1 "no actor has the global name" "$HOST" ask @ear where --port "$port"
expect 0 "" "$HOST" shutdown --port "$port"
port=$other
expect 0 "" "$HOST" ask @ear where --port "$port"
kill "$first"
while kill -0 "$first" 2>/dev/null; do sleep 0.01; done
expect 3 "no actor system" "$HOST" status --port "$port"
port=

# ---- a system that is killed ---------------------------------------------------------------------

start --path actors --create ear.Ear@ear
got=0
"$HOST" ask @ear nothing --port "$port" >out 2>err &
asking=$!
# The ask has come when the actor has handled it.
out=
while [ "${out#*\"handled\": 1}" = "$out" ]; do
  kill -0 "$asking" || fail "the ask ended: $(cat err)"
  expect 0 "" "$HOST" status @ear --json --port "$port"
done
kill -KILL "$daemon"
wait "$asking" || got=$?
[ "$got" = 1 ] || fail "the ask ended with $got"
contains "the actor system (pid $daemon) is gone" "$(cat err)"
expect 3 "no actor system" "$HOST" status --port "$port"
port=

# ---- a config file -------------------------------------------------------------------------------

cat >config.lua <<'LUA'
return {
  port = 0,
  path = {"actors"},
  create = {"ear.Ear@ear", "ear.Ear@nose"},
  daemon = true,
  log_file = "config.log",
  log_level = "debug",
  capabilities = {Colour = "red", Shelves = 12, Open = true},
}
LUA
expect 0 "" "$HOST" start --config config.lua --capability Colour=blue
port=${out##* }
expect 0 "" "$HOST" status --json --port "$port"
contains '"Colour": "blue"' "$out"
contains '"Shelves": 12' "$out"
expect 0 "" "$HOST" ask @nose where --port "$port"
[ "$out" = "from the path" ] || fail "the wrong actor: $out"
expect 0 "" "$HOST" shutdown --port "$port"
port=
[ -s config.log ] || fail "no log"
