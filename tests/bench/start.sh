#!/bin/sh
# How long thespian-host takes from its start to the output of hello.lua: sh tests/bench/start.sh
#
# Prints the median of 30 runs, in milliseconds; the goal is 50. HOST is the program to measure, the
# release build's if it is not set. Measures from the start of the process to its end, which comes
# after the output, so the truth is a little better than the number.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
host=${HOST:-$root/build/release/thespian-host}
program=$root/samples/hello/hello.lua
runs=30
goal=50

[ "$("$host" run "$program")" = "Hello, World!" ] # and the files are in memory now

by_hyperfine() {
  hyperfine --shell=none --warmup 3 --runs "$runs" --export-csv "$results" \
    "'$host' run '$program'" >&2
  awk -F, 'NR == 2 { printf "%.1f\n", $4 * 1000 }' "$results" # command,mean,stddev,median,...
}

# Without the shell's own time: what a loop over a program that does nothing takes is taken off.
by_loop() {
  for number in $(seq "$runs"); do
    begin=$(date +%s%N)
    /bin/true
    between=$(date +%s%N)
    "$host" run "$program" >/dev/null
    end=$(date +%s%N)
    echo $((end - between - (between - begin)))
  done | sort -n | awk '{ time[NR] = $1 }
    END { printf "%.1f\n", (time[int((NR + 1) / 2)] + time[int(NR / 2) + 1]) / 2e6 }'
}

if command -v hyperfine >/dev/null; then
  results=$(mktemp)
  trap 'rm -f "$results"' EXIT
  median=$(by_hyperfine)
else
  median=$(by_loop)
fi
echo "start to output of hello.lua: median $median ms of $runs runs (goal: $goal ms)"
