# `thespian-host run` takes a file, a folder with main.lua, and a zip of such a folder, alike.
set -eu
. "$(dirname "$0")/lib_systems.sh"

mkdir -p program/parts
cat >program/main.lua <<'LUA'
#!/usr/bin/env thespian-host
local actors = require "thespian.actors"
local parts = require "parts"
local Note = require("parts.note").Note

local App = actors.class("App", actors.Actor)

function App:receiveMessage(message, sender)
  if message == "who" then
    self:send(sender, parts.text .. ", " .. require("late").text)
  elseif message == "child" then
    self:send(sender, self:createActor(parts.Part))
  elseif message == "child by name" then
    self:send(sender, self:createActor("parts.Part"))
  elseif message == "itself" then
    self:send(sender, self:createActor("main.App"))
  elseif message == "fail" then
    error "on purpose"
  elseif actors.isinstance(message, Note) then
    self:send(sender, Note(message:read() .. ", read"))
  end
end

if actors.main(...) then
  local base = ...
  local asys = actors.ActorSystem(base, { ["Admin Port"] = 0 })
  local function ask(address, message) return assert(asys:ask(address, message, 60)) end
  print("arguments", select("#", ...), ...)
  print("arg", #arg, arg[1], arg[2], arg[3], arg[0] ~= nil)
  print("input", io.read "a")
  local app = asys:createActor(App)
  print(ask(app, "who"))
  for _, how in ipairs { "child", "child by name", "itself" } do
    print(how, ask(ask(app, how), "who"))
  end
  print(ask(asys:createActor("parts.Part"), "who"))
  print(ask(asys:createActor("main.App"), "who"))
  print(ask(asys:createActor(parts.Part), "who"))
  local note = ask(app, Note "written")
  print(actors.isinstance(note, Note), note:read())
  local poison = ask(app, "fail")
  print(poison.details:match("main%.lua:%d+: on purpose"))
  print(pcall(require, "no.such.module") == false)
  asys:shutdown()
  if select(2, ...) == "fail" then error "the end" end
  os.exit(math.tointeger(select(2, ...)) or 0)
end

return { App = App }
LUA
cat >program/parts/init.lua <<'LUA'
local actors = require "thespian.actors"
local Part = actors.class("Part", actors.Actor)
function Part:receiveMessage(_, sender) self:send(sender, "part") end
return { Part = Part, text = "parts" }
LUA
cat >program/parts/note.lua <<'LUA'
local actors = require "thespian.actors"
local Note = actors.class("Note")
function Note:init(text) self.text = text end
function Note:read() return self.text end
return { Note = Note }
LUA
printf '\357\273\277return { text = "late" }\n' >program/late.lua # with a byte order mark
(cd program && zip -q -r ../program.zip .)
expect 0 "" "$HOST" bundle program -o bundled.zip

# alike PROGRAM: what it said must be what the file said, on the base at hand.
alike() {
  diff "$work/wanted" "$work/said" >&2 || fail "$1 is not like the file on $base"
}

# said PROGRAM STATUS ARGUMENT...: runs it with some input.
said() {
  program=$1
  status=$2
  shift 2
  got=0
  echo "some input" | "$HOST" run "$program" "$@" >"$work/said" 2>"$work/err" || got=$?
  [ "$got" = "$status" ] || fail "$program ended with $got: $(cat "$work/said" "$work/err")"
}

for base in $bases; do
  said program/main.lua 0 "$base" 0 "two words"
  cp said wanted
  for line in "arguments	3	$base	0	two words" "arg	3	$base	0	two words	true" "input	some input" \
    "parts, late" "child	part" "child by name	part" "itself	parts, late" \
    "true	written, read" "true"; do
    grep -Fqx "$line" wanted || fail "no line \"$line\" on $base: $(cat wanted)"
  done
  grep -q "^main.lua:[0-9]*: on purpose" wanted || fail "no line is named: $(cat wanted)"
  for program in program/main.lua program program.zip bundled.zip; do
    said "$program" 0 "$base" 0 "two words"
    alike "$program"
  done
  nothing_runs
done

# However it is called, from elsewhere, and from within, on the base that was the last.
for program in ./program/main.lua program/ ./program ./program.zip; do
  said "$program" 0 "$base" 0 "two words"
  alike "$program"
done
cd /
for program in "$work/program/main.lua" "$work/program" "$work/program/" "$work/program.zip"; do
  said "$program" 0 "$base" 0 "two words"
  alike "$program"
done
cd "$work/program"
for program in main.lua . ../program.zip; do
  said "$program" 0 "$base" 0 "two words"
  alike "$program"
done
cd "$work"

# How they end.
for program in program/main.lua program program.zip; do
  said "$program" 7 simpleSystemBase 7
  said "$program" 1 simpleSystemBase fail
  contains "main.lua:" "$(head -n 1 err)"
  contains "the end" "$(head -n 1 err)"
done
mkdir empty
echo "return 1" >empty/other.lua
(cd empty && zip -q ../empty.zip other.lua)
for program in empty empty.zip; do
  expect 1 "main.lua" "$HOST" run $program
done
nothing_runs
