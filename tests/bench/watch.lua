-- Called by watch.sh with the program to measure and an empty folder: changes a module of a program that is
-- watched, 30 times, and prints how long it took until the new program's first line was there: the median
-- and the worst, of a program alone and of one that has a system in the background, which ends and starts
-- with it. The goal is 100 ms.

local actors = require "thespian.actors"

local host, folder = ...
local changes, goal = 30, 100

local first = [[io.stdout:write("first line of ", require "version", "\n"):flush()]]
local alone = [[
io.stdout:write "ready\n":flush()
os.execute "exec sleep 1000"
]]
local with_system = [[
local actors = require "thespian.actors"
local asys = actors.ActorSystem("multiprocTCPBase", {["Admin Port"] = 0})
io.stdout:write "ready\n":flush()
asys:listen()
]]

local function write(name, text)
  local file = assert(io.open(folder .. "/" .. name, "w"))
  file:write(text)
  file:close()
end

local function expect(lines, wanted)
  local line = lines:read()
  if line ~= wanted then error(("a line other than %q: %q"):format(wanted, line)) end
end

local function measure(what, rest)
  write("main.lua", first .. "\n" .. rest)
  write("version.lua", "return 0")
  local lines = io.popen(("echo $$; exec '%s' run '%s' --watch 2>'%s/.said'"):format(host, folder, folder))
  local watcher = lines:read()
  expect(lines, "first line of 0")
  expect(lines, "ready")
  local times = {}
  for number = 1, changes do
    local begin = actors.monotonic()
    write("version.lua", "return " .. number)
    expect(lines, "first line of " .. number)
    times[number] = (actors.monotonic() - begin) * 1000
    expect(lines, "ready")
  end
  os.execute("kill " .. watcher)
  lines:close()
  table.sort(times)
  print(("a change to the first line, %s: median %.1f ms, at most %.1f ms of %d (goal: %d ms)")
    :format(what, (times[changes // 2] + times[changes // 2 + 1]) / 2, times[changes], changes, goal))
end

measure("of a program alone", alone)
measure("of one with a system", with_system)
