#!/bin/sh
# How long a signed bundle takes to be verified and opened (checked, unpacked, hashed):
# sh tests/bench/source.sh
#
# Prints the medians, in milliseconds, for a bundle of 1 MB in 100 files (goal: 5) and for one of
# 10,000 small files (goal: 200), as the program source in this folder measures them. BUILD is the
# build tree, build/release if it is not set.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
build=${BUILD:-$here/../../build/release}
"$build/tests/bench/source" 100 10000 101 5
"$build/tests/bench/source" 10000 200 21 200
