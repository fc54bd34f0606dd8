# unload --when-drained: nothing new comes from the bundle at once, what runs goes on and may create
# more from it, and the command returns when the last of it is gone.
set -eu
. "$(dirname "$0")/lib_systems.sh"

mkdir shop
cat >shop/shop.lua <<'LUA'
local actors = require "thespian.actors"
local Clerk = actors.class("Clerk", actors.Actor)
function Clerk:receiveMessage(message, sender)
  if message == "hire" then
    self:send(sender, tostring(self:createActor(Clerk)))
  elseif message == "work" then
    self:send(sender, require "goods")
  end
end
return {Clerk = Clerk}
LUA
echo 'return "apples"' >shop/goods.lua
expect 0 "" "$HOST" bundle shop
hash=$out
begin system --log-level info
expect 0 "" "$HOST" load shop.zip --port "$port"

# drain NAME HASH: waits in the background, once the system knows of it; what it prints is in NAME.
drain() {
  before=$(grep -c "draining source" "$log" || true)
  "$HOST" unload "$2" --when-drained --timeout "$patience" --port "$port" >"$1" 2>&1 &
  waiter=$!
  looks=0
  until [ "$(grep -c "draining source" "$log")" -gt "$before" ]; do again "$1: $(cat "$1")"; done
}

# Nobody runs from it: at once.
expect 0 "" "$HOST" unload "$hash" --when-drained --port "$port"
[ -z "$out" ] || fail "unload printed: $out"
expect 1 "no source with hash $hash is loaded here" \
  "$HOST" unload "$hash" --when-drained --port "$port"

# ---- while actors run from it --------------------------------------------------------------------

expect 0 "" "$HOST" load shop.zip --port "$port"
expect 0 "" "$HOST" create shop.Clerk --source "$hash" --port "$port"
parent=$out
# A second is time enough for the system to hear of it; where it was not, the same is tried again.
looks=0
until "$HOST" unload "$hash" --when-drained --timeout 1 --port "$port" 2>err ||
  { [ $? = 4 ] && grep -Fq "source $hash is unloaded, but actors still run from it" err; }; do
  again "a wait that ends in vain: $(cat err)"
done
[ -s err ] || fail "drained while an actor runs from it"
expect 0 "" "$HOST" sources --port "$port"
[ -z "$out" ] || fail "it is still loaded: $out"

# It is out of reach from outside, but not for who runs from it.
expect 1 "no source with hash $hash is loaded here" \
  "$HOST" create shop.Clerk --source "$hash" --port "$port"
expect 0 "" "$HOST" ask "$parent" hire --port "$port"
child=$out
expect 0 "" "$HOST" ask "$child" work --port "$port"
[ "$out" = apples ] || fail "the child finds $out"

# Who waits, and who waits again, by the beginning of the hash.
drain one "$hash"
one=$waiter
drain two "$(echo "$hash" | cut -c 1-8)"
two=$waiter

# The same bundle, loaded again meanwhile, is another matter.
expect 0 "" "$HOST" load shop.zip --port "$port"
expect 0 "" "$HOST" create shop.Clerk --source "$hash" --port "$port"
later=$out
expect 0 "" "$HOST" exit "$parent" --no-recursive --port "$port"
looks=0
until "$HOST" status "$parent" --port "$port" 2>&1 | grep -q "no actor has"; do again "$parent"; done
expect 0 "" "$HOST" ask "$child" work --port "$port"
[ "$(grep -c "drained source" "$log")" = 1 ] || fail "drained too early: $(cat "$log")"
is_running "$one" && is_running "$two" || fail "who waited is gone: $(cat one two)"
expect 0 "" "$HOST" exit "$child" --port "$port"
ended "$one" 0
ended "$two" 0
[ ! -s one ] && [ ! -s two ] || fail "unload printed: $(cat one two)"
expect 0 "" "$HOST" ask "$later" work --port "$port"

# ---- actors that come and go all the time, and the end of the system -----------------------------

drain three "$hash"
three=$waiter
for number in 1 2 3 4 5; do
  expect 0 "" "$HOST" ask "$later" hire --port "$port"
  expect 0 "" "$HOST" exit "$out" --port "$port"
done
is_running "$three" || fail "who waited is gone: $(cat three)"
expect 0 "" "$HOST" exit "$later" --port "$port"
ended "$three" 0

expect 0 "" "$HOST" load shop.zip --port "$port"
expect 0 "" "$HOST" create shop.Clerk --source "$hash" --port "$port"
drain four "$hash"
four=$waiter
expect 0 "" "$HOST" shutdown --port "$port"
gone "$pid"
gone "$four"
nothing_runs
