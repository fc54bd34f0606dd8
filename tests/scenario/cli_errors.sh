# What thespian-host answers when something cannot be done: exit status 1, 3 or 4 and one line on
# standard error, never words on standard output. One system is enough for all of it.
set -eu
. "$(dirname "$0")/lib_cli.sh"

wrong() {
  expect "$@"
  [ -z "$out" ] || fail "words on standard output: $out"
}

mkdir actors empty
cat >actors/talk.lua <<'LUA'
local actors = require "thespian.actors"
local Talk = actors.class("Talk", actors.Actor)
function Talk:receiveMessage(message, sender)
  if message == "fail" then error("no way") end
  if message == "echo" then self:send(sender, "echo") end
end
local Broken = actors.class("Broken", actors.Actor)
function Broken:init() error("cannot begin") end
return {Talk = Talk, Broken = Broken}
LUA

# ---- without a system: 3 -------------------------------------------------------------------------

start
old=$port
expect 0 "" "$HOST" shutdown --port "$old"
port=
gone="no actor system at 127.0.0.1:$old"
wrong 3 "$gone" "$HOST" shutdown --port "$old"
wrong 3 "$gone" "$HOST" sources --port "$old"
wrong 3 "$gone: Connection refused; thespian-host start starts one" "$HOST" status --port "$old"
wrong 3 "$gone" "$HOST" status @joe --port "$old"
wrong 3 "$gone" "$HOST" load actors.zip --port "$old"
wrong 3 "$gone" "$HOST" unload 12345678 --port "$old"
wrong 3 "$gone" "$HOST" create talk.Talk --port "$old"
wrong 3 "$gone" "$HOST" tell @joe x --port "$old"
wrong 3 "$gone" "$HOST" ask @joe x --port "$old"
wrong 3 "$gone" "$HOST" exit @joe --port "$old"
wrong 3 "$gone" "$HOST" tell "a7.1234567890abcdef@127.0.0.1:$old" x # the address tells where
wrong 3 "no host \"no.such.host.invalid\"" "$HOST" status --host no.such.host.invalid

# ---- starts that fail: 1 -------------------------------------------------------------------------

start
wrong 1 "port $port on 127.0.0.1 is in use by a Thespian system ($BASE, version " \
  "$HOST" start --port "$port"
wrong 1 "choose another with --port, or --port 0 for any free one" \
  "$HOST" start --port "$port" --daemon --log-file log2
wrong 1 "192.0.2.1 is not an address of this machine" "$HOST" start --port 0 --host 192.0.2.1
wrong 1 "no folder missing for modules" "$HOST" start --port 0 --path missing
wrong 1 "cannot read missing.zip" "$HOST" start --port 0 --load missing.zip
wrong 1 "cannot read missing.zip" "$HOST" start --port 0 --daemon --log-file log2 --load missing.zip
wrong 1 "module 'nothing' not found: no file " \
  "$HOST" start --port 0 --log-file log2 --create nothing.Here
wrong 1 "cannot write the log missing/log" "$HOST" start --port 0 --log-file missing/log
wrong 1 "cannot write the log missing/log" "$HOST" start --port 0 --daemon --log-file missing/log
wrong 1 "missing.lua" "$HOST" start --config missing.lua
for value in 0 -1 10001 1.5 '"many"' true; do
  wrong 1 "the capability Source Ratio Limit must be a whole number from 1 to 10000" \
    "$HOST" start --port 0 --capability "Source Ratio Limit=$value"
done
wrong 1 "the capability Source Name Limit must be a whole number from 1 to 400" \
  "$HOST" start --port 0 --daemon --log-file log2 --capability "Source Name Limit=401"
echo 'return 5' >config.lua
wrong 1 "the config file config.lua returns no table" "$HOST" start --config config.lua

# ---- requests that are refused: 1 ----------------------------------------------------------------

wrong 1 "cannot read missing.zip: No such file or directory" "$HOST" load missing.zip --port "$port"
echo "this is no zip" >bad.zip
wrong 1 "bad.zip: not a zip archive" "$HOST" load bad.zip --port "$port"
wrong 1 "bad.zip: not a zip archive" "$HOST" start --port 0 --load bad.zip
wrong 1 "no source with hash deadbeef is loaded here; thespian-host sources lists those that are" \
  "$HOST" unload deadbeef --port "$port"
wrong 1 "nothing" "$HOST" create nothing.Here --port "$port"
wrong 1 "deadbeef" "$HOST" create talk.Talk --source deadbeef --port "$port"
wrong 1 "no actor has the global name \"joe\"" "$HOST" tell @joe x --port "$port"
wrong 1 "no actor has the global name \"joe\"" "$HOST" ask @joe x --port "$port"
wrong 1 "no actor has the global name \"joe\"" "$HOST" exit @joe --port "$port"
wrong 1 "no actor has the global name \"joe\"" "$HOST" status @joe --port "$port"

expect 0 "" "$HOST" bundle actors
expect 0 "" "$HOST" load actors.zip --port "$port"
hash=$out
wrong 1 "cannot begin" "$HOST" create talk.Broken --source "$hash" --port "$port"
expect 0 "" "$HOST" create talk.Talk --source "$hash" --name joe --port "$port"
joe=$out
nobody="a999999.${joe#*.}"
wrong 1 "the message became a dead letter: nobody has that address" "$HOST" ask "$nobody" x
wrong 1 "no actor has the address $nobody" "$HOST" status "$nobody"
expect 0 "" "$HOST" tell "$nobody" x # a dead letter is the system's, not the teller's

# An answer that never comes: 4.
wrong 4 "no answer in time" "$HOST" ask "$joe" silence --timeout 2
wrong 4 "no answer in time" "$HOST" ask @joe silence --timeout 2 --port "$port"

# What failed at a message says how: several lines, so the shape is another.
got=0
"$HOST" ask "$joe" fail >out 2>err || got=$?
[ "$got" = 1 ] || fail "exit status $got, not 1, for a message that failed"
[ ! -s out ] || fail "poison was printed: $(cat out)"
contains "thespian-host: the actor failed at the message: " "$(head -n 1 err)"
contains "no way" "$(cat err)"

# ---- bundles that cannot be packed: 1 ------------------------------------------------------------

wrong 1 "cannot read missing: No such file or directory" "$HOST" bundle missing
wrong 1 "there are no files in empty" "$HOST" bundle empty
wrong 1 "cannot write missing/x.zip: No such file or directory" \
  "$HOST" bundle actors -o missing/x.zip
[ ! -e empty.zip ] || fail "a bundle that was refused was written"

mkdir -p broken/pkg
printf 'x = 1\n\nlocal = 2\n' >broken/pkg/init.lua
wrong 1 "pkg/init.lua:3: <name> expected near '='" "$HOST" bundle broken --compile
printf '{"version": "one"}' >broken/manifest.json
wrong 1 "manifest.json: \"version\" must be a whole number" "$HOST" bundle broken
[ ! -e broken.zip ] || fail "a bundle that does not compile was written"
wrong 2 "--keep-debug is for --compile" "$HOST" bundle actors --keep-debug
expect 0 "" "$HOST" bundle actors --compile -o compiled.zip
contains "talk.luac" "$(unzip -l compiled.zip)"
expect 0 "" "$HOST" bundle actors --compile --keep-debug -o longer.zip
[ "$(wc -c <longer.zip)" -gt "$(wc -c <compiled.zip)" ] || fail "no debug information was kept"
wrong 1 "compiled.zip: entry \"talk.luac\": compiled Lua is refused" \
  "$HOST" load compiled.zip --port "$port"

# ---- programs ------------------------------------------------------------------------------------

echo 'error("stop")' >stop.lua
got=0
"$HOST" run stop.lua >out 2>err || got=$?
[ "$got" = 1 ] || fail "exit status $got, not 1, for a program that failed"
contains "stop.lua:1: stop" "$(cat err)"
echo 'os.exit(7)' >seven.lua
got=0
"$HOST" run seven.lua || got=$?
[ "$got" = 7 ] || fail "exit status $got, not 7, for a program that said so"
got=0
"$HOST" run missing.lua >out 2>err || got=$?
[ "$got" = 1 ] || fail "exit status $got, not 1, for a program that is missing"
contains "missing.lua" "$(cat err)"

# ---- output that goes nowhere: 1 -----------------------------------------------------------------

if [ -e /dev/full ]; then
  got=0
  "$HOST" --help >/dev/full 2>err || got=$?
  [ "$got" = 1 ] || fail "exit status $got, not 1, with a full disk"
  contains "cannot write to standard output" "$(cat err)"
fi
