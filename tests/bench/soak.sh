#!/bin/sh
# Whether memory stays as it is under full load: sh tests/bench/soak.sh [SECONDS]
#
# W5, W6 and the creation and exit of actors, all at once and for 600 seconds if not said otherwise. Ends with
# 1 if the resident memory at the end is more than 5 % above that after the first minute (of less than two
# minutes: the first half), or a total is wrong. HOST is the program; the release build's, built first, if it
# is not set.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
if [ -z "${HOST:-}" ]; then
  sh "$root/tests/build.sh" release thespian-host >&2
  HOST=$root/build/release/thespian-host
  THESPLOG_FILE=$root/build/release/bench/soak.log
  mkdir -p "${THESPLOG_FILE%/*}"
  export THESPLOG_FILE
fi
exec "$HOST" run "$here/soak.lua" "${1:-600}"
