# What the command line shows of a convention: members at the leader, the leader at a member, links,
# and actors that live on another system than the one that is asked.
set -eu
. "$(dirname "$0")/lib_systems.sh"

mkdir modules
cat >modules/printing.lua <<'LUA'
local actors = require "thespian.actors"
local Clerk = actors.requireCapability "Printer"(actors.class("Clerk", actors.Actor))
function Clerk:receiveMessage(message, sender)
  if message == "print" then self:send(sender, "printed") end
end
return { Clerk = Clerk }
LUA

# within PORT WORDS: waits until the status of the system says so.
within() {
  looks=0
  until "$HOST" status --port "$1" >status.out && grep -Fq -- "$2" status.out; do
    again "$2 in the status of port $1: $(cat status.out)"
  done
}

begin leader --path modules
leader=$port
expect 0 "" "$HOST" status --port "$leader"
case $out in
  *Convention* | *Links*) fail "a system in no convention shows one: $out" ;;
esac
begin member --path modules --convention "127.0.0.1:$leader"
member=$port
begin printer --path modules --convention "localhost:$leader" --capability Printer=true \
  --capability Colour=green
printer=$port

# ---- members and links ---------------------------------------------------------------------------

within "$leader" "Printer, Colour green"
within "$leader" "@127.0.0.1:$member  "
contains "Convention, led by this system" "$(cat status.out)"
contains "  up    " "$(sed -n '/^Links/,/^$/p' status.out)"
within "$member" "registered"
contains "Convention, led by a1." "$(cat status.out)"
contains "@127.0.0.1:$leader" "$(sed -n '/^Links/,/^$/p' status.out)"

expect 0 "" "$HOST" status --json --port "$leader"
contains '"isLeader": true' "$out"
contains '"Colour": "green"' "$out"
contains '"preregistered": false' "$out"
contains '"connections": 1' "$out"
expect 0 "" "$HOST" status --json --port "$member"
contains "\"place\": \"127.0.0.1:$leader\"" "$out"
contains '"state": "registered"' "$out"

# ---- an actor that lives elsewhere ---------------------------------------------------------------

expect 0 "" "$HOST" create printing.Clerk --port "$member"
clerk=$out
contains "@127.0.0.1:$member" "$clerk"
expect 0 "" "$HOST" ask "$clerk" print
[ "$out" = printed ] || fail "the clerk said: $out"
within "$member" "elsewhere"
contains "printing.Clerk" "$(grep elsewhere status.out)"
! grep -q thespian.Peer status.out || fail "what is no actor is shown: $(cat status.out)"
contains "1 actor, 1 program connected" "$(cat status.out)"

# Whoever is asked, the system where it lives answers, and is named.
for port in "$member" "$leader" "$printer"; do
  expect 0 "" "$HOST" status "$clerk" --port "$port"
  contains "printing.Clerk" "$out"
  contains "address  $clerk" "$out"
  contains "@127.0.0.1:$printer" "$(echo "$out" | grep "  admin ")"
  contains "handled  1" "$out"
  contains "state    running" "$out"
done
expect 0 "" "$HOST" status "$clerk" --json
contains '"class": "printing.Clerk"' "$out"

# In the list of that system it has an address of its own, and the one that its creator knows.
expect 0 "" "$HOST" status --json --port "$printer"
contains "\"alias\": \"$clerk\"" "$out"
[ "$(echo "$out" | tr '{' '\n' | grep -c "\"alias\": \"")" = 1 ] || fail "others have an alias: $out"
hosted=$(echo "$out" | tr '{' '\n' | grep "\"alias\": \"" | sed 's/.*"address": "\([^"]*\)".*/\1/')
contains "@127.0.0.1:$printer" "$hosted"
expect 0 "" "$HOST" status "$hosted" --port "$printer"
contains "  alias    $clerk" "$out"
expect 0 "" "$HOST" status "$clerk" --port "$printer"
[ "$(echo "$out" | grep -c alias)" = 0 ] || fail "the alias is shown twice: $out"
expect 0 "" "$HOST" status --json --port "$member"
[ "$(echo "$out" | grep -c "\"alias\": \"")" = 0 ] || fail "a forward has an alias: $out"

# It is asked to exit by way of a third system.
expect 0 "" "$HOST" exit "$clerk" --port "$leader"
looks=0
while "$HOST" status "$clerk" >clerk.out 2>clerk.err; do again "the end of the clerk"; done
contains "no actor has the address $clerk" "$(cat clerk.err)"
expect 1 "no actor has the address $clerk" "$HOST" status "$clerk" --port "$leader"

# By its forward, too; and where it lives nothing is left of it.
expect 0 "" "$HOST" create printing.Clerk --port "$member"
clerk=$out
expect 0 "" "$HOST" exit "$clerk"
looks=0
while "$HOST" status "$clerk" >clerk.out 2>clerk.err; do again "the end of the clerk"; done
within "$printer" "  0 actors, "
within "$member" "  0 actors, "

# ---- one that leaves -----------------------------------------------------------------------------

expect 0 "" "$HOST" shutdown --port "$printer"
looks=0
while within "$leader" "Convention, led by" && grep -q "Colour green" status.out; do
  again "that the printer is gone: $(cat status.out)"
done
expect 0 "" "$HOST" shutdown --port "$leader"
within "$member" "Convention, whose leader is not there"
within "$member" "sought"
expect 0 "" "$HOST" shutdown --port "$member"
nothing_runs
