#!/bin/sh
# Shows a convention of three systems on one machine: an actor that needs a printer comes to live where
# there is one, with its code, whoever creates it; and what happens when that system goes.
#
# HOST is the program thespian-host; after samples/run.sh: HOST=build/release/thespian-host.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
ports=

finish() {
  status=$?
  for port in $ports; do "$HOST" shutdown --port "$port" >/dev/null 2>&1 || true; done
  rm -rf -- "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

# Shows a command as a person would type it, and runs it.
run() {
  printf '$ thespian-host %s\n' "$*"
  "$HOST" "$@"
}

# system NAME OPTION...: starts one; its port is then $port, its log NAME.log.
system() {
  log=$work/$1.log
  shift
  printf '$ thespian-host start --daemon --port 0 %s\n' "$*"
  ready=$("$HOST" start --daemon --port 0 --log-file "$log" "$@")
  port=${ready##* }
  ports="$port $ports"
  echo "$ready"
}

# status PORT PATTERN: the lines of a system's status that matter here.
status() {
  printf '$ thespian-host status --port %s\n' "$1"
  "$HOST" status --port "$1" | sed -n "$2"
}

# knows PORT WORDS: whether they are in its status.
knows() {
  "$HOST" status --port "$1" | grep -q "$2"
}

say "1. Three systems: a leader, an office, and a cellar with a printer"
system leader
leader=$port
system office --convention "127.0.0.1:$leader"
office=$port
system cellar --convention "127.0.0.1:$leader" --capability Printer=Gutenberg
cellar=$port
until knows "$leader" "@127.0.0.1:$office " && knows "$leader" "Printer Gutenberg"; do sleep 0.05; done
status "$leader" '/^Convention/,/^$/ { /./p }'

say "2. The office loads the code, and opens a desk"
"$HOST" bundle "$here/actors" -o "$work/printing.zip" >/dev/null
hash=$(run load "$work/printing.zip" --port "$office" | tail -n 1)
echo "loaded as $hash"
desk=$("$HOST" create printing.Desk --source "$hash" --port "$office")
echo "created $desk"

say "3. The desk's printer lives in the cellar, which got the code from the office"
run ask "$desk" "a page"
run sources --port "$cellar"
status "$office" '/^  class  /p; /printing\.[DP]/p'

say "4. The cellar goes; the desk is told, and another cellar takes over"
run shutdown --port "$cellar"
while knows "$office" elsewhere; do sleep 0.05; done
system another --convention "127.0.0.1:$leader" --capability Printer=Manutius
until knows "$leader" "Printer Manutius"; do sleep 0.05; done
run ask "$desk" "another page"

say "5. What the desk warned of stands in the leader's log, too"
until grep -q "the printer is gone" "$work/leader.log"; do sleep 0.05; done
grep "the printer is gone" "$work/leader.log"

say "6. The systems shut down"
for port in $ports; do
  [ "$port" = "$cellar" ] || run shutdown --port "$port"
done
ports=
echo "done"
