# What is installed works with Debian's lua5.4 as it is: the modules are found by the path of an
# installation, the TCP base finds the installed thespian-host.
set -eu
. "$(dirname "$0")/lib_systems.sh"

case $luas in
  *by_lua*) ;;
  *)
    echo "left out: a sanitizer's library would have to be loaded into lua5.4 first"
    exit 0
    ;;
esac

prefix="$work/a prefix"
cmake --install "$BUILD" --prefix "$prefix" >install.log 2>&1 ||
  fail "cmake --install: $(cat install.log)"
for file in bin/thespian-host lib/lua/5.4/thespian/core.so share/lua/5.4/thespian/actors.lua; do
  [ -f "$prefix/$file" ] || fail "$file was not installed: $(cat install.log)"
done
if find "$prefix" -type l ! -name 'libthespian.so*' | grep . || grep -rlF "$BUILD/lua" "$prefix/share" "$prefix/lib"; then
  fail "the installation leads back to the build tree"
fi

# Nothing but the installation can be found from here.
mkdir elsewhere
cp "$SOURCE/samples/hello/hello.lua" elsewhere
cat >elsewhere/where.lua <<'LUA'
local actors = require "thespian.actors"
local Where = actors.class("Where", actors.Actor)
function Where:receiveMessage(_, sender)
  local link = assert(io.popen("readlink /proc/" .. self.pid .. "/exe"))
  self:send(sender, link:read())
end
function Where:init()
  local stat = assert(io.open "/proc/self/stat")
  self.pid = stat:read("n")
  stat:close()
end
if actors.main(...) then
  local asys = actors.ActorSystem(..., { ["Admin Port"] = 0 })
  print(asys:ask(asys:createActor(Where), 1, 60))
  print(package.searchpath("thespian.actors", package.path))
  print(package.searchpath("thespian.core", package.cpath))
  asys:shutdown()
end
return { Where = Where }
LUA
cd elsewhere

installed() {
  # PATH has no thespian-host, so it must be found from the module.
  env -u HOST -u THESPIAN_HOST -u BUILD -u SOURCE PATH=/usr/bin:/bin \
    LUA_PATH="$prefix/share/lua/5.4/?.lua;$prefix/share/lua/5.4/?/init.lua" \
    LUA_CPATH="$prefix/lib/lua/5.4/?.so" "$@"
}

for base in $bases; do
  expect 0 "" installed lua5.4 hello.lua "$base"
  [ "$out" = "Hello, World!" ] || fail "hello said \"$out\" on $base"
  nothing_runs
done
expect 0 "" installed lua5.4 hello.lua
[ "$out" = "Hello, World!" ] || fail "hello said \"$out\""

modules="$prefix/share/lua/5.4/thespian/actors.lua
$prefix/lib/lua/5.4/thespian/core.so"
expect 0 "" installed lua5.4 where.lua multiprocTCPBase
[ "$out" = "$prefix/bin/thespian-host
$modules" ] || fail "not the installed ones: $out"
expect 0 "" installed lua5.4 where.lua multiprocQueueBase
[ "$out" = "$(readlink -f "$(command -v lua5.4)")
$modules" ] || fail "not the installed ones: $out"

cat >zips.lua <<'LUA'
local zip = require "thespian.zip"
local compiled = require("thespian.actors").compileSource(zip.write { ["a.lua"] = "return 7" })
print(load(zip.read(compiled)["a.luac"], "=a", "b")())
LUA
expect 0 "" installed lua5.4 zips.lua
[ "$out" = 7 ] || fail "a compiled bundle gave \"$out\""

# The installed program by itself.
expect 0 "" installed "$prefix/bin/thespian-host" run hello.lua multiprocTCPBase
[ "$out" = "Hello, World!" ] || fail "the installed program said \"$out\""
expect 0 "" installed "$prefix/bin/thespian-host" --version
nothing_runs
