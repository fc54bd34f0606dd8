#!/bin/sh
# How long `thespian-host run DIR --watch` takes from a change to the new program's first line:
# sh tests/bench/watch.sh
#
# HOST is the program to measure, the release build's if it is not set.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
host=${HOST:-$root/build/release/thespian-host}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$host" run "$here/watch.lua" "$host" "$work"
