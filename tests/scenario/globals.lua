-- globals: what an actor's code finds by name is as in Lua, though it comes only when it is read.

local actors = require "thespian.actors"

-- Runs the code that it is sent, in a state of its own for each.
local Runner = actors.class("Runner", actors.Actor)

function Runner:receiveMessage(message, sender)
  if type(message) ~= "string" then return end
  local run, why = load(message, "=code")
  self:send(sender, run and table.pack(pcall(run)) or { false, why, n = 2 })
end

if not actors.main(...) then return { Runner = Runner } end

local check <close> = require "lib_check"
local scenario = require "lib_scenario"
local asys = scenario.system()

-- What the code gives in a new actor.
local function run(code)
  local runner = asys:createActor(Runner)
  local answer = scenario.ask(asys, runner, code)
  asys:tell(runner, actors.ActorExitRequest())
  return table.unpack(answer, 1, answer.n)
end

local function gives(code, ...) check.same({ run(code) }, { true, ... }) end

local function names_of(globals)
  local names = {}
  for name, value in pairs(globals) do names[#names + 1] = name .. " " .. type(value) end
  table.sort(names)
  return table.concat(names, ", ")
end

check.test("every global of Lua is there by its name, and nothing else", function()
  for name, value in pairs(_G) do
    -- What the host adds for a program is no part of Lua.
    if name ~= "arg" then gives(("return type(%s)"):format(name), type(value)) end
  end
  gives("return nothing_of_that_name", nil)
  gives("return _VERSION", _VERSION)
end)

check.test("_G has them all", function()
  local stock = {}
  for name, value in pairs(_G) do
    if name ~= "arg" then stock[name] = value end
  end
  gives([[
    local names = {}
    for name, value in pairs(_G) do names[#names + 1] = name .. " " .. type(value) end
    table.sort(names)
    return table.concat(names, ", "), getmetatable(_G), _G == _ENV, _G._G == _G, package.loaded._G == _G]],
    names_of(stock), nil, true, true, true)
end)

check.test("what was set stays set", function()
  gives("print = 5; type = nil return print, type, rawget(_G, 'print'), rawget(_G, 'type')", 5, nil, 5, nil)
  gives("local known = os ~= nil; os = nil return known, os, _G.os", true, nil, nil)
  gives("os = nil; local os2 = require 'os' return type(os2), os", "table", nil)
  gives("io = 1; return io, _G.io", 1, 1)
  gives("mine = 1; mine = nil; return mine, _G.mine", nil, nil)
end)

check.test("globals with a metatable of their own have all that was missing", function()
  gives([[
    setmetatable(_ENV, { __index = function(_, name) return "no " .. name end })
    return type(select), type(os.time), nowhere, rawget(_ENV, "utf8") ~= nil]],
    "function", "function", "no nowhere", true)
  gives([[
    debug.setmetatable(_ENV, { __index = function() return 7 end })
    return type(next), type(utf8), nowhere]], "function", "table", 7)
end)

check.test("strings have their methods and their arithmetic from the start", function()
  gives("return ('ab'):rep(2)", "abab")
  gives("return '10' + 1, '7' - '2', '3' * '4', '2' ^ 2, '7' // '2', '7' % '4', -'3', 7 / '2'", 11, 5, 12,
    4.0, 3, 3, -3, 3.5)
  gives("return #'abc', ('x').y", 3, nil)
  gives("return string.len 'abc', ('x').len == string.len", 3, true)
  gives("local mark = ('x').mark; string.mark = 'here' return mark, ('x').mark", nil, "here")
  gives([[
    local strings = getmetatable("")
    strings.__mod = function(text, value) return text:format(value) end
    return "%d!" % 5, string.rep("a", 2), "%d?" % 6, strings.__index == string]], "5!", "aa", "6?", true)
  gives([[return debug.getmetatable("").__index == string]], true)
  local wrong = [[select(2, pcall(load("return 1 + 'x'", "=wrong")))]]
  gives("return " .. wrong, load("return " .. wrong)())
end)

check.test("what looks the names up does no harm elsewhere", function()
  gives([[
    local meta = getmetatable(_ENV)
    local index, newindex = meta.__index, meta.__newindex
    return pcall(index, 5, "print"), pcall(newindex, "x", "print", 1), (index({}, "print"))]], false, false, nil)
end)

asys:shutdown()
