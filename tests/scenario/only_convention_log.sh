# Warnings of a member come to its leader's log, each once, and not too many of them.
set -eu
. "$(dirname "$0")/lib_systems.sh"

mkdir modules
cat >modules/warning.lua <<'LUA'
local actors = require "thespian.actors"
local Speaker = actors.class("Speaker", actors.Actor)
function Speaker:receiveMessage(message, sender)
  local log = self:logger "books"
  if message == "speak" then
    log:info "some news"
    log:warning "a warning"
    log:error "an\nerror"
  elseif message == "flood" then
    for number = 1, 100 do log:warning("again and again %d", number) end
  elseif type(message) == "string" then
    log:warning(message)
  else
    return
  end
  self:send(sender, "spoken")
end
return { Speaker = Speaker }
LUA

lines() { grep -Fc -- "$1" "$2" || true; }

begin leader --path modules --log-level info --capability "Convention Check-in Period=2"
leader=$port
begin first --path modules --log-level critical --convention "127.0.0.1:$leader" \
  --capability "Convention Check-in Period=2"
first=$port
begin second --path modules --convention "127.0.0.1:$leader" \
  --capability "Convention Check-in Period=2"
second=$port
for member in "$first" "$second"; do
  looks=0
  until "$HOST" status --port "$member" | grep -Fq registered; do again "that it is registered"; done
done

# ---- who writes what -----------------------------------------------------------------------------

expect 0 "" "$HOST" create warning.Speaker --port "$first"
speaker=$out
expect 0 "" "$HOST" ask "$speaker" speak
await "an" "$work/leader.log"
await "    error" "$work/leader.log"
line=$(grep -F "a warning" "$work/leader.log")
contains " WARNING system a1." "$line"
contains "@127.0.0.1:$first: warning.Speaker $speaker [books]: a warning" "$line"
contains " ERROR system a1." "$(grep -F "[books]: an" "$work/leader.log")"
[ "$(lines "a warning" "$work/leader.log")" = 1 ] || fail "told twice: $(cat "$work/leader.log")"
[ "$(lines "some news" "$work/leader.log")" = 0 ] || fail "told of news: $(cat "$work/leader.log")"
# Its own log has another level.
[ "$(lines "a warning" "$work/first.log")" = 0 ] || fail "not at that level: $(cat "$work/first.log")"

# The leader's own warnings stay there, and one member's are not for another.
expect 0 "" "$HOST" create warning.Speaker --port "$leader"
expect 0 "" "$HOST" ask "$out" "of the leader"
expect 0 "" "$HOST" ask "$speaker" "of the first"
await "of the first" "$work/leader.log"
expect 0 "" "$HOST" create warning.Speaker --port "$second"
expect 0 "" "$HOST" ask "$out" "of the second"
await "of the second" "$work/leader.log"
contains "of the second" "$(cat "$work/second.log")"
for words in "of the leader" "of the first"; do
  [ "$(lines "$words" "$work/leader.log")" = 1 ] || fail "not once: $words"
  [ "$(lines "$words" "$work/second.log")" = 0 ] || fail "$words: $(cat "$work/second.log")"
done

# ---- too many ------------------------------------------------------------------------------------

for round in 1 2 3 4 5 6 7 8 9 10; do
  expect 0 "" "$HOST" ask "$speaker" flood --timeout "$patience"
done
await "on the way to the leader's log" "$work/leader.log"
told=$(lines "again and again" "$work/leader.log")
[ "$told" -ge 100 ] || fail "only $told lines came"
# The window may have passed in between: all that did not come are told of, in one line or more.
dropped() {
  sed -n 's/.*: dropped \([0-9]*\) lines* on the way.*/\1/p' "$work/leader.log" |
    awk '{ sum += $1 } END { print sum + 0 }'
}
looks=0
until [ $(($(dropped) + $(lines "again and again" "$work/leader.log"))) = 1000 ]; do
  again "that all are accounted for: $(dropped) dropped, $(lines "again and again" "$work/leader.log")"
done

# ---- without a leader ----------------------------------------------------------------------------

expect 0 "" "$HOST" shutdown --port "$leader"
expect 0 "" "$HOST" ask "$speaker" speak
for member in "$first" "$second"; do expect 0 "" "$HOST" shutdown --port "$member"; done
nothing_runs
