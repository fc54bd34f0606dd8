# A system's own limit of a message holds for every program, whatever that one knew before.
set -eu
. "$(dirname "$0")/lib_systems.sh"

mkdir actors
cat >actors/echo.lua <<'LUA'
local actors = require "thespian.actors"
local Echo = actors.class("Echo", actors.Actor)
function Echo:receiveMessage(message, sender) self:send(sender, message) end
return { Echo = Echo }
LUA
cat >large.lua <<'LUA'
local actors = require "thespian.actors"
local port, limit = math.tointeger(...), math.tointeger((select(2, ...)))
local asys = actors.ActorSystem(os.getenv "BASE",
  { ["Admin Port"] = port, ["Attach Only"] = true })
local echo = asys:createActor("echo.Echo")
local fitting, larger = ("x"):rep(limit - 3), ("x"):rep(limit - 2) -- with their heads of 3 bytes
local other <close> = asys:private()
for _, endpoint in ipairs { asys, other } do
  assert(endpoint:ask(echo, fitting, 60) == fitting)
  for _, call in ipairs { endpoint.tell, endpoint.ask } do
    local done, raised = pcall(call, endpoint, echo, larger)
    assert(not done and actors.isinstance(raised, actors.CannotSend), tostring(raised))
    assert(tostring(raised):find(tostring(limit), 1, true), tostring(raised))
  end
  -- The connection is still there.
  assert(endpoint:ask(echo, fitting, 60) == fitting)
end
LUA

limit=1000
begin small --path "$work/actors" --create echo.Echo@echo --capability "Message Size Limit=$limit"
for lua in $luas; do expect 0 "" "$lua" large.lua "$port" "$limit"; done
message=$(printf "%${limit}s" "" | tr ' ' x)
for command in tell ask; do
  expect 1 "larger than the limit of $limit" "$HOST" "$command" @echo "$message" --port "$port"
done
expect 0 "" "$HOST" ask @echo "still here" --port "$port"
[ "$out" = "still here" ] || fail "the echo is: $out"
expect 0 "" "$HOST" shutdown --port "$port"
gone "$pid"
nothing_runs
