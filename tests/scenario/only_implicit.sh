# A class given as an object brings its code: a system that runs for long never runs older code than
# the program that asks, and programs with the same file names do not disturb each other.
set -eu
. "$(dirname "$0")/lib_systems.sh"

begin system

mkdir -p project/pkg
cat >project/app.lua <<'LUA'
local actors = require "thespian.actors"
local helper = require "helper"

local App = actors.class("App", actors.Actor)

function App:receiveMessage(message, sender)
  if message == "who" then
    self:send(sender, "app one, " .. helper.text .. ", " .. require("late").text)
  elseif message == "child" then
    self:send(sender, self:createActor("pkg.worker.Worker"))
  elseif actors.isinstance(message, helper.Note) then
    self:send(sender, message:read())
  end
end

if actors.main(...) then
  local port, keep = ...
  local asys = actors.ActorSystem(os.getenv "BASE",
    { ["Admin Port"] = math.tointeger(port), ["Attach Only"] = true })
  local function ask(address, message)
    local answer = assert(asys:ask(address, message, 60))
    if actors.isinstance(answer, actors.PoisonMessage) then error(answer.details, 0) end
    return answer
  end
  local app = asys:createActor(App, nil, keep)
  local worker = asys:createActor(require("pkg.worker").Worker)
  print(table.concat({ ask(app, "who"), ask(app, helper.Note "noted"), ask(worker, "who"),
    ask(ask(app, "child"), "who") }, ", "))
end

return { App = App }
LUA
cat >project/helper.lua <<'LUA'
local actors = require "thespian.actors"
local Note = actors.class("Note")
function Note:init(text) self.text = text end
function Note:read() return "note one" end
return { text = "helper one", Note = Note }
LUA
echo 'return { text = "late one" }' >project/late.lua
echo 'return { Worker = require "pkg.make" ("worker one") }' >project/pkg/worker.lua
cat >project/pkg/make.lua <<'LUA'
local actors = require "thespian.actors"
return function(text)
  local Worker = actors.class("Worker", actors.Actor)
  function Worker:receiveMessage(_, sender) self:send(sender, text) end
  return Worker
end
LUA

# says LINE PROGRAM ARGUMENT...
says() {
  line=$1
  shift
  for lua in $luas; do
    expect 0 "" "$lua" "$@"
    [ "$out" = "$line" ] || fail "$* said \"$out\", not \"$line\""
  done
}

# ---- edited files --------------------------------------------------------------------------------

one="app one, helper one, late one, note one, worker one, worker one"
says "$one" project/app.lua "$port"
# An actor that stays, with the code that it was made from.
says "$one" project/app.lua "$port" keeper

sed -i 's/app one/app two/' project/app.lua
two="app two, helper one, late one, note one, worker one, worker one"
says "$two" project/app.lua "$port"
sed -i 's/helper one/helper two/' project/helper.lua
sed -i 's/late one/late two/' project/late.lua
sed -i 's/worker one/worker two/' project/pkg/worker.lua
two="app two, helper two, late two, note one, worker two, worker two"
says "$two" project/app.lua "$port"

# Neither its time nor its size says that this file has changed.
cp -p project/helper.lua before
sed -i 's/note one/note two/' project/helper.lua
touch -r before project/helper.lua
two="app two, helper two, late two, note two, worker two, worker two"
says "$two" project/app.lua "$port"

# The keeper still runs what it was made from, also what it loads from now on. (The note's class is
# the program's; the keeper reads it by its own.)
kept="app one, helper one, late one, note one, worker two, worker one"
says "$kept" project/app.lua "$port" keeper

# Back to what it was at first.
cp -p project/app.lua two.lua
sed -i 's/app two/app one/' project/app.lua
back="app one, helper two, late two, note two, worker two, worker two"
says "$back" project/app.lua "$port"

# From anywhere, by any path, from a folder that is a link.
ln -s "$work/project" linked
cd /
says "$back" "$work/linked/app.lua" "$port"
cd "$work/project"
says "$back" app.lua "$port"
cd pkg
says "$back" ../app.lua "$port"
cd "$work"

# A file that no longer loads fails where it is needed; the system goes on.
echo 'return }' >project/late.lua
for lua in $luas; do
  got=0
  "$lua" project/app.lua "$port" >out 2>err || got=$?
  [ "$got" = 1 ] || fail "exit status $got for a file that does not load"
  grep -q "bundle:[0-9a-f]*/late.lua:1: " err || fail "the broken file is not named: $(cat err)"
done
echo 'return { text = "late three" }' >project/late.lua
says "app one, helper two, late three, note two, worker two, worker two" project/app.lua "$port"

# ---- old editions --------------------------------------------------------------------------------

# What nobody runs from is dropped after some more editions; what an actor runs from stays.
cat >passing.lua <<'LUA'
local actors = require "thespian.actors"
local Passing = actors.class("Passing", actors.Actor)
local edition = 0
function Passing:receiveMessage(message, sender) self:send(sender, edition) end
if actors.main(...) then
  local port, keep = ...
  local asys = actors.ActorSystem(os.getenv "BASE",
    { ["Admin Port"] = math.tointeger(port), ["Attach Only"] = true })
  local passing = asys:createActor(Passing, nil, keep)
  print(asys:ask(passing, "edition", 60))
  if not keep then asys:tell(passing, actors.ActorExitRequest()) end
end
return { Passing = Passing }
LUA
says 0 passing.lua "$port" stays
edition=0
edit() {
  edition=$((edition + 1))
  sed -i "s/edition = .*/edition = $edition/" passing.lua
  expect 0 "" "$HOST" run passing.lua "$port"
  [ "$out" = $edition ] || fail "edition $edition said $out"
}
for _ in 1 2 3 4 5 6; do edit; done
looks=0
until [ "$("$HOST" sources --port "$port" | grep -c "passing\.lua")" = 3 ]; do
  again "only two editions and the one that is used to stay"
  edit
done
says 0 passing.lua "$port" stays

# ---- two programs at once ------------------------------------------------------------------------

# Each has its actors made before either of them asks.
for name in left right; do
  mkdir $name
  cat >$name/app.lua <<LUA
local actors = require "thespian.actors"
local App = actors.class("App", actors.Actor)
function App:receiveMessage(_, sender) self:send(sender, "$name, " .. require("helper").text) end
if actors.main(...) then
  local asys = actors.ActorSystem(os.getenv "BASE",
    { ["Admin Port"] = math.tointeger(...), ["Attach Only"] = true })
  local app = asys:createActor(App)
  print("ready")
  io.stdout:flush()
  io.read()
  for _ = 1, 100 do
    local answer = asys:ask(app, 1, 60)
    assert(answer == "$name, $name helper", answer)
    assert(asys:ask(asys:createActor(App), 1, 60) == answer)
  end
  print("done")
end
return { App = App }
LUA
  echo "return { text = '$name helper' }" >$name/helper.lua
done
for lua in $luas; do
  for name in left right; do
    rm -f $name.fifo
    mkfifo $name.fifo
    "$lua" $name/app.lua "$port" <$name.fifo >$name.out 2>&1 &
    eval "$name=$!"
  done
  exec 3>left.fifo 4>right.fifo
  await ready left.out
  await ready right.out
  echo >&3
  echo >&4
  exec 3>&- 4>&-
  ended "$left" 0
  ended "$right" 0
done

expect 0 "" "$HOST" shutdown --port "$port"
gone "$pid"
nothing_runs
