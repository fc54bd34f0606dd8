#!/bin/sh
# What a message costs in instructions and allocations, against tests/bench/counts.txt:
# sh tests/bench/counts.sh [--update] [--repeat N]
#
#   --update    writes the file anew
#   --repeat N  only prints what N counts give, to see how far they differ
#
# W1, W2, W4 and W8 of this folder at a small size under callgrind, by a release build: noise does not matter,
# so a regression shows on a busy machine, too. Ends with 1 if something costs over 5 % more than is recorded,
# with 77 where it cannot be told: without valgrind, or with another compiler or libc. HOST is the
# program; the release build's, built first, if it is not set.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
if [ -z "${HOST:-}" ]; then
  sh "$root/tests/build.sh" release thespian-host >&2
  HOST=$root/build/release/thespian-host
fi
export HOST
exec python3 "$here/counts.py" "$@"
