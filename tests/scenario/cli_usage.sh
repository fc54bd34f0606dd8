# What thespian-host says about itself, and that wrong usage is exit status 2 with one line that
# says what is wrong. No system is needed.
set -eu
. "$(dirname "$0")/lib_cli.sh"

commands="run start shutdown load unload sources create tell ask exit status bundle keygen sign
  inspect"

# ---- help and versions ---------------------------------------------------------------------------

expect 0 "" "$HOST" --help
overview=$out
for command in $commands; do
  contains "
  $command " "$overview"
  expect 0 "" "$HOST" "$command" --help
  contains "usage: thespian-host $command" "$out"
  help=$out
  expect 0 "" "$HOST" "$command" -h
  [ "$out" = "$help" ] || fail "-h is not --help for $command"
done
contains "Exit status: 0 done; 1 refused or failed; 2 wrong usage; 3 no system there; 4 timed " \
  "$overview"

expect 0 "" "$HOST" --version
for library in "thespian " "Lua 5.4" "libuv 1" "minizip" "zlib 1" "OpenSSL 3" "libsodium 1" "jansson 2"; do
  contains "$library" "$out"
done

# Without anything the help is an answer to a mistake.
got=0
"$HOST" >out 2>err || got=$?
[ "$got" = 2 ] || fail "exit status $got without arguments"
[ ! -s out ] || fail "the overview without arguments is not on standard error"
[ "$(cat err)" = "$overview" ] || fail "without arguments there is another text"

# ---- wrong usage ---------------------------------------------------------------------------------

wrong() {
  expect 2 "$@"
  [ -z "$out" ] || fail "words on standard output: $out"
}

wrong "no command capabilities" "$HOST" capabilities
wrong "no command --verbose" "$HOST" --verbose
wrong "no command ;" "$HOST" ';'

wrong "run needs FILE" "$HOST" run
wrong "load needs FILE.zip" "$HOST" load
wrong "unload needs HASH" "$HOST" unload
wrong "create needs CLASS" "$HOST" create
wrong "tell needs ADDRESS MESSAGE" "$HOST" tell
wrong "tell needs ADDRESS MESSAGE" "$HOST" tell @a
wrong "ask needs ADDRESS MESSAGE" "$HOST" ask @a
wrong "exit needs ADDRESS" "$HOST" exit
wrong "bundle needs DIR" "$HOST" bundle
wrong "sign needs FILE" "$HOST" sign
wrong "inspect needs FILE" "$HOST" inspect
wrong "one argument too many" "$HOST" start now
wrong "one argument too many" "$HOST" shutdown now
wrong "one argument too many" "$HOST" load a.zip b.zip
wrong "one argument too many" "$HOST" unload 12345678 12345678
wrong "one argument too many" "$HOST" sources all
wrong "one argument too many" "$HOST" create m.A m.B
wrong "one argument too many" "$HOST" tell @a b c
wrong "one argument too many" "$HOST" ask @a b c
wrong "one argument too many" "$HOST" exit @a @b
wrong "one argument too many" "$HOST" status @a @b
wrong "one argument too many" "$HOST" bundle a b
wrong "one argument too many" "$HOST" keygen a
wrong "one argument too many" "$HOST" sign a b
wrong "one argument too many" "$HOST" inspect a b

for command in shutdown sources status; do
  wrong "no option --nonsense" "$HOST" $command --nonsense
  wrong "no option -z" "$HOST" $command -z
  wrong "option --port needs a value" "$HOST" $command --port
  wrong "\"70000\" is not a port" "$HOST" $command --port 70000
  wrong "\"nineteen\" is not a port" "$HOST" $command --port nineteen
  wrong "port 0 is for start" "$HOST" $command --port 0
  wrong "option --host has an empty value" "$HOST" $command --host ""
  wrong "\"soon\" is not a number of seconds" "$HOST" $command --timeout soon
  wrong "\"-1\" is not a number of seconds" "$HOST" $command --timeout -1
  wrong "lives inside the program" "$HOST" $command --base simpleSystemBase
  wrong "lives inside the program" "$HOST" $command --base multiprocQueueBase
  wrong "no base \"multiprocPigeonBase\"" "$HOST" $command --base multiprocPigeonBase
done

wrong "lives inside the program" "$HOST" start --base simpleSystemBase
wrong "lives inside the program" "$HOST" start --base multiprocQueueBase
wrong "no base \"tcp\"" "$HOST" start --base tcp
wrong "no option --timeout" "$HOST" start --timeout 5
wrong "option --daemon takes no value" "$HOST" start --daemon=yes
wrong "is not of the form KEY=VALUE" "$HOST" start --capability Colour
wrong "is not of the form KEY=VALUE" "$HOST" start --capability =red
wrong "JSON too deep or with too big numbers" "$HOST" start --capability "n=[99999999999999999999]"
wrong "\"@joe\" is not of the form CLASS" "$HOST" start --create @joe
wrong "\"m.C@\" is not of the form CLASS" "$HOST" start --create m.C@
wrong "\"loud\" is not a log level" "$HOST" start --log-level loud
wrong "\"xml\" is not a log format" "$HOST" start --log-format xml
wrong "is not of the form KEY=VALUE" "$HOST" create m.C --require Colour
wrong "option --source has an empty value" "$HOST" create m.C --source ""
wrong "option --output needs a value" "$HOST" bundle a -o
wrong "no option --port" "$HOST" bundle a --port 5
wrong "no option --json" "$HOST" sources --json

wrong "neither an actor's address nor @NAME" "$HOST" tell joe hello
wrong "neither an actor's address nor @NAME" "$HOST" ask a1 hello
wrong "neither an actor's address nor @NAME" "$HOST" exit @
wrong "neither an actor's address nor @NAME" "$HOST" status a1.xyz
wrong "the message is JSON too deep or with too big numbers" \
  "$HOST" tell a1.1 "[99999999999999999999]"
wrong "no option -5" "$HOST" tell a1.1 -5

# ---- wrong config files --------------------------------------------------------------------------

echo 'return {ports = 5}' >config.lua
wrong "in the config file: no option \"ports\"" "$HOST" start --config config.lua
echo 'return {port = "many"}' >config.lua
wrong "\"many\" is not a port" "$HOST" start --config config.lua
echo 'return {daemon = "yes"}' >config.lua
wrong "in the config file: daemon has a value of the wrong type" "$HOST" start --config config.lua
