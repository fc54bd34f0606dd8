#!/bin/sh
# Shows the main job on real input, and an upgrade under load: sh samples/run.sh
#
# Complete on a bare Debian 12, as root or with sudo: what is missing is installed by apt. Nothing is
# written outside the checkout but the packages.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd -- "$here/.."

echo "Building thespian-host (the first time takes a minute; the log is build/samples.log) ..."
mkdir -p build
if ! sh tests/build.sh release thespian-host >build/samples.log 2>&1; then
  cat build/samples.log >&2
  exit 1
fi

mkdir -p build/tmp
HOST=$PWD/build/release/thespian-host
TMPDIR=$PWD/build/tmp
THESPLOG_FILE=$PWD/build/samples-thespian.log
export HOST TMPDIR THESPLOG_FILE

sh samples/wordcount/show.sh
sh samples/upgrade/show.sh
