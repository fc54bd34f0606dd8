# Datagrams that make no sense on the admin port of a multiprocUDPBase system: they are counted, the
# log does not fill with them, and who waits in the system is not disturbed. And what the base
# refuses to carry.
set -eu
BASE=multiprocUDPBase
. "$(dirname "$0")/lib_systems.sh"

mkdir actors
cat >actors/echo.lua <<'LUA'
local actors = require "thespian.actors"
local Echo = actors.class("Echo", actors.Actor)
function Echo:receiveMessage(message, sender)
  if message == "release" then
    self:send(self.kept, "released")
  elseif message == "keep" then
    self.kept = sender
  else
    self:send(sender, message)
  end
end
return { Echo = Echo }
LUA
begin system --path "$work/actors" --create echo.Echo@echo --log-level info
log=$work/system.log

script=$0
datagrams() {
  /usr/bin/python3 "$(dirname "$script")/libdatagrams.py" "$port" "$1"
}
echoes() {
  expect 0 "" "$HOST" ask @echo "$1" --port "$port"
  [ "$out" = "$1" ] || fail "after $1 the system answered $out"
}

# Somebody who waits through all of it.
"$HOST" ask @echo keep --port "$port" --timeout 3600 >kept.out 2>&1 &
kept=$!
looks=0
until "$HOST" status @echo --json --port "$port" | grep -q '"handled": 1'; do
  again "the one who waits"
done

# ---- garbage -------------------------------------------------------------------------------------

datagrams noise || fail "the noise was not survived: $(cat "$log")"
echoes noise
[ "$(status_of "$port" strange)" -gt 900 ] || fail "noise counted: $(status_of "$port" strange)"
lines=$(grep -c "sent something that is not a Thespian datagram" "$log")
[ "$lines" -ge 1 ] && [ "$lines" -lt 20 ] || fail "lines about the noise: $(cat "$log")"
grep -q " WARNING .*127.0.0.1:[0-9]* sent" "$log" || fail "nobody is named: $(cat "$log")"
"$HOST" status --port "$port" | grep -q "that were none of ours" || fail "status does not tell"

strange=$(status_of "$port" strange)
[ -n "$strange" ] || fail "no count"
datagrams opens || fail "the opens were not answered with cookies"
[ "$(datagrams guests)" = 8 ] || fail "who has no connection was not told so"
echoes opens
[ "$(status_of "$port" strange)" = "$strange" ] || fail "what is ours was counted as strange"

from=$(datagrams inside) || fail "the connection was not closed: $(cat "$log")"
await "127.0.0.1:$from sent something that is not a Thespian greeting" "$log"
echoes inside
expect 0 "" "$HOST" status --port "$port"
contains "2 programs connected" "$out" # who waits, and who asks

expect 0 "" "$HOST" tell @echo release --port "$port"
ended "$kept" 0
[ "$(cat kept.out)" = "released" ] || fail "the one who waited got: $(cat kept.out)"

# ---- what is too large ---------------------------------------------------------------------------

large=$(head -c 66000 /dev/zero | tr '\0' x)
expect 1 "larger than the limit of 65536" "$HOST" tell @echo "$large" --port "$port"
fits=$(head -c 65000 /dev/zero | tr '\0' x)
expect 0 "" "$HOST" ask @echo "$fits" --port "$port"
[ "$out" = "$fits" ] || fail "a message that fits came back otherwise"

# A bundle is no message: it goes the way on which nothing is lost.
mkdir bundle
cp actors/echo.lua bundle/echo.lua
head -c 3000000 /dev/urandom | od -An -tx1 | sed 's/^/--/' >bundle/padding.lua
expect 0 "" "$HOST" bundle bundle
[ "$(wc -c <bundle.zip)" -gt 1000000 ] || fail "the bundle is too small"
expect 0 "" "$HOST" load bundle.zip --port "$port"
hash=$out
expect 0 "" "$HOST" create echo.Echo --source "$hash" --port "$port"
expect 0 "" "$HOST" ask "$out" "from the bundle"
[ "$out" = "from the bundle" ] || fail "the bundle's actor answered $out"

# ---- TCP and UDP ports are different things ------------------------------------------------------

expect 3 "no actor system at 127.0.0.1:$port" "$program" status --port "$port"
expect 0 "" "$program" start --port "$port" --daemon --log-file "$work/tcp.log"
[ "$out" = "multiprocTCPBase 127.0.0.1 $port" ] || fail "start printed $out"
echoes "TCP there, too"
expect 0 "" "$program" shutdown --port "$port"

expect 0 "" "$HOST" shutdown --port "$port"
gone "$pid"
looks=0
while [ -n "$(running)" ]; do again "the end of all"; done
