#!/bin/sh
# How long an ask takes while ten actors spin for ever beside a thousand that answer, on two cores:
# sh tests/bench/fairness.sh [ASKS [GOAL]]
#
# Prints the median, the 99th percentile and the maximum; fails when the 99th percentile is not under GOAL
# (50) milliseconds. HOST is the program to measure, the release build's if it is not set.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
host=${HOST:-$here/../../build/release/thespian-host}
two=
if [ "$(nproc)" -gt 2 ] && command -v taskset >/dev/null; then two="taskset -c 0,1"; fi
exec $two "$host" run "$here/fairness.lua" "$@"
