# What README.md types at the prompt prints what stands there, and its config file starts a system.
# The examples in Lua are run by tests/lua/test_docs.lua.
set -eu
. "$(dirname "$0")/lib_systems.sh"

ln -s "$SOURCE/samples" samples

# On a free port, which is shown as the usual one.
cat >bin/thespian-host <<'SH2'
#!/bin/sh
set -e
case $1 in
  start)
    "$HOST" "$@" --port 0 >started
    read -r base address port <started
    echo "$port" >port
    echo "$base $address 1900"
    ;;
  bundle) exec "$HOST" "$@" ;;
  *) exec "$HOST" "$@" --port "$(cat port)" ;;
esac
SH2
chmod +x bin/thespian-host

# ---- hot loading ---------------------------------------------------------------------------------

sed -n '/^## Hot loading/,/^## W/s/^    //p' "$SOURCE/README.md" >session
sed -n 's/^\$ //p' session >commands
grep -v '^\$ ' session >wanted
[ "$(wc -l <commands)" = 5 ] || fail "not five lines: $(cat commands)"
PATH="$work/bin:$PATH" sh -eu commands >got || fail "the session failed: $(cat got)"
# How often a word is in those texts is not ours to say, and the fields come in any order.
fields() {
  sed '/^{/ { s/[0-9][0-9]*/N/g; s/[{}]//g; s/, "/\n"/g }' "$1" | sort
}
fields wanted >wanted.fields
fields got >got.fields
diff wanted.fields got.fields >&2 || fail "the session prints something else"
contains '"the", N' "$(cat got.fields)"
expect 0 "" bin/thespian-host shutdown
nothing_runs

# ---- the config file -----------------------------------------------------------------------------

awk '/^```lua$/ { block = ""; inside = 1; next }
  /^```$/ { if (inside && block ~ /port = 0/) printf "%s", block; inside = 0 }
  inside { block = block $0 "\n" }' "$SOURCE/README.md" >config.lua
expect 0 "" "$HOST" start --config config.lua --daemon --log-file "$work/config.log"
port=${out##* }
expect 0 "" "$HOST" ask @counter '{"folder": "/usr/share/common-licenses", "top": 1}' --port "$port"
contains '"version": "1"' "$out"
expect 0 "" "$HOST" status --json --port "$port"
contains '"Has Lightbulb": true' "$out"
expect 0 "" "$HOST" shutdown --port "$port"
nothing_runs
