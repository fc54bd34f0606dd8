# The codec speaks plain MessagePack: Debian's python3-msgpack reads what it packs, and the other way.
set -eu
if ! /usr/bin/python3 -c 'import msgpack' 2>/dev/null; then
  echo "python3-msgpack is not installed: nothing to compare with" >&2
  exit 1
fi
exec /usr/bin/python3 "$(dirname "$0")/libmsgpack.py" "$BUILD/tests/tools/codec_tool"
