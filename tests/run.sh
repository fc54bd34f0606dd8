#!/bin/sh
# Builds everything and runs every test: sh tests/run.sh [--preset NAME] [--coverage] [-- CTEST-OPTION...]
#
#   --preset NAME   release (the default), debug, asan, tsan or coverage
#   --coverage      the preset coverage, and afterwards which share of each file's lines ran
#
# Complete on a bare Debian 12, as root or with sudo: what is missing is installed by apt. Nothing is
# written outside the checkout but the packages.
set -eu

preset=release
while [ $# -gt 0 ]; do
  case $1 in
    --preset) preset=${2:?--preset needs a name}; shift 2 ;;
    --coverage) preset=coverage; shift ;;
    --) shift; break ;;
    *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
done

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd -- "$here/.."
sh tests/build.sh "$preset"

TMPDIR=$PWD/build/tmp
export TMPDIR
run=""
if [ "$preset" = tsan ] && setarch "$(uname -m)" -R true 2>/dev/null; then
  run="setarch $(uname -m) -R" # gcc 12's runtime fails where the kernel randomises many address bits
fi
if [ "$preset" = coverage ]; then
  find build/coverage -name '*.gcda' -exec rm -f {} + # counts add up from run to run
fi

# More tests than processors: half of a test's time is waiting for a limit or for another process.
status=0
$run ctest --preset "$preset" --output-on-failure -j"$((2 * $(nproc)))" "$@" || status=$?

if [ "$preset" = coverage ]; then
  sh tests/coverage.sh build/coverage | tee build/coverage/coverage.txt
fi
exit "$status"
