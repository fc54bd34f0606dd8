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

# ---- handlers ------------------------------------------------------------------------------------

cat >handlers.lua <<'LUA'
local actors = require "thespian.actors"
local Speaker = require "logging".Speaker
if actors.main(...) then
  local definitions = ({
    two = {
      file = "plain.log",
      handlers = {
        audit = { file = "audit.log", level = "info", format = "json" },
        console = { level = "warning" },
      },
    },
    list = { level = "error", handlers = { { file = "plain.log" }, { file = "audit.log", level = "debug" } } },
    none = { level = "debug", file = "plain.log", handlers = {} },
  })[select(2, ...)]
  local asys = actors.ActorSystem((...), { ["Admin Port"] = 0 }, definitions, true)
  assert(asys:ask(asys:createActor(Speaker), "speak", 60) == "spoken")
  asys:shutdown()
end
LUA

for base in simpleSystemBase multiprocQueueBase multiprocTCPBase; do
  # What actors print goes to the program, or in the background to the first handler that writes text.
  printed="on standard error:on standard output"
  [ "$base" = multiprocTCPBase ] || printed=
  IFS=:
  set -- $printed
  unset IFS
  for how in two list none; do
    rm -f runtime.log plain.log audit.log
    "$HOST" run handlers.lua "$base" "$how" >handlers.out 2>&1 || fail "$base: $(cat handlers.out)"
    case $how in
      two)
        logged plain.log "$@" "a warning"
        logged audit.log "some news" "a warning"
        contains '"message":"a warning"' "$(cat audit.log)"
        ! grep -Fq '"message"' plain.log || fail "$base: JSON in plain.log"
        ;;
      list)
        logged plain.log "$@"
        logged audit.log "a detail" "some news" "a warning"
        ;;
      none) [ ! -e plain.log ] || fail "$base: without a handler: $(cat plain.log)" ;;
    esac
    [ ! -s runtime.log ] || fail "$base: the usual log has: $(cat runtime.log)"
  done
done

# refused DEFINITIONS WORDS: on a base of this process and on one with a process of its own.
refused() {
  for base in simpleSystemBase multiprocTCPBase; do
    echo "require 'thespian.actors'.ActorSystem('$base', {['Admin Port'] = 0}, $1, true)" >refused.lua
    ! "$HOST" run refused.lua >refused.out 2>&1 || fail "$1 is taken on $base"
    contains "$2" "$(cat refused.out)"
  done
}
refused '{format = "xml"}' 'ActorSystemStartupFailure: refused.lua:1: "xml" is not a log format: text or json'
refused '{lvel = "info"}' "logDefs: no setting 'lvel'; there are: level, file, format, handlers"
refused '{level = 3}' 'logDefs.level is a string, got number'
refused '{handlers = {audit = {level = "loud"}}}' 'logDefs.handlers.audit.level: "loud" is not a log level: debug, info'
refused '{handlers = {{file = "missing/log"}}}' 'cannot write the log missing/log: No such file or directory'
refused '{file = "one.log", handlers = {{}, {level = "info"}}}' \
  'two log handlers write to one.log: give each a file of its own'
refused '{handlers = {function() end}}' 'logDefs.handlers[1] is a table { level =, file =, format = }, got function'

# ---- by options ----------------------------------------------------------------------------------

cat >config.lua <<'LUA'
return { log_level = "critical", log_handler = { { file = "details.log", level = "info" } } }
LUA
expect 0 "" "$HOST" start --daemon --port 0 --config config.lua \
  --log-handler '{"file": "audit.log", "format": "json"}'
port=${out##* }
expect 0 "" "$HOST" shutdown --port "$port"
contains "shutting down" "$(cat details.log)"
! grep -Fq "shutting down" audit.log || fail "it is not critical: $(cat audit.log)"
nothing_runs
