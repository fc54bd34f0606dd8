# What bundles may be is what the capabilities of the system say that is asked to load them: one that
# fits is loaded, the next larger one is refused, in words that tell the limit.
set -eu
. "$(dirname "$0")/lib_cli.sh"

# pack NAME FILE=CONTENT...: NAME.zip with these files.
pack() {
  name=$1
  shift
  python3 - "$name.zip" "$@" <<'PYTHON'
import sys
import zipfile

with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as archive:
    for file in sys.argv[2:]:
        name, _, content = file.partition("=")
        archive.writestr(name, content)
PYTHON
}

# lines COUNT: that many equal lines, 10 bytes each.
lines() {
  awk -v count="$1" 'BEGIN { for (i = 0; i < count; i++) print "return {}" }'
}

pack entries3 a.lua= b.lua= c.lua=
pack entries4 a.lua= b.lua= c.lua= d.lua=
pack size1000 "a.lua=$(lines 60)+" "b.lua=$(lines 40)+" # a shell cuts the last newline off
pack size1001 "a.lua=$(lines 60)+" "b.lua=$(lines 40)++"
pack ratio "a.lua=$(lines 90)"
pack name20 pkg/name_of_20s.lua0=
pack name21 pkg/name_of_21s.lua00=

start --capability "Source Entries Limit=3" --capability "Source Size Limit=1000" \
  --capability "Source Name Limit=20"
expect 0 "" "$HOST" load entries3.zip --port "$port"
expect 1 "entries4.zip: the archive has more than 3 entries" "$HOST" load entries4.zip --port "$port"
expect 0 "" "$HOST" load size1000.zip --port "$port"
expect 1 "size1001.zip: the archive unpacks to more than 1000 bytes" \
  "$HOST" load size1001.zip --port "$port"
expect 0 "" "$HOST" load name20.zip --port "$port"
expect 1 "the name is too long" "$HOST" load name21.zip --port "$port"
expect 0 "" "$HOST" load ratio.zip --port "$port"
expect 0 "" "$HOST" shutdown --port "$port"

# Those given to start with --load are no exception; and limits can be wider than usual, too.
long=$(awk 'BEGIN { for (i = 0; i < 300; i++) printf "n" }')
pack long "$long.lua=return {}"
pack bomb "a.lua=$(lines 10000)"
expect 1 "ratio.zip: the archive unpacks to more than 2 times its size" \
  "$HOST" start --port 0 --capability "Source Ratio Limit=2" --load ratio.zip
start --capability "Source Name Limit=400" --capability "Source Ratio Limit=10000" --load bomb.zip
expect 0 "" "$HOST" load long.zip --port "$port"
expect 1 "has no class 'App'" "$HOST" create "$long.App" --source "$out" --port "$port"
