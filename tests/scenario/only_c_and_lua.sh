# A program in C and one in Lua use the same TCP system and the same actor: first an actor in Lua,
# in a system of thespian-host; then an actor in C, in a system that lives in a C program.
set -eu
. "$(dirname "$0")/lib_systems.sh"

tool=$BUILD/tests/tools/embed_tool
mkdir actors programs
cat >actors/tally.lua <<'LUA'
local actors = require "thespian.actors"
local Tally = actors.class("Tally", actors.Actor)
function Tally:init() self.sum = 0 end
function Tally:receiveMessage(message, sender)
  if math.type(message) ~= "integer" then return end
  self.sum = self.sum + message
  self:send(sender, self.sum)
end
return { Tally = Tally }
LUA
cat >programs/add.lua <<'LUA'
local actors = require "thespian.actors"
local port, number = math.tointeger(arg[1]), math.tointeger(arg[2])
local asys = actors.ActorSystem("multiprocTCPBase", { ["Admin Port"] = port, ["Attach Only"] = true })
print(asys:ask(asys:createActor("tally.Tally", nil, "tally"), number, 60))
LUA

sum_is() {
  wanted_sum=$1
  shift
  expect 0 "" "$@"
  [ "$out" = "$wanted_sum" ] || fail "$* printed $out, not $wanted_sum"
}

# Both sides add to the sum of the one actor on $port, which $1 started.
share() {
  sum=0
  for lua in $luas; do
    sum=$((sum + 5))
    sum_is $sum "$lua" programs/add.lua "$port" 5
    sum=$((sum + 7))
    sum_is $sum "$tool" join "$port" 7
  done
  "$HOST" status --port "$port" >status
  grep -q "tally.Tally" status || fail "the status knows no tally: $(cat status)"
  expect 0 "" "$HOST" shutdown --port "$port"
}

begin by_host --path actors
share

: >port >serve.log
"$tool" serve >port 2>serve.log &
server=$!
looks=0
until [ -s port ]; do again "a port: $(cat serve.log)"; done
port=$(cat port)
share
ended $server 0
! "$tool" join "$port" 1 2>err || fail "the system is still there"
grep -q "no actor system at 127.0.0.1:$port" err || fail "not why there is no system: $(cat err)"
nothing_runs
