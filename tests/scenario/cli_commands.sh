# The commands that talk to a system, as somebody uses them who has a bundle and nothing else.
set -eu
. "$(dirname "$0")/lib_cli.sh"

mkdir -p shop/parts
cat >shop/shop.lua <<'LUA'
local actors = require "thespian.actors"
local parts = require "parts.names"

local Clerk = actors.class("Clerk", actors.Actor)

function Clerk:init(capabilities, requirements)
  self.colour = requirements and requirements.Colour
  self.told = {}
end

function Clerk:receiveMessage(message, sender)
  if message == "colour" then
    self:send(sender, self.colour or "none")
  elseif message == "told" then
    self:send(sender, self.told)
    self.told = {}
  elseif message == "hire" then
    self:send(sender, self:createActor("shop.Clerk"))
  elseif type(message) == "table" and message.hire then
    for _ = 1, message.hire do self:createActor("shop.Clerk") end
    self:send(sender, "hired")
  elseif message == "greet" then
    self:send(sender, parts.greeting)
  elseif type(message) == "table" and message.echo ~= nil then
    self:send(sender, message.echo)
  elseif not actors.isinstance(message, actors.ActorSystemMessage) then
    self.told[#self.told + 1] = message
  end
end

return {Clerk = Clerk}
LUA
echo 'return {greeting = "good day"}' >shop/parts/names.lua

is() {
  [ "$out" = "$1" ] || fail "printed \"$out\", not \"$1\""
}

# ---- bundle --------------------------------------------------------------------------------------

expect 0 "" "$HOST" bundle shop
first=$out
[ ${#first} = 64 ] || fail "no hash: $first"
[ "$(sha256sum <shop.zip)" = "$first  -" ] || fail "the hash is not that of the file"
expect 0 "" "$HOST" bundle shop/ -o again.zip
is "$first"
cmp shop.zip again.zip
cd shop
for again in 1 2; do # the second time the file to be written is there
  expect 0 "" "$HOST" bundle .
  is "$first"
done
cmp shop.zip ../shop.zip
rm shop.zip
cd ..

# ---- load, sources, create -----------------------------------------------------------------------

start --capability Shelves=12 --capability "Owner=Jo Black"
on() {
  command=$1
  shift
  expect 0 "" "$HOST" "$command" --port "$port" "$@"
}

on sources
is ""
on load shop.zip
is "$first"
on load shop.zip
is "$first"
sed -i 's/good day/good evening/' shop/parts/names.lua
expect 0 "" "$HOST" bundle shop -o evening.zip
second=$out
[ "$second" != "$first" ] || fail "another bundle has the same hash"
on load evening.zip
on sources
contains "$first  shop.zip  2 files, " "$out"
contains "$second  evening.zip  2 files, " "$out"

on create shop.Clerk --source "$first" --name morning
morning=$out
on create shop.Clerk --source "$(echo "$second" | cut -c 1-8)" --require Colour=red
evening=$out
on create shop.Clerk --source "$second" --name morning
is "$morning" # the name is taken: it is the same actor

# ---- ask and tell --------------------------------------------------------------------------------

expect 0 "" "$HOST" ask "$morning" greet
is "good day"
expect 0 "" "$HOST" ask "$evening" greet
is "good evening"
on ask @morning colour
is "none"
expect 0 "" "$HOST" ask "$evening" colour
is "red"

echo_of() {
  expect 0 "" "$HOST" ask "$morning" "{\"echo\": $1}"
  is "$2"
}
echo_of 1 1
echo_of 1.0 1.0
echo_of -9223372036854775808 -9223372036854775808
echo_of true true
echo_of '"a \"quoted\" word"' 'a "quoted" word'
echo_of '["a \"word\"", 1.5, false, {"k": []}]' '["a \"word\"", 1.5, false, {"k": []}]'
echo_of '"\u00e9\u20ac"' "é€"

for message in plain "[1, 2" -- "5" '"5"' ""; do
  [ "$message" != -- ] || continue
  expect 0 "" "$HOST" tell "$morning" "$message"
  is ""
done
expect 0 "" "$HOST" tell "$morning" -- -5
expect 0 "" "$HOST" ask "$morning" told
is '["plain", "[1, 2", 5, "5", "", -5]'

# ---- status --------------------------------------------------------------------------------------

expect 0 "" "$HOST" ask "$evening" hire
child=$out
on status
for part in "$BASE on 127.0.0.1 port $port, pid " "Shelves" "Jo Black" "morning" \
  "$(echo "$first" | cut -c 1-16)  shop.zip" "shop.Clerk @morning" "    shop.Clerk  " "3 actors"; do
  contains "$part" "$out"
done
on status --json
contains "\"base\": \"$BASE\"" "$out"
contains "\"port\": $port" "$out"
contains '"Shelves": 12' "$out"
contains "\"morning\": \"$morning\"" "$out"
[ "$(wc -l <out)" = 1 ] || fail "JSON on more than one line"
expect 0 "" "$HOST" status "$child"
contains "shop.Clerk" "$out"
contains "parent   $evening" "$out"
on status @morning --json
contains '"handled": ' "$out"

# Of many only some are asked for.
expect 0 "" "$HOST" ask "$child" '{"hire": 250}'
on status
contains "  ... 53 more; --all shows them" "$out"
contains "  253 actors" "$out"
[ "$(grep -c " shop.Clerk" out)" = 200 ] || fail "not 200 actors"
on status --all
[ "$(grep -c " shop.Clerk" out)" = 253 ] || fail "not all actors"
on status --json
contains '"omitted": 0' "$out"

# ---- words of strangers --------------------------------------------------------------------------

# What a terminal would obey is spelt out.
escape=$(printf '\033[31m')
mkdir "red$escape"
echo "return {}" >"red$escape/red.lua"
expect 0 "" "$HOST" bundle "red$escape"
on load "red$escape.zip"
red=$out
for command in status sources; do
  on $command
  case $out in *"$escape"*) fail "$command prints an escape sequence: $out" ;; esac
  contains '\x1b[31m' "$out"
done
expect 1 'name "nobody\x1b[31m"' "$HOST" ask "@nobody$escape" greet --port "$port"
echo "no zip" >"bad$escape.zip"
expect 1 'bad\x1b[31m.zip: not a zip archive' "$HOST" load "bad$escape.zip" --port "$port"
expect 1 "this cannot be a global name: it has control characters" \
  "$HOST" create shop.Clerk --source "$second" --name "clerk$escape" --port "$port"
on unload "$red"

# ---- exit ----------------------------------------------------------------------------------------

expect 0 "" "$HOST" exit "$evening" --no-recursive
expect 1 "dead letter" "$HOST" ask "$evening" greet
expect 0 "" "$HOST" ask "$child" greet
is "good evening"
expect 0 "" "$HOST" ask "$morning" hire
child=$out
on exit @morning
expect 1 "dead letter" "$HOST" ask "$morning" greet
expect 1 "dead letter" "$HOST" ask "$child" greet
on create shop.Clerk --source "$first" --name morning
[ "$out" != "$morning" ] || fail "an address was used again"

# ---- unload, shutdown ----------------------------------------------------------------------------

on unload "$second"
expect 1 "$second" "$HOST" create shop.Clerk --source "$second" --port "$port"
on sources
case $out in
  *"$second"*) fail "the unloaded bundle is still there" ;;
esac
on ask @morning greet
is "good day"
# A program that does not hang up keeps the process a moment longer; nobody is let in meanwhile.
"$HOST" ask @morning silence --port "$port" >silence.out 2>&1 &
stopped=$!
until [ "$out" = '["silence"]' ]; do on ask @morning told; done
kill -STOP "$stopped"
on shutdown
is ""
expect 3 "no actor system at" "$HOST" shutdown --port "$port"
port=
