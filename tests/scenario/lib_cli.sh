# lib_cli: what the scripts about the command line share. HOST is the program.
#
#   expect STATUS WORDS COMMAND...   runs it; its exit status must be STATUS, and its one line on
#                                    standard error contain WORDS ("" for an empty standard error);
#                                    its standard output is then in $out
#   fail WORDS                       ends the script
#   own_port                         prints a port that no other program gets (lib_port)
#   start ARGUMENT...                starts a system on such a port, left in $port, as the process
#                                    $daemon; it ends with the script, which fails when what the
#                                    system wrote to its log tells of a sanitizer's findings
#
# Each script has a folder of its own as its current one. Its systems are of the base that BASE
# names, multiprocTCPBase where it is not set: $HOST then names it to the commands, and $BASE is
# there for programs to read.

work=$(mktemp -d "${TMPDIR:-/tmp}/cli.XXXXXX")
cd "$work"
program=$HOST
BASE=${BASE:-multiprocTCPBase}
export BASE
if [ "$BASE" != multiprocTCPBase ]; then
  cat >"$work/host" <<SH
#!/bin/sh
command=\$1
case \$command in
  run | bundle | keygen | sign | inspect | -*) exec "$program" "\$@" ;;
esac
shift
exec "$program" "\$command" --base $BASE "\$@"
SH
  chmod +x "$work/host"
  HOST=$work/host
fi

port=
daemon=
stopped= # a process that a script has stopped, which could not end by itself
patience=60 # seconds that a script waits for what must come: a hang is a failure, not a timing

# A zombie that nobody has reaped yet has ended, once its other threads have: they hold its files
# and ports. It is asked often, so no other program takes part.
is_running() {
  state='' threads=''
  {
    while read -r field value _; do
      case $field in
        State:) state=$value ;;
        Threads:) threads=$value ;;
      esac
    done
  } 2>&- <"/proc/${1:-none}/status" || return 1
  case "$state $threads" in
    "Z 1" | " ") return 1 ;;
  esac
}

end_daemon() {
  echo "$0: process $daemon $1" >&2
  status=1
  ! is_running "$daemon" || kill -KILL "$daemon"
}

clean_up() {
  status=$?
  trap - EXIT
  set +e # all of it is done, whatever fails
  [ -z "$stopped" ] || kill -KILL "$stopped"
  [ -z "$port" ] || "$HOST" shutdown --port "$port" || end_daemon "is not shut down"
  # A leak is found at the very end of a process.
  looks=0
  while is_running "$daemon" && [ $looks -lt $((patience * 50)) ]; do
    looks=$((looks + 1))
    sleep 0.02
  done
  ! is_running "$daemon" || end_daemon "does not end"
  if grep -s "Sanitizer\|runtime error:" "$work/log" >&2; then
    cat "$work/log" >&2
    status=1
  fi
  cd /
  rm -rf "$work"
  exit $status
}
trap clean_up EXIT

fail() {
  echo "$0: $*" >&2
  exit 1
}

expect() {
  wanted=$1 words=$2
  shift 2
  got=0
  "$@" >"$work/out" 2>"$work/err" </dev/null || got=$?
  out=$(cat "$work/out")
  err=$(cat "$work/err")
  [ "$got" = "$wanted" ] || fail "exit status $got, not $wanted: $*
$out
$err"
  if [ -z "$words" ]; then
    [ -z "$err" ] || fail "words on standard error: $*
$err"
    return
  fi
  case $err in
    "thespian-host: "*"$words"*) ;;
    *) fail "standard error does not say \"$words\": $*
$err" ;;
  esac
  [ "$(wc -l <"$work/err")" = 1 ] || fail "more than one line on standard error: $*
$err"
}

contains() {
  case $2 in
    *"$1"*) ;;
    *) fail "\"$1\" is not in: $2" ;;
  esac
}

own_port() {
  lua5.4 "$(dirname "$0")/lib_port.lua"
}

start() {
  expect 0 "" "$HOST" start --daemon --port "$(own_port)" --log-file "$work/log" "$@"
  case $out in
    "$BASE 127.0.0.1 "[0-9]*) port=${out##* } ;;
    *) fail "start printed: $out" ;;
  esac
  expect 0 "" "$HOST" status --json --port "$port"
  daemon=$(echo "$out" | sed 's/.*"pid": \([0-9]*\).*/\1/')
}
