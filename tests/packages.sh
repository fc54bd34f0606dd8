#!/bin/sh
# The one place that says which Debian packages this project needs; installs those that are missing.
#
#   sh tests/packages.sh          what building and testing needs
#   sh tests/packages.sh --fuzz   also clang, which the fuzz targets need
#
# Needs root or sudo only when something is missing. Asks no question.
set -eu

packages="
  cmake ninja-build gcc g++ libc6-dev pkg-config
  liblua5.4-dev lua5.4 libuv1-dev libminizip-dev zlib1g-dev libssl-dev libsodium-dev libjansson-dev libjemalloc-dev
  libcmocka-dev
  minisign python3 python3-msgpack zip unzip p7zip-full procps iproute2 valgrind
"
if [ "${1:-}" = --fuzz ]; then
  packages="$packages clang llvm libclang-rt-14-dev"
fi

missing=""
for package in $packages; do
  state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
  as_root=""
elif command -v sudo >/dev/null 2>&1; then
  as_root="sudo"
else
  echo "These packages are missing, and installing them needs root or sudo:$missing" >&2
  exit 1
fi

echo "Installing:$missing"
# shellcheck disable=SC2086 # both variables are lists of words
{
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get update --quiet
  $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install --quiet --yes --no-install-recommends $missing
} </dev/null
