# lib_systems: lib_cli for scripts with several systems, and with processes that are killed.
#
#   begin NAME ARGUMENT...   starts a system in the background, on its own port unless told another:
#                            its port is then $port, its process $pid, its log $work/NAME.log
#   status_of PORT FIELD     prints a number or a text of the system's status
#   await WORDS FILE         waits until the file contains the words
#   ended PID STATUS         waits for a child of this script, whose exit status must be that one
#   gone PID                 waits until there is no such process
#   running                  prints the processes that this script has started and that still run
#   nothing_runs             waits until there are none
#
# $luas are commands that run a program in Lua: by the host and, where possible, by stock Lua.
# Whatever a script has started ends with it, also what its programs have started. A script fails
# when a sanitizer had something to say in one of the logs, $work/*.log.

. "$(dirname "$0")/lib_cli.sh"

bases="simpleSystemBase multiprocQueueBase multiprocTCPBase multiprocUDPBase"

# Children inherit it, however far they go into the background.
TH_SCRIPT=$work
THESPLOG_FILE=$work/runtime.log
export TH_SCRIPT THESPLOG_FILE

# ---- processes -----------------------------------------------------------------------------------

# The search itself does not count.
running() {
  env -u TH_SCRIPT MARK="TH_SCRIPT=$work" \
    sh -c 'grep -Flsxz "$MARK" /proc/[0-9]*/environ | tr -dc "0-9\n"'
}


# One look in a loop that waits; WORDS say for what.
again() {
  looks=$((looks + 1))
  [ $looks -lt $((patience * 50)) ] || fail "waited in vain: $*"
  sleep 0.02
}

# Who has lost the race for a port, say, may still be on its way out.
nothing_runs() {
  looks=0
  while left=$(running) && [ -n "$left" ]; do
    again "the end of $(ps -o pid=,args= -p "$(echo $left | tr ' ' ,)")"
  done
}

await() {
  looks=0
  until grep -Fqse "$1" "$2"; do again "$1 in $2: $(cat "$2")"; done
}

gone() {
  looks=0
  while is_running "$1"; do again "the end of process $1"; done
}

ended() {
  gone "$1"
  got=0
  wait "$1" || got=$?
  [ "$got" = "$2" ] || fail "process $1 ended with $got, not $2"
}

clean_up() {
  status=$?
  trap - EXIT
  set +e # all of it is done, whatever fails
  [ "$status" = 0 ] || echo "$0: ends with $status" >&2
  for process in $(running); do kill "$process" 2>&1 | grep -v "No such process" >&2; done
  looks=0
  while [ -n "$(running)" ] && [ $looks -lt $((patience * 50)) ]; do
    looks=$((looks + 1))
    sleep 0.02
  done
  for process in $(running); do
    echo "$0: process $process does not end: $(tr '\0' ' ' <"/proc/$process/cmdline")" >&2
    kill -KILL "$process"
    status=1
  done
  if grep -s "Sanitizer\|runtime error:" "$work"/*.log >&2; then
    cat "$work"/*.log >&2
    status=1
  fi
  cd /
  rm -rf "$work"
  exit "$status"
}
trap 'fail "a signal came"' HUP INT TERM

# ---- systems and programs ------------------------------------------------------------------------

status_of() {
  "$HOST" status --json --port "$1" | sed -n "s/.*\"$2\": \"*\([^,\"}]*\).*/\1/p"
}

begin() {
  log=$work/$1.log
  shift
  expect 0 "" "$HOST" start --port "$(own_port)" --log-file "$log" "$@" --daemon
  port=${out##* }
  case $out in
    "$BASE 127.0.0.1 "[1-9]*) ;;
    *) fail "start printed: $out" ;;
  esac
  pid=$(status_of "$port" pid)
}

PROGRAM=$program
export PROGRAM
mkdir bin
cat >bin/by_host <<'SH'
#!/bin/sh
exec "$PROGRAM" run "$@"
SH
cat >bin/by_lua <<'SH'
#!/bin/sh
# Lua itself does not look beside the program.
folder=$(dirname "$1")
LUA_PATH="$folder/?.lua;$folder/?/init.lua;${LUA_PATH:-;}" exec lua5.4 "$@"
SH
chmod +x bin/*
luas="$work/bin/by_host $work/bin/by_lua"
# A sanitizer's library would have to be loaded into lua5.4 first.
! grep -Eq '__(asan|tsan|ubsan)_' "$program" || luas="$work/bin/by_host"
