#!/bin/sh
# Prints which share of the lines of each source file ran: sh tests/coverage.sh BUILD
# Counts what the tests of a coverage build left behind; processes that were killed left nothing.
set -eu

build=$(CDPATH='' cd -- "${1:?which build folder?}" && pwd)
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/.." && pwd)
cd -- "$build"

# gcov says "File 'PATH'" and then "Lines executed:PERCENT% of COUNT" for each file it meets.
find CMakeFiles/thespian.dir CMakeFiles/thespian-bindings.dir -name '*.gcno' |
  while IFS= read -r notes; do gcov --no-output --object-file "$notes" x.c 2>/dev/null; done |
  awk -v root="$root/" -F"'" '
    /^File / { file = $2; next }
    /^Lines executed:/ && index(file, root) == 1 {
      split($0, part, /[:% ]+/)
      name = substr(file, length(root) + 1)
      if (name ~ /\.c$/ && name !~ /^build\//) {
        printf "%6.1f%% of %5d  %s\n", part[3], part[5], name | "sort -k 4"
        ran += part[3] * part[5] / 100
        lines += part[5]
      }
    }
    { file = "" }
    END {
      close("sort -k 4")
      printf "%6.1f%% of %5d  in all\n", lines ? 100 * ran / lines : 0, lines
    }'
