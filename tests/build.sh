#!/bin/sh
# Installs what is missing, configures and builds: sh tests/build.sh PRESET [TARGET...]
# Everything it makes lies in build/PRESET of the checkout.
set -eu

preset=${1:?which preset of CMakePresets.json?}
shift
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd -- "$here/.."

if [ "$preset" = fuzz ]; then
  sh tests/packages.sh --fuzz
else
  sh tests/packages.sh
fi

# The compiler's scratch files and its cache stay within the checkout, too.
mkdir -p build/tmp
TMPDIR=$PWD/build/tmp
CCACHE_DIR=${CCACHE_DIR:-$PWD/build/ccache}
export TMPDIR CCACHE_DIR

cmake --preset "$preset"
cmake --build --preset "$preset" ${1+--target "$@"}
