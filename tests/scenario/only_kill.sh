# Processes are killed without a word: programs in mid-ask, and the system while programs wait.
set -eu
. "$(dirname "$0")/lib_systems.sh"

mkdir actors
cat >actors/nurse.lua <<'LUA'
local actors = require "thespian.actors"

-- Answers only some messages, and writes to whom it was told to remember.
local Nurse = actors.class("Nurse", actors.Actor)

function Nurse:init() self.waiting, self.letters = {}, {} end

function Nurse:receiveMessage(message, sender)
  if message == "wait" then
    table.insert(self.waiting, sender)
  elseif message == "count" then
    self:send(sender, #self.waiting)
  elseif message == "answer all" then
    for number, address in ipairs(self.waiting) do self:send(address, "late answer " .. number) end
    self.waiting = {}
  elseif message == "letters" then
    self.asker = sender
  elseif message == "handle" then
    self:handleDeadLetters()
    self:send(sender, "handling")
  elseif message == "hello" then
    self:send(sender, "hello to you")
  elseif actors.isinstance(message, actors.DeadEnvelope) then
    table.insert(self.letters, message.deadMessage)
  end
  if self.asker and #self.letters > 0 then
    table.sort(self.letters)
    self:send(self.asker, self.letters)
    self.asker, self.letters = nil, {}
  end
end

return { Nurse = Nurse }
LUA
cat >patient.lua <<'LUA'
local actors = require "thespian.actors"
local port, how, pid = ...
local asys = actors.ActorSystem(os.getenv "BASE",
  { ["Admin Port"] = math.tointeger(port), ["Attach Only"] = true })
local nurse = asys:createActor("nurse.Nurse", nil, "nurse")
local function describe(what, call, ...)
  local done, raised = pcall(call, asys, ...)
  if done then return print(what .. ": " .. tostring(raised)) end
  print(what .. ": " .. actors.typename(raised) .. " "
    .. tostring(actors.isinstance(raised, actors.ActorSystemException)) .. " " .. tostring(raised))
end
if how == "ask" then
  describe("ask", asys.ask, nurse, "wait")
elseif how == "ask with time" then
  describe("ask", asys.ask, nurse, "wait", 3600)
elseif how == "listen" then
  asys:tell(nurse, "wait")
  describe("listen", asys.listen)
elseif how == "private" then
  describe("private", function(_, ...) return asys:private():ask(...) end, nurse, "wait")
elseif how == "unprotected" then
  asys:ask(nurse, "wait")
end
-- A process that dies closes one connection after the other; all are closed when it is a zombie
-- with one thread left, or gone.
local function is_dead()
  local file = io.open("/proc/" .. pid .. "/status")
  if not file then return true end
  local status = file:read("a") or ""
  file:close()
  return status == "" or status:find("State:\tZ.*Threads:\t1\n") ~= nil
end
if how == "private" then repeat until is_dead() end
-- From now on nothing works, and nothing hangs.
describe("tell", asys.tell, nurse, "hello")
describe("ask again", asys.ask, nurse, "hello")
describe("listen again", asys.listen)
describe("create", asys.createActor, "nurse.Nurse")
describe("update", asys.updateCapability, "Colour", "red")
describe("private again", asys.private)
describe("shutdown", asys.shutdown)
LUA

begin system --path "$work/actors" --create nurse.Nurse@nurse

ask() {
  expect 0 "" "$HOST" ask @nurse "$1" --port "$port" --timeout "$patience"
}

# Waits until so many programs wait for the nurse.
waiting() {
  looks=0
  ask count
  while [ "$out" != "$1" ]; do
    again "$1 that wait"
    ask count
  done
}

# Waits until the system has noticed who is no longer there: it counts only the program that asks.
noticed() {
  looks=0
  until "$HOST" status --port "$port" | grep -q " 1 program connected"; do
    again "what the system notices"
  done
}

# ---- programs that are killed --------------------------------------------------------------------

ask handle
for lua in $luas; do
  "$lua" patient.lua "$port" ask >one.out 2>&1 &
  one=$!
  "$lua" patient.lua "$port" listen >two.out 2>&1 &
  two=$!
  "$HOST" ask @nurse wait --port "$port" --timeout 3600 >three.out 2>&1 &
  three=$!
  waiting 3
  kill -KILL "$one" "$two" "$three"
  ended "$one" 137
  ended "$two" 137
  ended "$three" 137
  ask hello
  [ "$out" = "hello to you" ] || fail "the system answered $out"
  noticed
  # What is sent to the dead is a dead letter, for each of them.
  expect 0 "" "$HOST" tell @nurse "answer all" --port "$port"
  ask letters
  while [ "$(echo "$out" | grep -o "late answer" | wc -l)" -lt 3 ]; do
    letters=$out
    ask letters
    out="$letters $out"
  done
  for number in 1 2 3; do contains "late answer $number" "$out"; done
  waiting 0
done

# Somebody who waits is not disturbed by others who die.
"$HOST" ask @nurse wait --port "$port" --timeout 3600 >calm.out 2>&1 &
calm=$!
waiting 1
for number in 2 3 4 5; do
  "$HOST" ask @nurse wait --port "$port" --timeout 3600 >victim.out 2>&1 &
  victim=$!
  waiting "$number"
  kill -KILL "$victim"
  ended "$victim" 137
done
expect 0 "" "$HOST" tell @nurse "answer all" --port "$port"
ended "$calm" 0
[ "$(cat calm.out)" = "late answer 1" ] || fail "the ask got: $(cat calm.out)"

# ---- the system is killed ------------------------------------------------------------------------

address=$("$HOST" create nurse.Nurse --port "$port")
old_port=$port
pids=
count=0
for lua in $luas; do
  for how in "ask" "ask with time" "listen" "private" "unprotected"; do
    "$lua" patient.lua "$port" "$how" "$pid" >"patient $count.out" 2>&1 &
    pids="$pids $!"
    count=$((count + 1))
  done
done
"$HOST" ask @nurse wait --port "$port" --timeout 3600 >by_name.out 2>&1 &
by_name=$!
"$HOST" ask "$address" wait --timeout 3600 >by_address.out 2>&1 &
by_address=$!
waiting $((count + 1))
looks=0
until "$HOST" status "$address" --json --port "$port" | grep -q '"handled": 1'; do
  again "the ask by address"
done
kill -KILL "$pid"
gone "$pid"
gone_words="the actor system (pid $pid) is gone"

for asking in "$by_name" "$by_address"; do ended "$asking" 1; done
for name in by_name by_address; do
  contains "thespian-host: $gone_words" "$(cat $name.out)"
  [ "$(wc -l <$name.out)" = 1 ] || fail "more than one line: $(cat $name.out)"
done
count=0
for asking in $pids; do
  tell=tell
  case $((count % 5)) in
    2) first=listen ;;
    3)
      first=private
      # Over UDP an endpoint that has said nothing since hears of it by what it says, which is lost.
      [ "$BASE" = multiprocTCPBase ] || tell=
      ;;
    *) first=ask ;;
  esac
  if [ $((count % 5)) = 4 ]; then
    ended "$asking" 1
    said=$(cat "patient $count.out")
    contains ": $gone_words" "$said"
  else
    ended "$asking" 0
    said=$(cat "patient $count.out")
    for what in "$first" $tell "ask again" "listen again" "create" "update"; do
      contains "$what: ActorSystemFailure true ActorSystemFailure: patient.lua:7: $gone_words" "$said"
    done
    contains "private again: ActorSystem" "$said"
    contains "no actor system at 127.0.0.1:$old_port" "$said"
    contains "shutdown: " "$said"
  fi
  count=$((count + 1))
done

# ---- afterwards ----------------------------------------------------------------------------------

expect 3 "no actor system at 127.0.0.1:$old_port" "$HOST" ask @nurse hello --port "$old_port"
expect 3 "no actor system at 127.0.0.1:$old_port" "$HOST" ask "$address" hello
# The port is free at once; an address of the system that was there before is nobody's.
begin second --port "$old_port" --path "$work/actors" --create nurse.Nurse@nurse
[ "$port" = "$old_port" ] || fail "the system is on port $port"
expect 1 "dead letter" "$HOST" ask "$address" hello
expect 1 "$address" "$HOST" status "$address"
ask hello
expect 0 "" "$HOST" shutdown --port "$port"
gone "$pid"
nothing_runs
