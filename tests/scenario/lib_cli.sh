# lib_cli: what the scripts about the command line share. HOST is the program.
#
#   expect STATUS WORDS COMMAND...   runs it; its exit status must be STATUS, and its one line on
#                                    standard error contain WORDS ("" for an empty standard error);
#                                    its standard output is then in $out
#   fail WORDS                       ends the script
#   start ARGUMENT...                starts a system on a free port, left in $port, as the process
#                                    $daemon; it ends with the script, which fails when what the
#                                    system wrote to its log tells of a sanitizer's findings
#
# Each script has a folder of its own as its current one.

work=$(mktemp -d "${TMPDIR:-/tmp}/cli.XXXXXX")
cd "$work"
port=
daemon=
clean_up() {
  status=$?
  [ -z "$port" ] || "$HOST" shutdown --port "$port" || status=1
  # A leak is found at the very end of a process.
  while [ -n "$daemon" ] && kill -0 "$daemon" 2>/dev/null; do sleep 0.01; done
  if grep -s "Sanitizer" "$work/log" >&2; then
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

start() {
  expect 0 "" "$HOST" start --daemon --port 0 --log-file "$work/log" "$@"
  case $out in
    "multiprocTCPBase 127.0.0.1 "[0-9]*) port=${out##* } ;;
    *) fail "start printed: $out" ;;
  esac
  expect 0 "" "$HOST" status --json --port "$port"
  daemon=$(echo "$out" | sed 's/.*"pid": \([0-9]*\).*/\1/')
}
