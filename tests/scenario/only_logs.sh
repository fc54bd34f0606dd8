# What the log definitions of a program say holds for the process that its call starts.
set -eu
. "$(dirname "$0")/lib_systems.sh"

cat >logging.lua <<'LUA'
local actors = require "thespian.actors"
local Speaker = actors.class("Speaker", actors.Actor)
function Speaker:receiveMessage(message, sender)
  if message ~= "speak" then return end
  io.stderr:write "on standard error\n"
  print "on standard output"
  self:logger():debug "a detail"
  self:logger():info "some news"
  self:logger():warning "a warning"
  self:send(sender, "spoken")
end
if actors.main(...) then
  local definitions = ({
    none = nil,
    off = false,
    level = { level = "info" },
    file = { file = "own.log" },
    both = { level = "DEBUG", file = "own.log" },
    wrong = { level = "loud" },
  })[(...)]
  local asys = actors.ActorSystem("multiprocTCPBase", { ["Admin Port"] = 0 }, definitions)
  assert(asys:ask(asys:createActor(Speaker), "speak", 60) == "spoken")
  asys:shutdown()
end
return { Speaker = Speaker }
LUA

# logged FILE WORDS...: the file has just these words of all there are.
all="on standard error:on standard output:a detail:some news:a warning"
logged() {
  log=$1
  shift
  IFS=:
  for words in $all; do
    wanted=no
    for expected in "$@"; do [ "$words" != "$expected" ] || wanted=yes; done
    found=no
    ! grep -Fq "$words" "$log" || found=yes
    [ "$found" = "$wanted" ] || fail "\"$words\" in $log: $found, not $wanted: $(cat "$log")"
  done
  unset IFS
}

for lua in $luas; do
  for how in none off level file both; do
    rm -f runtime.log own.log
    expect 0 "" "$lua" logging.lua "$how"
    case $how in
      none | off) logged runtime.log "on standard error" "a warning" ;;
      level) logged runtime.log "on standard error" "some news" "a warning" ;;
      file) logged own.log "on standard error" "on standard output" "a warning" ;;
      both) logged own.log "on standard error" "on standard output" "a detail" "some news" \
        "a warning" ;;
    esac
    case $how in
      file | both) [ ! -s runtime.log ] || fail "the usual log has: $(cat runtime.log)" ;;
    esac
  done
  ! "$lua" logging.lua wrong >wrong.out 2>&1 || fail "there is no such level"
  contains '"loud" is not a log level' "$(cat wrong.out)"
done

# ---- the same definitions on every base; who writes, and how much ----------------------------------

cat >formats.lua <<'LUA'
local actors = require "thespian.actors"
local Speaker = actors.class("Speaker", actors.Actor)
function Speaker:receiveMessage(message, sender)
  local log = self:logger "books"
  if message == "speak" then
    log:warning("%d of %s", 3, "\"quotes\" \xff\0\n")
    log:info "unwanted"
    log:warning("%d", "no number")
  elseif message == "spin" then
    for number = 1, 5000 do log:warning("again and again %d", number) end
  elseif message == "fail" then
    error "as told"
  end
  self:send(sender, tostring(self.myAddress))
end
if actors.main(...) then
  local base, format, file, what = ...
  local asys = actors.ActorSystem(base, { ["Admin Port"] = 0 },
    { level = "warning", format = format, file = file }, true)
  local answer = asys:ask(asys:createActor(Speaker), what, 60)
  if what ~= "fail" then print(answer) end
  asys:shutdown()
end
return { Speaker = Speaker }
LUA

for base in simpleSystemBase multiprocQueueBase multiprocTCPBase; do
  rm -f own.log
  "$HOST" run formats.lua "$base" json own.log speak >address.out || fail "$base: speak"
  python3 - "$(cat address.out)" own.log <<'PYTHON' || fail "$base: $(cat own.log)"
import json, sys
address, file = sys.argv[1:]
with open(file, "rb") as log:
    lines = [json.loads(line) for line in log.read().decode("utf-8", "strict").splitlines()]
for line in lines:
    assert line["level"] == "WARNING" and line["pid"] > 0 and line["time"].endswith("Z"), line
lines = [line for line in lines if "actor" in line]
assert [line["message"] for line in lines] == ["3 of \"quotes\" \u00ff\0\n", "%d no number"], lines
for line in lines:
    assert line["actor"] == address and line["class"] == "formats.Speaker", line
    assert line["logger"] == "books" and line["system"] in address, line
PYTHON
  rm -f own.log
  "$HOST" run formats.lua "$base" text own.log spin >address.out || fail "$base: spin"
  [ "$(grep -c 'again and again' own.log)" = 2000 ] || fail "$base: not cut short"
  contains "WARNING formats.Speaker $(cat address.out) [books]: again and again 2000" "$(cat own.log)"
  contains "WARNING dropped 3000 lines of formats.Speaker $(cat address.out) in 10 s" "$(cat own.log)"
  rm -f own.log
  "$HOST" run formats.lua "$base" json own.log fail || fail "$base: fail"
  [ "$(grep -c '"class":"formats.Speaker","actor":.*"message":"failed.*as told' own.log)" = 2 ] ||
    fail "$base: $(cat own.log)"
done

# refused DEFINITIONS WORDS
refused() {
  echo "require 'thespian.actors'.ActorSystem('simpleSystemBase', nil, $1, true)" >refused.lua
  ! "$HOST" run refused.lua >refused.out 2>&1 || fail "$1 is taken"
  contains "$2" "$(cat refused.out)"
}
refused '{handlers = {}}' 'logDefs have no handlers here'
refused '{format = "xml"}' '"xml" is not a log format: text or json'
refused '{lvel = "info"}' "logDefs have no 'lvel'; they have: level, file, format"
refused '{level = 3}' 'logDefs.level is a string, got number'
nothing_runs
