# Random and truncated bytes on the admin port: the connection is closed, the log has one line about
# each, and the system goes on.
set -eu
. "$(dirname "$0")/lib_systems.sh"

mkdir actors
cat >actors/echo.lua <<'LUA'
local actors = require "thespian.actors"
local Echo = actors.class("Echo", actors.Actor)
function Echo:receiveMessage(message, sender)
  if message == "release" then
    self:send(self.kept, "released")
  elseif message == "keep" then
    self.kept = sender
  else
    self:send(sender, message)
  end
end
return { Echo = Echo }
LUA
begin system --path "$work/actors" --create echo.Echo@echo --log-level info
log=$work/system.log

garbage() {
  /usr/bin/python3 "$(dirname "$script")/libgarbage.py" "$port" "$1"
}
script=$0

# Somebody who waits through all of it.
"$HOST" ask @echo keep --port "$port" --timeout 3600 >kept.out 2>&1 &
kept=$!
looks=0
until "$HOST" status @echo --json --port "$port" | grep -q '"handled": 1'; do
  again "the one who waits"
done
[ "$(wc -l <"$log")" = 0 ] || fail "lines before there was any garbage: $(cat "$log")"

number=0
for kind in $(garbage kinds); do
  from=$(garbage "$kind") || fail "$kind: the connection was not closed"
  number=$((number + 1))
  # What the system says about a connection it may say a little later than it closes it.
  await "127.0.0.1:$from " "$log"
  expect 0 "" "$HOST" ask @echo "$kind" --port "$port"
  [ "$out" = "$kind" ] || fail "after $kind the system answered $out"
  [ "$(wc -l <"$log")" = $number ] || fail "not one line about $kind ($from): $(cat "$log")"
  level=WARNING
  [ "$kind" != half_later ] || level=INFO # so ends a program that is killed
  grep "127.0.0.1:$from " "$log" | grep -q " $level " || fail "no $level about $kind: $(cat "$log")"
done
[ $number -gt 20 ] || fail "only $number kinds of garbage"

# Many at once, some of them silent.
pids=
for kind in random http silent half_silent huge random_later; do
  for _ in 1 2 3 4 5; do
    garbage "$kind" >many.out 2>&1 &
    pids="$pids $!"
  done
done
expect 0 "" "$HOST" ask @echo "in between" --port "$port"
[ "$out" = "in between" ] || fail "the system answered $out"
for one in $pids; do ended "$one" 0; done
looks=0
until [ "$(wc -l <"$log")" = $((number + 30)) ]; do again "one line for each: $(cat "$log")"; done

expect 0 "" "$HOST" tell @echo release --port "$port"
ended "$kept" 0
[ "$(cat kept.out)" = "released" ] || fail "the one who waited got: $(cat kept.out)"
expect 0 "" "$HOST" shutdown --port "$port"
gone "$pid"
[ "$(grep -c " WARNING " "$log")" = $((number + 29)) ] ||
  fail "more than one line for each: $(cat "$log")"

# ---- messages that are well formed, but make no sense --------------------------------------------

begin storm --path "$work/actors" --log-level error
garbage storm || fail "the storm was not survived: $(cat "$log")"
expect 0 "" "$HOST" create echo.Echo --port "$port"
expect 0 "" "$HOST" ask "$out" "after the storm" --port "$port"
[ "$out" = "after the storm" ] || fail "after the storm the system answered $out"
expect 0 "" "$HOST" status --port "$port"
expect 0 "" "$HOST" status --json --port "$port"
cat >reads.lua <<'LUA'
local actors = require "thespian.actors"
local Reader = actors.class("Reader", actors.Actor)
function Reader:init(capabilities) self.read = capabilities end
function Reader:receiveMessage(message, sender)
  self:send(sender, self.read["Thespian ActorSystem Name"])
end
if actors.main(...) then
  local asys = actors.ActorSystem("multiprocTCPBase", { ["Admin Port"] = tonumber((...)) })
  print(asys:ask(asys:createActor(Reader), "read", 60))
end
return { Reader = Reader }
LUA
expect 0 "" "$HOST" run reads.lua "$port"
[ "$out" = multiprocTCPBase ] || fail "after the storm an actor read its capabilities as $out"
expect 0 "" "$HOST" shutdown --port "$port"
gone "$pid"
nothing_runs
