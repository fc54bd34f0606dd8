-- recycled: an actor begins as if there had been none before it. The state of one that is gone is used
-- again; nothing that it did to its libraries, its modules or its memory is seen by the next one.

local actors = require "thespian.actors"

-- What the file does when it is loaded happens for each actor.
times_loaded = (times_loaded or 0) + 1

local Actor = actors.Actor
local Guest = actors.class("Guest", Actor)

-- Does to its state what can be done to one.
local function spoil()
  leftover = { coroutine.create(function() end) }
  coroutine.resume(leftover[1])
  Actor.spoilt = true
  Actor.send = Actor.send or false
  string.upper = nil
  table.concat = nil
  package.path = "nowhere"
  package.loaded["thespian.types"] = "spoilt"
  require("thespian.core").monotonic = nil
  math.randomseed(1)
  for i = 1, 3000 do leftover[i] = { i } end
  getmetatable("").__index = {}
  collectgarbage "stop"
end

local function look(self)
  return {
    loaded = times_loaded,
    leftover = leftover ~= nil,
    spoilt = self.spoilt or Actor.spoilt or false,
    upper = ("a"):upper(),
    concat = table.concat { "a", "b" },
    has_path = package.path ~= "nowhere",
    kind = actors.typename(1),
    clock = actors.monotonic() > 0,
    collects = collectgarbage "isrunning",
    lean = collectgarbage "count" < 100,
  }
end

function Guest:receiveMessage(message, sender)
  if message == "spoil" then
    self:send(sender, true)
    spoil()
  elseif message == "look" then
    self:send(sender, look(self))
  elseif message == "place" then
    self:send(sender, tostring(string))
  elseif message == "number" then
    self:send(sender, math.random(0))
  elseif type(message) == "table" and message.write then
    -- Closed by nobody but its finalizer.
    file = assert(io.open(message.write, "w"))
    file:write "written"
    self:send(sender, true)
  end
end

-- May take little, and asks for much.
local Hungry = actors.class("Hungry", Actor)
Hungry.actorMemoryLimit = 1 << 20

function Hungry:receiveMessage(message, sender)
  if message == "much" then
    self.much = {}
    for i = 1, 1 << 20 do self.much[i] = { i } end
  elseif message == "little" then
    for _ = 1, 100 do self.few = ("x"):rep(2000) .. tostring(self) end
    self:send(sender, "fed")
  end
end

-- Ends as it likes.
local Finalized = actors.class("Finalized", Actor)

function Finalized:receiveMessage(message, sender)
  self.last = setmetatable({}, { __gc = function() self:send(sender, "finalized") end })
  self:send(self.myAddress, actors.ActorExitRequest())
end

if actors.main(...) then
  local check <close> = require "lib_check"
  local scenario = require "lib_scenario"
  local asys = scenario.system()

  -- One actor after the other, each gone before the next one comes.
  local function with(Class, work)
    local address = asys:createActor(Class)
    local result = work(address)
    scenario.kill(asys, address)
    return result
  end

  local function ask(Class, message)
    return with(Class, function(address) return scenario.ask(asys, address, message) end)
  end

  local untouched = {
    loaded = 1, leftover = false, spoilt = false, upper = "A", concat = "ab", has_path = true,
    kind = "integer", clock = true, collects = true, lean = true,
  }

  check.test("nothing is left of who was there before", function()
    for _ = 1, 20 do
      check.equal(ask(Guest, "spoil"), true)
      check.same(ask(Guest, "look"), untouched)
    end
  end)

  check.test("a place is used again", function()
    local seen, again = {}, false
    for _ = 1, 20 do
      local place = ask(Guest, "place")
      again = again or seen[place]
      seen[place] = true
    end
    check.equal(again, true)
  end)

  check.test("random numbers are others each time", function()
    local seen = {}
    for _ = 1, 50 do
      local number = ask(Guest, "number")
      check.equal(seen[number], nil)
      seen[number] = true
    end
  end)

  check.test("those that live at once are apart", function()
    local guests = {}
    for i = 1, 200 do guests[i] = asys:createActor(Guest) end
    for i = 1, 200, 2 do check.equal(scenario.ask(asys, guests[i], "spoil"), true) end
    for i = 2, 200, 2 do check.same(scenario.ask(asys, guests[i], "look"), untouched) end
    for i = 1, 200 do scenario.kill(asys, guests[i]) end
    check.same(ask(Guest, "look"), untouched)
  end)

  check.test("what was too much for one is nothing to the next", function()
    for _ = 1, 3 do
      with(Hungry, function(address)
        asys:tell(address, "much")
        check.equal(actors.typename(scenario.listen(asys)), "PoisonMessage")
      end)
      check.equal(ask(Hungry, "little"), "fed")
    end
  end)

  check.test("a file that nobody closed is written", function()
    local name = os.tmpname()
    local until_when = actors.monotonic() + scenario.patience
    ask(Guest, { write = name })
    local text
    repeat
      local file <close> = assert(io.open(name))
      text = file:read "a"
    until text == "written" or actors.monotonic() > until_when
    os.remove(name)
    check.equal(text, "written")
  end)

  check.test("finalizers run at the end of each", function()
    for _ = 1, 20 do
      check.equal(scenario.ask(asys, asys:createActor(Finalized), "go"), "finalized")
    end
  end)

  asys:shutdown()
end

return { Guest = Guest, Hungry = Hungry, Finalized = Finalized }
