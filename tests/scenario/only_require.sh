# An actor from a bundle finds the modules of its bundle and those of its system, and nothing that
# the environment or the current folder happens to hold, on any base.
set -eu
. "$(dirname "$0")/lib_systems.sh"

mkdir bundle near far program installed
cat >bundle/app.lua <<'LUA'
local actors = require "thespian.actors"
local App = actors.class("App", actors.Actor)
function App:receiveMessage(message, sender)
  if message == "paths" then return self:send(sender, package.path .. ";" .. package.cpath) end
  local found, module = pcall(require, message)
  self:send(sender, found and module.text or tostring(module):match("^[^\n]*"))
end
return { App = App }
LUA
echo 'return { text = "of the bundle" }' >bundle/own.lua
for folder in near far installed; do
  echo "return { text = '$folder' }" >$folder/in_$folder.lua
  echo "return { text = '$folder' }" >$folder/own.lua
done
expect 0 "" "$HOST" bundle bundle
cat >program/ask.lua <<'LUA'
local actors = require "thespian.actors"
local zip, base = ...
local asys = actors.ActorSystem(base, { ["Admin Port"] = 0 })
local app = asys:createActor("app.App", nil, nil, asys:loadActorSource(zip))
for _, message in ipairs { "own", "in_near", "in_far", "in_near", "paths" } do
  print(asys:ask(app, message, 60))
end
assert(base == "multiprocTCPBase" or require("in_far").text == "far") -- the program itself sees it
asys:shutdown()
LUA

LUA_PATH="$work/far/?.lua;./?.lua;${LUA_PATH:-;}"
LUA_PATH_5_4=$LUA_PATH
LUA_CPATH="$work/far/?.so;${LUA_CPATH:-;}"
export LUA_PATH LUA_PATH_5_4 LUA_CPATH
cd near

# sees PATHS: what the actor said is in $out, a line for each question.
sees() {
  echo "$out" | grep -Fqx "of the bundle" || fail "the bundle does not come first: $out"
  for name in in_near in_far; do contains "module '$name' not found" "$out"; done
  for folder in near far; do
    ! echo "$out" | grep -Fqx "$folder" || fail "a module of $folder was found: $out"
  done
  paths=$(echo "$out" | tail -n 1)
  case ";$paths;" in
    *"$work/far"* | *"$work/near"* | *";./"* | *";?"*) fail "the paths lead elsewhere: $paths" ;;
    *";/usr/share/lua/5.4/?.lua;"*) ;;
    *) fail "the paths do not lead to the installed Lua: $paths" ;;
  esac
}

for base in $bases; do
  for lua in $luas; do
    expect 0 "" "$lua" "$work/program/ask.lua" "$work/bundle.zip" "$base"
    sees
  done
done

# A system that was started for itself, in such a place, with a folder of its own.
begin system --path "$work/installed"
expect 0 "" "$HOST" load "$work/bundle.zip" --port "$port"
expect 0 "" "$HOST" create app.App --source "$out" --name app --port "$port"
for message in in_installed own in_near in_far paths; do
  expect 0 "" "$HOST" ask @app "$message" --port "$port"
  echo "$out" >>said
done
out=$(cat said)
sees
[ "$(echo "$out" | head -n 1)" = installed ] || fail "the system's own folder is not seen: $out"
expect 0 "" "$HOST" shutdown --port "$port"
gone "$pid"
nothing_runs
