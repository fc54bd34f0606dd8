-- only_images: an actor whose class others had before begins as if it were the first. What its modules
-- do when they are loaded has been done for it, once, if nobody can tell the difference; what code they
-- have is looked up for each. On the bases whose systems look for modules where the story puts them.

local actors = require "thespian.actors"
local check <close> = require "lib_check"
local scenario = require "lib_scenario"

for _, base in ipairs { "simpleSystemBase", "multiprocQueueBase" } do
  scenario.base = base
  local package_path = package.path

  -- Enough for the first to be new, for the next to be in a used place, and for others to follow.
  local TIMES = 6

  local near, far = check.folder {}, check.folder {}
  package.path = near .. "/?.lua;" .. far .. "/?.lua;" .. package.path
  local asys = scenario.system()
  local number = 0

  --- A module of its own, with these lines before a class C whose method look is asked; its name.
  local function module(lines, look)
    number = number + 1
    check.write(far .. "/made" .. number .. ".lua", ([[
      local actors = require "thespian.actors"
      local path = %q
      local function append()
        local file <close> = assert(io.open(path, "a"))
        file:write "x"
      end
      %s
      local C = actors.class("C", actors.Actor)
      function C:receiveMessage(message, sender)
        if message == "look" then self:send(sender, { look = self:look() }) end
      end
      function C:look() %s end
      return { C = C } ]]):format(far .. "/written" .. number, lines, look))
    return "made" .. number .. ".C"
  end

  local function written()
    local file <close> = io.open(far .. "/written" .. number)
    return file and file:read "a" or ""
  end

  --- What one actor, created and killed, sees.
  local function look(class, ...)
    local address = asys:createActor(class, ...)
    local seen = scenario.ask(asys, address, "look").look
    scenario.kill(asys, address)
    return seen
  end

  --- Several actors, one after the other, see the same.
  local function see(class, expected)
    for _ = 1, TIMES do check.same(look(class), expected) end
  end

  --- Several actors, one after the other, each see something else.
  local function see_others(class)
    local seen = {}
    for _ = 1, TIMES do
      local value = look(class)
      check.equal(seen[value], nil)
      seen[value] = true
    end
  end

  check.test("what modules hold is each actor's own", function()
    see(module("local count, list = 0, {}  total = 0", [[
      count, total, list[#list + 1] = count + 1, total + 1, true
      C.calls = (C.calls or 0) + 1
      actors.extra = (rawget(actors, "extra") or 0) + 1
      return { count, total, #list, C.calls, actors.extra }
    ]]), { 1, 1, 1, 1, 1 })
  end)

  check.test("so it is for those that live at once", function()
    local class = module("local count = 0", "count = count + 1 return count")
    see(class, 1)
    local living = {}
    for i = 1, 100 do living[i] = asys:createActor(class) end
    for _, address in ipairs(living) do
      check.equal(scenario.ask(asys, address, "look").look, 1)
      check.equal(scenario.ask(asys, address, "look").look, 2)
    end
    for _, address in ipairs(living) do scenario.kill(asys, address) end
    see(class, 1)
  end)

  check.test("what they load of the library later is no one's but theirs", function()
    see(module("", [[
      local asked = rawget(actors, "WakeupMessage")
      local message = actors.WakeupMessage { delayPeriod = 1 }
      actors.WakeupMessage.used = (actors.WakeupMessage.used or 0) + 1
      return { asked == nil, actors.WakeupMessage.used, actors.typename(message), message.delayPeriod }
    ]]), { true, 1, "WakeupMessage", 1 })
    see(module("", "self.name, string.format = string.format('%d', 3), nil return self.name"), "3")
  end)

  check.test("addresses, names and requirements are the actor's", function()
    local class = module("", "return { self.myAddress, self.globalName, self.given, self.light }")
    check.write(far .. "/heir" .. number .. ".lua", ([[
      local actors = require "thespian.actors"
      local Heir = actors.class("Heir", require("made%d").C)
      function Heir:init(capabilities, given)
        self.given, self.light = given, capabilities.light
        capabilities.light = nil
      end
      return Heir ]]):format(number))
    class = "heir" .. number .. ".Heir"
    for i = 1, TIMES do
      local address = asys:createActor(class, { i })
      check.same(scenario.ask(asys, address, "look").look, { address, nil, { i } })
      scenario.kill(asys, address)
      address = asys:createActor(class, i, "name" .. number .. "." .. i)
      check.same(scenario.ask(asys, address, "look").look, { address, "name" .. number .. "." .. i, i })
      scenario.kill(asys, address)
    end
  end)

  check.test("an edited module is seen by the next actor", function()
    local function part(text) check.write(far .. "/part.lua", "return '" .. text .. "'") end
    part "one"
    local class = module("local part = require 'part'", "return part")
    see(class, "one")
    for i = 1, TIMES do
      part("edit" .. ("x"):rep(i))
      check.equal(look(class), "edit" .. ("x"):rep(i))
    end
    see(class, "edit" .. ("x"):rep(TIMES))
  end)

  check.test("so is one that comes to lie before it", function()
    check.write(far .. "/hidden.lua", "return 'far'")
    local class = module("local hidden = require 'hidden'", "return hidden")
    see(class, "far")
    check.write(near .. "/hidden.lua", "return 'near'")
    see(class, "near")
    os.remove(near .. "/hidden.lua")
    see(class, "far")
    os.remove(far .. "/hidden.lua")
    check.raises("module 'hidden' not found:", asys.createActor, asys, class)
  end)

  check.test("what is written is written for each", function()
    local class = module("append()", "return true")
    see(class, true)
    check.equal(written(), ("x"):rep(TIMES))
  end)

  check.test("what is created is created for each", function()
    check.write(far .. "/child.lua", ([[
      local Child = require("thespian.actors").class("Child", require("thespian.actors").Actor)
      function Child:init() assert(io.open(%q, "a")):write "x" end
      return Child ]]):format(far .. "/created"))
    see(module("require('thespian.core').createActor('child.Child')", "return true"), true)
    local until_when = actors.monotonic() + scenario.patience
    local text
    repeat
      local file <close> = io.open(far .. "/created")
      text = file and file:read "a" or ""
    until #text >= TIMES or actors.monotonic() > until_when
    check.equal(text, ("x"):rep(TIMES))
  end)

  check.test("what finalizers do is done for each", function()
    local class = module("local guard = setmetatable({}, { __gc = append })", "return guard ~= nil")
    see(class, true)
    check.equal(written(), ("x"):rep(TIMES))
  end)

  check.test("what is read is read for each", function()
    local name = far .. "/there"
    local class = module(("local removed = os.remove(%q)"):format(name), "return removed")
    for _ = 1, TIMES do
      check.write(name, "")
      check.equal(look(class), true)
    end
  end)

  check.test("clocks tell each its time", function()
    see_others(module("local now = actors.monotonic()", "return now"))
    see_others(module("local now = require('thespian.core').monotonic()", "return now"))
  end)

  check.test("random numbers are others each time, unless a seed was set", function()
    math.randomseed(7)
    local seventh, eighth = math.random(100), math.random(100)
    math.randomseed()
    see_others(module("local first = math.random(0)", "return first"))
    see_others(module("local random = math.random", "return random(0)"))
    see_others(module("local floor = math.floor", "return math.random(0)"))
    see_others(module("math.random = nil  local floor = math.floor math.randomseed = nil", [[
      math = nil
      package.loaded.math = nil
      return require("math").random(0) ]]))
    see(module("math.randomseed(7)  local one = math.random(100)", "return { one, math.random(100) }"),
      { seventh, eighth })
  end)

  check.test("a coroutine goes on where it stood", function()
    see(module([[
      local count = coroutine.wrap(function() for i = 1, 9 do coroutine.yield(i) end end)
      local first = count() ]], "return { first, count(), count() }"), { 1, 2, 3 })
  end)

  check.test("what they keep under tables and functions is found", function()
    see(module([[
      local key, heir = {}, actors.class("Heir", actors.Actor)
      local function named() end
      local kept = { [key] = "table", [heir] = "class", [named] = "function", [print] = "print", plain = "text" }
      for i = 1, 40 do kept[{}] = i end
      local weak = setmetatable({ [key] = 1, [{}] = 2 }, { __mode = "k" }) ]], [[
      local count, found = 0, {}
      for k, v in pairs(kept) do count = count + (kept[k] == v and 1 or 0) end
      kept[named], kept[#kept + 1] = nil, "more"
      found[kept] = true
      collectgarbage()
      return { kept[key], kept[heir], kept[named] == nil, kept[print], kept.plain, count, found[kept], weak[key] }
    ]]), { "table", "class", true, "print", "text", 45, true, 1 })
  end)

  check.test("numbers and texts are what they were", function()
    see(module([[
      local numbers, texts = {}, {}
      for i = 1, 200 do
        numbers[i] = math.tointeger(2 ^ 38 + i * 2 ^ 21) + i
        texts[i] = ("text %d"):format(i)
      end ]], [[
      local wrong = 0
      for i = 1, 200 do
        if numbers[i] ~= (1 << 38) + (i << 21) + i or texts[i] ~= "text " .. i then wrong = wrong + 1 end
        texts["text " .. i] = i
      end
      return { wrong, #texts, texts["text 7"] }
    ]]), { 0, 200, 7 })
  end)

  check.test("what modules do to the libraries is there", function()
    see(module([[
      function string.shout(text) return text:upper() .. "!" end
      table.first = function(list) return list[1] end
      local next_loaded = package and package.loaded.table
      collectgarbage "stop" ]],
      [[return { ("a"):shout(), table.first { 2 }, next_loaded == table, collectgarbage "isrunning" }]]),
      { "A!", 2, true, false })
  end)

  check.test("what is printed and logged is so for each", function()
    local name = "loud" .. base .. os.time() .. number
    local folder = check.folder {
      [name .. ".lua"] = [[
        local actors = require "thespian.actors"
        if not actors.main(...) then
          print("printed", 1)
          require("thespian.core").log(4, nil, "logged in " .. (...))
        end
        local Loud = actors.class("Loud", actors.Actor)
        function Loud:receiveMessage(_, sender)
          self:send(sender, 1)
          self:send(self.myAddress, actors.ActorExitRequest())
        end
        if actors.main(...) then
          local asys = actors.ActorSystem "simpleSystemBase"
          for _ = 1, 6 do assert(asys:ask(asys:createActor(Loud), 1, 60)) end
          asys:shutdown()
        end
        return Loud ]],
    }
    local text, well = check.run(folder, folder .. "/" .. name .. ".lua")
    local log = os.getenv "THESPLOG_FILE"
    if log then text = text .. assert(io.open(log)):read "a" end
    check.equal(well, true)
    check.equal(select(2, text:gsub("printed\t1\n", "")), 6)
    check.equal(select(2, text:gsub("logged in " .. name, "")), 6)
  end)

  local function bundle(text)
    local folder = check.folder {
      ["app.lua"] = [[
        local actors = require "thespian.actors"
        local version = require "version"
        local App = actors.class("App", actors.Actor)
        function App:receiveMessage(message, sender)
          if message == "look" then self:send(sender, { look = version }) end
        end
        return { App = App } ]],
      ["version.lua"] = "return '" .. text .. "'",
    }
    assert(os.execute(("cd '%s' && zip -q -r bundle.zip . -x bundle.zip"):format(folder)))
    return asys:loadActorSource(folder .. "/bundle.zip")
  end

  check.test("versions of a bundle stay apart, and one that is gone is gone", function()
    check.write(far .. "/version.lua", "return 'path'")
    local one, other = bundle "one", bundle "other"
    for _ = 1, TIMES do
      check.equal(look("app.App", nil, nil, one), "one")
      check.equal(look("app.App", nil, nil, other), "other")
    end
    asys:unloadActorSource(one)
    check.raises("no source with hash", function()
      for _ = 1, 1000 do look("app.App", nil, nil, one) end
    end)
    check.equal(look("app.App", nil, nil, other), "other")
    check.equal(bundle "one" ~= other, true)
    see("made1.C", { 1, 1, 1, 1, 1 })
  end)

  asys:shutdown()
  package.path = package_path
end
