# A system that was started with --trust: nothing runs there that those keys have not signed, or is past
# its time, or older than what was there before.
set -eu
. "$(dirname "$0")/lib_cli.sh"

mkdir app
cat >app/shop.lua <<'LUA'
local actors = require "thespian.actors"
local Clerk = actors.class("Clerk", actors.Actor)
function Clerk:init() self.heard = {} end
function Clerk:receiveMessage(message, sender)
  if message == "heard" then
    self:send(sender, table.concat(self.heard, " "))
  elseif message == "fail" then
    error("no such thing")
  elseif type(message) == "string" then
    table.insert(self.heard, message)
  end
end
return { Clerk = Clerk }
LUA

for name in one two; do expect 0 "" "$HOST" keygen -o $name; done
expect 0 "" "$HOST" keygen --encryption -o seal

# packed FILE VERSION NOT_AFTER OPTION...: a bundle with a manifest; NAME is its actor's.
packed() {
  file=$1
  echo "{\"name\": \"shop\", \"version\": \"$2\", \"notAfter\": \"$3\", \"actors\":
    [{\"class\": \"shop.Clerk\", \"name\": \"$file\", \"messages\": [\"good\", \"morning\"]}]}" \
    >app/manifest.json
  shift 3
  expect 0 "" "$HOST" bundle app -o "$file.zip" "$@"
}

refused() {
  expect 1 "$2" "$HOST" load "$1.zip" --port "$port"
  expect 1 "no actor has the global name" "$HOST" ask "@$1" heard --port "$port"
}

runs() {
  expect 0 "" "$HOST" load "$1.zip" --port "$port"
  expect 0 "" "$HOST" ask "@$1" heard --port "$port"
  [ "$out" = "good morning" ] || fail "the actor of $1 has heard: $out"
}

packed plain 1 2100-01-01
packed first 1.9 2100-01-01 --sign one.key
packed second 1.10 2100-01-01 --sign one.key
packed third 1.9.1 2100-01-01 --sign one.key
packed stranger 3 2100-01-01 --sign two.key
packed expired 4 2001-01-01 --sign one.key
packed sealed 1.11 2100-01-01 --sign one.key --encrypt seal.key
packed compiled 1.12 2100-01-01 --compile --keep-debug --sign one.key
packed both 1.13 2100-01-01 --sign one.key --sign two.key
{ head -c 200 first.zip; printf x; tail -c +202 first.zip; } >changed.zip

# ---- one key -------------------------------------------------------------------------------------

start --trust one.pub --key seal.key --trust-state newest
expect 1 "refused it: the bundle is not signed" "$HOST" load plain.zip --port "$port"
contains "thespian-host: plain.zip: source " "$err"
refused plain "refused it: the bundle is not signed"
refused stranger "signed by none of the keys that are trusted"
refused expired "it was good until 2001-01-01, which is over"
expect 1 "is not loaded" "$HOST" load changed.zip --port "$port"
runs first
runs second
refused third "it is version 1.9.1 of shop, and 1.10 was here already"
runs sealed
runs compiled
"$HOST" ask @compiled fail --port "$port" 2>err && fail "the actor of compiled does not fail"
contains "shop.lua:8: no such thing" "$(cat err)"
expect 0 "" "$HOST" sources --port "$port"
[ "$(echo "$out" | wc -l)" = 4 ] || fail "other sources are there: $out"
# Again it is the same, and its actor stays.
runs first
expect 0 "" "$HOST" shutdown --port "$port"
port=

# ---- two of two, and what is known from before ---------------------------------------------------

start --trust one.pub --trust two.pub --trust-count 2 --trust-state newest
refused first "signed by 1 of the keys that are trusted; 2 are needed"
refused sealed "encrypted"
runs both
expect 0 "" "$HOST" shutdown --port "$port"
port=
start --trust one.pub --trust-state newest
refused second "it is version 1.10 of shop, and 1.13 was here already"
expect 0 "" "$HOST" shutdown --port "$port"
port=

# ---- a file that is no list of versions ----------------------------------------------------------

for lines in "a letter" "shop\t1.13\nshop" "shop\t1.13\n\n"; do
  printf "$lines" >letter
  cp letter before
  expect 1 "letter holds no list of newest versions, and is left as it is; name another file" \
    "$HOST" start --daemon --log-file "$work/start.log" --port 0 --trust one.pub --trust-state letter
  cmp -s letter before || fail "the file is not as it was: $(cat letter)"
done

# ---- without an authority ------------------------------------------------------------------------

start
expect 1 "first.zip: the bundle is signed, and only a source authority opens it, as that of thespian-host start --trust" \
  "$HOST" load first.zip --port "$port"
expect 1 "sealed.zip: the bundle is encrypted, and only a source authority opens it, as that of thespian-host start --trust and --key" \
  "$HOST" load sealed.zip --port "$port"
expect 0 "" "$HOST" shutdown --port "$port"
port=

# ---- from the first moment -----------------------------------------------------------------------

expect 1 "the bundle is not signed" "$HOST" start --daemon --log-file "$work/start.log" --port 0 --trust one.pub --load plain.zip
expect 2 "--trust-state is for --trust" "$HOST" start --daemon --log-file "$work/start.log" --port 0 --trust-state newest
expect 2 "--key is for --trust" "$HOST" start --daemon --log-file "$work/start.log" --port 0 --key seal.key
expect 2 "\"3\" is no count of keys" "$HOST" start --daemon --log-file "$work/start.log" --port 0 --trust one.pub --trust-count 3
expect 1 "it holds a secret key" "$HOST" start --daemon --log-file "$work/start.log" --port 0 --trust one.key
expect 1 "cannot read none.pub" "$HOST" start --daemon --log-file "$work/start.log" --port 0 --trust none.pub
expect 1 "no folder no" "$HOST" start --daemon --log-file "$work/start.log" --port 0 --trust one.pub --trust-state no/newest

# ---- what would be -------------------------------------------------------------------------------

expect 0 "" "$HOST" inspect compiled.zip --trust one.pub
contains "version     1.12" "$out"
contains "starts      shop.Clerk as @compiled" "$out"
contains "accepted    yes" "$out"
"$HOST" inspect expired.zip --trust one.pub >out 2>err && fail "an expired bundle would be accepted"
contains "it was good until 2001-01-01, which is over" "$(cat err)"
