# Archives that no system may load (libzips.py makes them) are each refused for what is wrong with
# them, and nothing else about the system changes. The same bundle is accepted, and runs, whichever
# packer made it.
set -eu
. "$(dirname "$0")/lib_cli.sh"
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

mkdir hostile
python3 "$here/libzips.py" hostile
start

# What there is to be changed: all of the status but who asks for it, what every request counts, and
# time.
state() {
  "$HOST" status --json --all --port "$port" | python3 -c '
import json
import sys

status = json.load(sys.stdin)
status["actors"] = [each for each in status["actors"] if each["class"] != "thespian.Endpoint"]
for each in [status] + status["actors"]:
    for name in ("uptime", "counters", "handled", "memory", "time", "waiting"):
        each.pop(name, None)
print(json.dumps(status, sort_keys=True))'
}

# answers HASH: an actor of the bundle says which it is.
answers() {
  expect 0 "" "$HOST" create app.App --source "$1" --port "$port"
  address=$out
  expect 0 "" "$HOST" ask "$address" version
  [ "$out" = good ] || fail "the bundle answers $out"
  expect 0 "" "$HOST" exit "$address"
  expect 1 "dead letter" "$HOST" ask "$address" version
}

expect 0 "" "$HOST" load hostile/GOOD.zip --port "$port"
good=$out
answers "$good"

# ---- refused -------------------------------------------------------------------------------------

before=$(state)
cat >load.lua <<'LUA'
-- Loads archives, one per line of input; writes what is said of each.
local actors = require "thespian.actors"
local asys = actors.ActorSystem("multiprocTCPBase", { ["Admin Port"] = tonumber(arg[1]) })
for zip in io.lines() do print(select(2, pcall(asys.loadActorSource, asys, zip))) end
LUA
for file in hostile/*.txt; do echo "${file%.txt}.zip"; done >zips
"$HOST" run load.lua "$port" <zips >said
count=0
while read -r zip && read -r line <&3; do
  wanted="ActorSystemException: load.lua:4: $zip: $(cat "${zip%.zip}.txt")"
  # All of the line, so that the reason is no part of another.
  [ "$line" = "$wanted" ] || fail "$zip: $line"
  count=$((count + 1))
done <zips 3<said
[ "$count" -ge 100 ] || fail "only $count archives were tried"
expect 1 "bomb.zip: $(cat hostile/bomb.txt)" "$HOST" load hostile/bomb.zip --port "$port"
[ -z "$out" ] || fail "the bomb was loaded as $out"
after=$(state)
[ "$before" = "$after" ] || fail "refusals have changed the system from
$before
to
$after"
expect 0 "" "$HOST" sources --port "$port"
contains "$good" "$out"
[ "$(echo "$out" | grep -c GOOD.zip)" = 1 ] || fail "other sources are there: $out"
answers "$good"

# ---- accepted ------------------------------------------------------------------------------------

mkdir bundle
cd bundle
python3 -c '
import os
import sys

sys.path.insert(0, sys.argv[1])
from libzips import APP, PKG

os.makedirs("pkg/empty")
for name, data in ("app.lua", APP), ("pkg/init.lua", PKG), ("pkg/none.lua", b""), \
        ("\u00e4.txt", b"umlaut"):
    with open(name, "wb") as file:
        file.write(data)' "$here"

zip -q -r ../by_zip.zip .
zip -q -r -0 ../by_zip_stored.zip .
zip -q -r -9 -X -D ../by_zip_bare.zip .
zip -q -r - . | cat >../by_zip_piped.zip
TZ=Asia/Tokyo zip -q -r ../by_zip_elsewhere.zip app.lua pkg/init.lua
7z a -tzip -bso0 -bsp0 ../by_7z.zip .
7z a -tzip -mx=0 -bso0 -bsp0 ../by_7z_stored.zip .
python3 - <<'PYTHON'
import os
import shutil
import sys
import zipfile


class Pipe:
    """What zipfile can only write to, from beginning to end."""

    def __init__(self, file):
        self.file = file

    def write(self, data):
        return self.file.write(data)

    def flush(self):
        self.file.flush()


def pack(archive):
    for folder, _, files in os.walk("."):
        for name in files if folder == "." else [""] + files:
            archive.write(os.path.join(folder, name))


with zipfile.ZipFile("../by_python.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    pack(archive)
with zipfile.ZipFile("../by_python_stored.zip", "w") as archive:
    pack(archive)
for name, method in ("piped", zipfile.ZIP_DEFLATED), ("piped_stored", zipfile.ZIP_STORED):
    with open(f"../by_python_{name}.zip", "wb") as file:
        with zipfile.ZipFile(Pipe(file), "w", method) as archive:
            pack(archive)
shutil.make_archive("../by_shutil", "zip", ".")
PYTHON
cd ..
expect 0 "" "$HOST" bundle bundle -o by_bundle.zip

count=0
for zip in by_*.zip; do
  expect 0 "" "$HOST" load "$zip" --port "$port"
  answers "$out"
  count=$((count + 1))
done
[ "$count" = 13 ] || fail "$count packers were tried"
