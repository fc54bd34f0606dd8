# The sample hello says hello, on every base, by the host and by stock Lua, from any folder, and
# leaves nothing behind.
set -eu
. "$(dirname "$0")/lib_systems.sh"

says_hello() {
  expect 0 "" "$@"
  [ "$out" = "Hello, World!" ] || fail "$* said \"$out\""
  nothing_runs
}

for lua in $luas; do
  says_hello "$lua" "$SOURCE/samples/hello/hello.lua"
  for base in $bases; do says_hello "$lua" "$SOURCE/samples/hello/hello.lua" "$base"; done
done
cd "$SOURCE/samples"
says_hello "$HOST" run hello/hello.lua multiprocTCPBase
cd hello
says_hello "$HOST" run hello.lua multiprocTCPBase
cd /
