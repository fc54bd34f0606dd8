# Two systems on one machine do not disturb each other. Who has a port is said to others.
set -eu
. "$(dirname "$0")/lib_systems.sh"

for name in red blue; do
  mkdir $name
  cat >$name/colour.lua <<LUA
local actors = require "thespian.actors"
local Colour = actors.class("Colour", actors.Actor)
function Colour:receiveMessage(message, sender)
  if message == "which" then
    self:send(sender, "$name")
  elseif message == "children" then
    for _ = 1, 10 do self:createActor("colour.Colour") end
    self:send(sender, "created")
  elseif type(message) == "table" then
    self:send(message[1], "from $name to elsewhere")
    self:send(sender, "sent")
  end
end
return { Colour = Colour }
LUA
  expect 0 "" "$HOST" bundle $name
done

begin red --capability Colour=red
red=$port red_pid=$pid
begin blue --capability Colour=blue
blue=$port blue_pid=$pid
[ "$red" != "$blue" ] || fail "two systems on one port"

on() {
  to=$1
  command=$2
  shift 2
  expect 0 "" "$HOST" "$command" --port "$to" "$@"
}

asking() {
  on "$1" ask @colour which
  [ "$out" = "$2" ] || fail "the system at $1 is \"$out\", not \"$2\""
}

# ---- names, sources, capabilities ----------------------------------------------------------------

on "$red" load red.zip
red_hash=$out
on "$blue" load blue.zip
blue_hash=$out
on "$red" create colour.Colour --source "$red_hash" --name colour
red_address=$out
on "$blue" create colour.Colour --source "$blue_hash" --name colour
blue_address=$out
[ "$red_address" != "$blue_address" ] || fail "one address for two actors"
asking "$red" red
asking "$blue" blue
on "$red" sources
case $out in *"$blue_hash"*) fail "a source went over: $out" ;; esac
expect 1 "$blue_hash" "$HOST" create colour.Colour --source "$blue_hash" --port "$red"
on "$blue" unload "$blue_hash"
on "$red" create colour.Colour --source "$red_hash"
on "$red" ask @colour children
[ "$(status_of "$red" Colour)" = red ] || fail "the capability went over"
[ "$(status_of "$blue" Colour)" = blue ] || fail "the capability went over"
on "$red" exit @colour
expect 1 "no actor has the global name" "$HOST" ask @colour which --port "$red"
asking "$blue" blue
on "$red" create colour.Colour --source "$red_hash" --name colour
red_address=$out

# A program in both of them. Names are each system's own; an address leads to its actor from either.
cat >both.lua <<'LUA'
local actors = require "thespian.actors"
local function system(port)
  return actors.ActorSystem(os.getenv "BASE",
    { ["Admin Port"] = math.tointeger(port), ["Attach Only"] = true }, false, true)
end
local red, blue = system((...)), system((select(2, ...)))
local one = red:createActor("none.Here", nil, "colour")
local other = blue:createActor("none.Here", nil, "colour")
for _ = 1, 50 do
  red:tell(one, "which")
  blue:tell(other, "which")
  assert(blue:listen(60) == "blue")
  assert(red:ask(one, "which", 60) == "red")
  assert(red:listen(60) == "red")
end
assert(red:ask(one, { other }, 60) == "sent")
assert(blue:ask(other, { blue.endpointAddress }, 60) == "from blue to elsewhere")
assert(blue:listen(60) == "sent")
assert(select(2, blue:listen(0)) == "timeout")
assert(red:ask(other, "which", 60) == "blue")
assert(blue:listen(0) == nil)
assert(red:ask(one, "which", 60) == "red")
LUA
for lua in $luas; do
  "$lua" both.lua "$red" "$blue" >both.out 2>&1 || fail "a program in two systems: $(cat both.out)"
done

# ---- the end of one ------------------------------------------------------------------------------

on "$red" shutdown
gone "$red_pid"
is_running "$blue_pid" || fail "the other system went, too"
asking "$blue" blue
expect 3 "no actor system at 127.0.0.1:$red" "$HOST" ask "$red_address" which
expect 3 "no actor system at 127.0.0.1:$red" "$HOST" ask @colour which --port "$red"
# Another one may have the port; what had an address there before is gone.
begin green --port "$red"
green_pid=$pid
[ "$port" = "$red" ] || fail "the system is on port $port"
expect 1 "dead letter" "$HOST" ask "$red_address" which
kill -KILL "$green_pid"
gone "$green_pid"
asking "$blue" blue

# ---- a port that is taken ------------------------------------------------------------------------

owner="port $blue on 127.0.0.1 is in use by a Thespian system ($BASE, version "
expect 1 "$owner" "$HOST" start --port "$blue"
contains ", pid $blue_pid)" "$err"
expect 1 "$owner" "$HOST" start --port "$blue" --daemon --log-file taken.log
contains ", pid $blue_pid)" "$err"
asking "$blue" blue

# Whoever else has it, silent or talkative, is named too.
cat >listener.py <<'PY'
import os, socket, sys
is_udp = os.environ["BASE"] == "multiprocUDPBase"
server = socket.socket(type=socket.SOCK_DGRAM if is_udp else socket.SOCK_STREAM)
server.bind(("127.0.0.1", 0))
if not is_udp:
    server.listen()
print(server.getsockname()[1], flush=True)
held = []
while True:
    if is_udp:
        _, address = server.recvfrom(65536)
    else:
        client, address = server.accept()
        held.append(client)
    if sys.argv[1] == "talkative":
        words = b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"
        server.sendto(words, address) if is_udp else client.sendall(words)
PY
cat >starting.lua <<'LUA'
local actors = require "thespian.actors"
local started, raised = pcall(actors.ActorSystem, os.getenv "BASE",
  { ["Admin Port"] = math.tointeger(...), ["Attach Only"] = select(2, ...) == "attach" or nil })
assert(not started)
local is_failure = actors.isinstance(raised, actors.ActorSystemFailure)
print(actors.typename(raised), is_failure, tostring(raised))
LUA
# refused KIND STATUS HOW...
refused() {
  kind=$1 status=$2
  shift 2
  : >listener.out
  /usr/bin/python3 listener.py "$kind" >>listener.out &
  listener=$!
  looks=0
  until read -r taken <listener.out; do again "the other program"; done
  owner="port $taken on 127.0.0.1 is in use by python3"
  expect 1 "$owner" "$HOST" start --port "$taken"
  contains "(pid $listener)" "$err"
  expect 1 "$owner" "$HOST" start --port "$taken" --daemon --log-file taken.log
  expect "$status" "127.0.0.1:$taken" "$HOST" status --port "$taken"
  for lua in $luas; do
    for how in "$@"; do
      expect 0 "" "$lua" starting.lua "$taken" "$how"
      contains "ActorSystemStartupFailure	true" "$out"
      contains "$owner (pid $listener)" "$out"
    done
  done
  kill "$listener"
  ended "$listener" 143
  rm listener.out
}
refused talkative 1 start attach
refused silent 4 start # that is waited for

# ---- several at once on one free port ------------------------------------------------------------

# Programs that name the same port share one system, whoever comes first.
begin free
free=$port
on "$free" shutdown
gone "$pid"
cat >sharing.lua <<'LUA'
local actors = require "thespian.actors"
local Echo = actors.class("Echo", actors.Actor)
function Echo:receiveMessage(message, sender) self:send(sender, message) end
if actors.main(...) then
  local asys = actors.ActorSystem(os.getenv "BASE", { ["Admin Port"] = math.tointeger(...) })
  local echo = asys:createActor(Echo, nil, "the one")
  print(tostring(echo), asys:ask(echo, "there", 60))
end
return { Echo = Echo }
LUA
pids=
for number in 1 2 3 4 5; do
  for lua in $luas; do
    "$lua" sharing.lua "$free" >"sharing $number ${lua##*/}.out" 2>&1 &
    pids="$pids $!"
  done
done
for sharing in $pids; do
  gone "$sharing"
  wait "$sharing" || fail "a program that shares a system failed: $(cat sharing*.out)"
done
contains "there" "$(cat sharing*.out)"
[ "$(sort -u sharing*.out | wc -l)" = 1 ] || fail "not one and the same: $(cat sharing*.out)"
on "$free" ask "@the one" hello
[ "$out" = "hello" ] || fail "the shared actor answered $out"
pid=$(status_of "$free" pid)
on "$free" shutdown
gone "$pid"

asking "$blue" blue
on "$blue" shutdown
gone "$blue_pid"
nothing_runs
