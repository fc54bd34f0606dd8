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
nothing_runs
