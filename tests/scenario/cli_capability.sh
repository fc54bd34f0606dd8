# The command capability: shows what a system says of itself, sets it, and takes it away. Actors that
# do not fit any more exit.
set -eu
. "$(dirname "$0")/lib_cli.sh"

cat >lamp.lua <<'LUA'
local actors = require "thespian.actors"
local Lamp = actors.requireCapability("Has Lightbulb")(actors.class("Lamp", actors.Actor))
function Lamp:receiveMessage(message, sender) self:send(sender, message) end
return {Lamp = Lamp}
LUA

is() {
  [ "$out" = "$1" ] || fail "printed \"$out\", not \"$1\""
}

start --path "$work"
capability() { "$HOST" capability "$@" --port "$port"; }

expect 0 "" capability AllowRemoteActorSources
is Yes
expect 1 'the system has no capability "Has Lightbulb"' capability "Has Lightbulb"
expect 1 'it requires the capability "Has Lightbulb"' "$HOST" create lamp.Lamp --port "$port"

expect 0 "" capability "Has Lightbulb=true"
is ""
expect 0 "" capability "Has Lightbulb"
is true
expect 0 "" "$HOST" create lamp.Lamp --name lamp --port "$port"
expect 0 "" "$HOST" ask @lamp on --port "$port"
is on

# Text stays text, other values are JSON; what a terminal would obey is not printed.
expect 0 "" capability 'Colours=["red", {"dark": 1.5}]'
expect 0 "" capability Colours
is '["red", {"dark": 1.5}]'
expect 0 "" capability 'Motto="a\u001bb"'
expect 0 "" capability Motto
case $out in *"$(printf '\033')"*) fail "printed an escape character" ;; esac
expect 0 "" capability
case $out in *'Colours=["red", {"dark": 1.5}]'*) ;; *) fail "does not list Colours: $out" ;; esac

expect 0 "" capability --unset "Has Lightbulb"
expect 1 "no capability" capability "Has Lightbulb"
looks=0
while "$HOST" ask @lamp on --port "$port" --timeout 5 >/dev/null 2>&1; do
  looks=$((looks + 1))
  [ $looks -lt 500 ] || fail "the actor that does not fit any more stays"
done
expect 0 "" capability --unset "never there"

expect 2 "either Colour=red or --unset Motto, not both" capability Colour=red --unset Motto
expect 2 "two is one argument too many for capability" capability one two
expect 2 "is not of the form KEY=VALUE" capability "=x"
