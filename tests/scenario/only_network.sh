#!/bin/sh
# A leader and four members on machines of their own, as far as the kernel can pretend: a network
# namespace each, joined by a bridge. Links are cut for a moment and for long, processes are killed
# and stopped. Needs root; says so where that is not to be had.
set -eu
. "$(dirname "$0")/lib_systems.sh"

net=th$$
patience=10 # a look takes up to two seconds
members="2 3 4 5"
period=0.3
[ -z "${TH_SANITIZED:-}" ] || period=1

# ---- the network ---------------------------------------------------------------------------------

drop_network() {
  for namespace in $(ip netns list | grep -o "^$net-[a-z0-9]*"); do ip netns delete "$namespace"; done
}

make_network() {
  ip netns add "$net-hub"
  ip -n "$net-hub" link add bridge type bridge forward_delay 0
  ip -n "$net-hub" link set bridge up
  for machine in 1 $members; do
    ip netns add "$net-$machine"
    ip -n "$net-$machine" link set lo up
    ip -n "$net-hub" link add "to$machine" type veth peer name eth0 netns "$net-$machine"
    ip -n "$net-hub" link set "to$machine" master bridge up
    ip -n "$net-$machine" address add "10.77.0.$machine/24" dev eth0
    ip -n "$net-$machine" link set eth0 up
  done
  ip netns exec "$net-1" true
}

if [ "$(id -u)" != 0 ] || ! command -v ip >ip.out || ! (make_network) >network.out 2>&1; then
  echo "skipped: network namespaces cannot be made here: $(cat network.out 2>&1 || true)"
  ! command -v ip >ip.out || drop_network
  exit 77 # for ctest: skipped
fi
trap 'status=$?; drop_network; (exit $status); clean_up' EXIT

cut() { ip -n "$net-hub" link set "to$1" down; }
heal() { ip -n "$net-hub" link set "to$1" up; }

# A link that goes up may take a second for that, so a short cut is the bridge's: 0 is off, 3 is on.
flicker() {
  bridge -n "$net-hub" link set dev "to$1" state 0
  bridge -n "$net-hub" link set dev "to$1" state 3
}

# ---- the systems ---------------------------------------------------------------------------------

mkdir actors
cat >actors/far.lua <<'LUA'
local actors = require "thespian.actors"

local Echo = actors.class("Echo", actors.Actor)
function Echo.actorSystemCapabilityCheck(capabilities, requirements)
  return requirements == nil or capabilities.machine == requirements.machine
end
function Echo:receiveMessage(message, sender)
  if type(message) ~= "table" then return end
  message.answered = true
  self:send(sender, message)
end

-- Keeps what it hears of systems, a + or a - and the machine each; has children on machines, passes
-- words on to them and their answers back, and knows which of them have exited.
local Chief = actors.class("Chief", actors.Actor)
function Chief:init()
  self.systems, self.exits, self.children, self.machines = {}, {}, {}, {}
end
function Chief:receiveMessage(message, sender)
  if actors.isinstance(message, actors.ActorSystemConventionUpdate) then
    table.insert(self.systems, (message.remoteAdded and "+" or "-") .. message.remoteCapabilities.machine)
  elseif actors.isinstance(message, actors.ChildActorExited) then
    table.insert(self.exits, self.machines[message.childAddress])
    table.sort(self.exits)
  elseif message == "listen" then
    self:notifyOnSystemRegistrationChanges()
    self:send(sender, "listening")
  elseif message == "systems" or message == "exits" then
    self:send(sender, table.concat(self[message], " "))
  elseif type(message) == "table" and message.make then
    local child = self:createActor("far.Echo", { machine = message.make })
    self.children[message.make], self.machines[child] = child, message.make
    self:send(sender, "made")
  elseif type(message) == "table" and message.answered then
    self:send(message.asker, "echo of " .. message.to)
  elseif type(message) == "table" and message.to then
    message.asker = sender
    self:send(self.children[message.to], message)
  end
end

return { Echo = Echo, Chief = Chief }
LUA

at() {
  where=$1 command=$2
  shift 2
  ip netns exec "$net-$where" "$HOST" "$command" --host "10.77.0.$where" "$@"
}

begin_at() {
  at "$1" start --path "$work/actors" --create far.Chief@chief --capability "machine=$1" \
    --capability "Convention Check-in Period=$period" --log-file "$work/machine$1.log" \
    --convention 10.77.0.1 --daemon >start.out
}

pid_at() { at "$1" status --json | sed -n 's/.*"pid": \([0-9]*\).*/\1/p'; }

# Waits until the chief there says just that.
says() {
  looks=0
  until got=$(at "$1" ask @chief "$2" --timeout 2 2>&1) && [ "$got" = "$3" ]; do
    again "$2 at $1 to be \"$3\", which are \"$got\""
  done
}

# The chief there reaches its child on the machine. Over UDP what is said may get lost.
reaches() {
  looks=0
  until [ "$(at "$1" ask @chief "{\"to\": $2}" --timeout 2 2>&1)" = "echo of $2" ]; do
    again "an answer from $2 at $1"
  done
}

has_child() {
  [ "$(at "$1" ask @chief "{\"make\": $2}" --timeout 60)" = made ] || fail "no child made at $1"
  reaches "$1" "$2"
}

# The same where it may take a while until one can be made.
gets_child() {
  looks=0
  until at "$1" ask @chief "{\"make\": $2}" --timeout 60 >made.out &&
    [ "$(at "$1" ask @chief "{\"to\": $2}" --timeout 2 2>&1)" = "echo of $2" ]; do
    again "a child of $1 on $2"
  done
}

begin_at 1
at 1 ask @chief listen >listen.out
joined=
for machine in $members; do
  begin_at "$machine"
  joined="${joined:+$joined }+$machine"
  says 1 systems "$joined"
  has_child 1 "$machine"
done
has_child 2 3
has_child 3 2

# ---- links ---------------------------------------------------------------------------------------

flicker 2
reaches 1 2
reaches 2 3
says 1 exits ""
says 1 systems "$joined"

cut 2
joined="$joined -2"
says 1 systems "$joined"
says 1 exits 2
says 3 exits 2
says 2 exits 3 # as far as it can know
heal 2
joined="$joined +2"
says 1 systems "$joined"
has_child 1 2
has_child 2 3
has_child 3 2

# ---- processes -----------------------------------------------------------------------------------

kill -KILL "$(pid_at 4)"
joined="$joined -4"
says 1 systems "$joined"
says 1 exits "2 4"

stopped=$(pid_at 5)
kill -STOP "$stopped"
joined="$joined -5"
says 1 systems "$joined"
says 1 exits "2 4 5"
kill -CONT "$stopped"
joined="$joined +5"
says 1 systems "$joined"
has_child 1 5
says 5 exits ""

# The leader is away for long: members go on with each other, and come back to it.
cut 1
says 1 exits "2 2 3 4 5 5"
reaches 2 3
reaches 3 2
heal 1
for machine in 2 3 5; do gets_child "$machine" 1; done

for machine in 5 3 2 1; do at "$machine" shutdown; done
nothing_runs
