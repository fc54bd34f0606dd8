#!/bin/sh
# Shows an upgrade without a pause: a service under a name answers customers, who never stop asking; its second
# version is loaded meanwhile, takes over, and the first one drains. Not one request fails.
#
# HOST is the program thespian-host; samples/run.sh builds it and calls this.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
port=

finish() {
  status=$?
  [ -z "$port" ] || "$HOST" shutdown --port "$port" >/dev/null 2>&1 || true
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

say "1. A system starts, and gets a front, which keeps the name, and version 1 of the service"
ready=$(run start --daemon --port 0 --log-file "$work/system.log" --log-level info | tail -n 1)
port=${ready##* }
echo "$ready"
cd "$work"
for part in front prices-1 prices-2; do "$HOST" bundle "$here/$part" >/dev/null; done
front=$("$HOST" load front.zip --port "$port")
first=$("$HOST" load prices-1.zip --port "$port")
"$HOST" create front.Front --source "$front" --name prices --port "$port" >/dev/null
run ask @prices version --port "$port"
run ask @prices '{"item": "apple"}' --port "$port"

say "2. Customers ask 10,000 times; meanwhile the operator types: thespian-host load prices-2.zip"
"$HOST" run "$here/customers.lua" "$port" 10000 "'$HOST' load prices-2.zip --port $port >/dev/null"
run ask @prices '{"item": "apple"}' --port "$port"

say "3. Version 1 goes, once the last actor of it has finished"
run unload "$first" --when-drained --port "$port"
run sources --port "$port"
grep -o "version . works from now on\|drained source.*" "$work/system.log"

say "4. The system shuts down"
run shutdown --port "$port"
port=
echo "done"
