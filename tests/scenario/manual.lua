-- manual: what the manual of Thespian for Python promises (docs/differences.md) and no other story
-- shows. The numbers are those of its sections.

local actors = require "thespian.actors"

-- Counts in a global of its state.
local Counter = actors.class("Counter", actors.Actor)
function Counter:receiveMessage(_, sender)
  COUNT = (COUNT or 0) + 1
  self:send(sender, COUNT)
end

-- Is introduced to others, and greets them.
local Greeter = actors.class("Greeter", actors.Actor)
function Greeter:receiveMessage(message, sender)
  if message == "who am I" then
    self:send(sender, { sender, actors.typename(sender) })
  elseif actors.typename(message) == "ActorAddress" then
    self:send(message, "hello")
  end
end

-- Tells what it was given when it was created.
local Curious = actors.class("Curious", actors.Actor)
function Curious:init(capabilities, requirements)
  self.capabilities, self.requirements = capabilities, requirements
end
function Curious:receiveMessage(message, sender)
  if message == "capabilities" then
    self:send(sender, self.capabilities)
  elseif message == "requirements" then
    self:send(sender, { self.requirements, actors.typename(self.requirements) })
  elseif type(message) == "table" then
    self:updateCapability(message.name, message.value)
    self:send(sender, "updated")
  end
end

-- Lives where its requirements equal the capability.
local Picky = actors.class("Picky", Curious)
function Picky.actorSystemCapabilityCheck(capabilities, requirements)
  return capabilities["Room"] == requirements
end

-- Creates what it is told to, and tells of its end; wakes itself.
local Parent = actors.class("Parent", actors.Actor)
function Parent:receiveMessage(message, sender)
  if message == "wake" then
    self.asker = sender
    self:wakeupAfter { milliseconds = 1 }
  elseif actors.isinstance(message, actors.WakeupMessage) then
    self:send(self.asker, sender == self.myAddress)
  elseif actors.isinstance(message, actors.ChildActorExited) then
    self:send(self.asker, { message.childAddress, message.reason })
  elseif type(message) == "table" then
    self.asker = sender
    self:send(sender, self:createActor(message.create, message.requirements))
  end
end

-- Hands work on along a chain of actors; the last one writes the file.
local Chain = actors.class("Chain", actors.Actor)
function Chain:receiveMessage(message)
  if actors.isinstance(message, actors.ActorSystemMessage) then return end
  if message.left == 0 then
    assert(io.open(message.path, "w")):close()
  else
    self:send(self:createActor(Chain), { left = message.left - 1, path = message.path })
  end
end

if actors.main(...) then
  local scenario = require "lib_scenario"
  local check <close> = require "lib_check"
  local asys = scenario.system { Room = 7 }

  check.test("1.1: an actor's globals are its own", function()
    local one, other = asys:createActor(Counter), asys:createActor(Counter)
    check.equal(scenario.ask(asys, one, "count"), 1)
    check.equal(scenario.ask(asys, one, "count"), 2)
    check.equal(scenario.ask(asys, other, "count"), 1)
    check.equal(rawget(_G, "COUNT"), nil)
  end)

  check.test("1.2: an address that came in a message can be sent to", function()
    local one, other <close> = asys:createActor(Greeter), asys:private()
    asys:tell(one, other.endpointAddress)
    check.equal(other:listen(scenario.patience), "hello")
  end)

  check.test("1.4: to an actor a program is an address like any other", function()
    local seen = scenario.ask(asys, asys:createActor(Greeter), "who am I")
    check.equal(seen[1], asys.endpointAddress)
    check.equal(seen[2], "ActorAddress")
  end)

  check.test("2.1, 6.2, 6.3: one system for the process, and others that are unique", function()
    local ours = actors.ActorSystem(scenario.base, { ["Admin Port"] = 0 }, false)
    local counter = ours:createActor(Counter)
    check.ok(actors.ActorSystem() == ours)
    check.ok(actors.ActorSystem(scenario.base) == ours)
    local unique = scenario.system()
    check.ok(unique.adminAddress ~= ours.adminAddress)
    unique:shutdown()
    check.ok(actors.ActorSystem() == ours)
    check.equal(scenario.ask(ours, counter, "count"), 1)
    ours:shutdown()
    check.raises("was shut down", ours.tell, ours, counter, "count")
  end)

  check.test("4.5, 4.6: nobody hears of the end of an actor that has no parent", function()
    for _, name in ipairs { false, "by name" } do
      local one = asys:createActor(Counter, nil, name or nil)
      asys:tell(one, actors.ActorExitRequest())
      local answer, why
      repeat answer, why = asys:ask(one, "count", scenario.patience) until why == "dead"
      check.equal(answer, nil)
      check.equal(select(2, asys:listen(0)), "timeout")
    end
  end)

  check.test("5.3: requirements may be any value", function()
    local parent = asys:createActor(Parent)
    for _, value in ipairs { 17, 1.5, "text", true, false, { size = 3 }, parent } do
      local expected = { value, actors.typename(value) }
      check.same(scenario.ask(asys, asys:createActor(Curious, value), "requirements"), expected)
      local child = scenario.ask(asys, parent, { create = "manual.Curious", requirements = value })
      check.same(scenario.ask(asys, child, "requirements"), expected)
    end
    check.ok(asys:createActor(Picky, 7))
    if scenario.base == "simpleSystemBase" then return end
    local raised = check.raises("Picky", asys.createActor, asys, Picky, "7")
    check.ok(actors.isinstance(raised, actors.NoCompatibleSystemForActor))
  end)

  check.test("5.3.2: a class's short name is not enough", function()
    local child = scenario.ask(asys, asys:createActor(Parent), { create = "Curious" })
    local exited = scenario.listen(asys)
    check.equal(exited[1], child)
    check.contains(exited[2], "Curious")
  end)

  check.test("5.5: a wakeup comes from the actor itself", function()
    check.equal(scenario.ask(asys, asys:createActor(Parent), "wake"), true)
  end)

  check.test("5.12, 6.8: a capability that is set is there for who comes next", function()
    local function newest() return scenario.ask(asys, asys:createActor(Curious), "capabilities") end
    asys:updateCapability("Lamps", { 1, lit = true })
    check.same(newest().Lamps, { 1, lit = true })
    local setter = asys:createActor(Curious)
    scenario.ask(asys, setter, { name = "Lamps", value = 2 })
    check.equal(newest().Lamps, 2)
    scenario.ask(asys, setter, { name = "Lamps" })
    check.equal(newest().Lamps, nil)
    asys:updateCapability "Lamps" -- is not there, which is nothing
    check.equal(newest().Room, 7)
  end)

  check.test("6.2: who joins a system takes its capabilities as they are", function()
    local unique = scenario.system { ["Admin Port"] = asys.adminPort, Room = 8 }
    local shared = asys.adminPort ~= nil and asys.adminPort ~= 0
    check.equal(unique.adminAddress == asys.adminAddress, shared)
    local seen = scenario.ask(unique, unique:createActor(Curious), "capabilities")
    check.equal(seen.Room, shared and 7 or 8)
    if not shared then unique:shutdown() end
  end)

  check.test("6.4: a name that is taken counts before all else", function()
    local one = asys:createActor(Counter, nil, "taken")
    check.equal(asys:createActor(Greeter, { 1 }, "taken", ("ab"):rep(32)), one)
  end)

  check.test("6.6.1: ask gives what came first, which may answer an earlier message", function()
    local counter = asys:createActor(Counter)
    asys:tell(counter, "count")
    check.equal(scenario.ask(asys, counter, "count"), 1)
    check.equal(scenario.listen(asys), 2)
    check.equal(select(2, asys:listen(0)), "timeout")
  end)

  check.test("8.1: every system says what it is", function()
    local seen = scenario.ask(asys, asys:createActor(Curious), "capabilities")
    check.equal(seen["Thespian ActorSystem Name"], scenario.base)
    check.equal(seen["Thespian Version"], actors.version)
    check.equal(type(seen["Thespian ActorSystem Version"]), "string")
    check.equal(table.concat(seen["Thespian Generation"], "."), actors.version:match "^%d+%.%d+")
    check.equal("Lua " .. table.concat(seen["Lua Version"], ".", 1, 2), _VERSION)
    check.equal(math.type(seen["Lua Version"][3]), "integer")
    check.equal(seen["AllowRemoteActorSources"], "Yes")
  end)

  if scenario.base == "simpleSystemBase" then
    check.test("8.2: tell returns when everything has been handled", function()
      local path = check.folder {} .. "/written"
      asys:tell(asys:createActor(Chain), { left = 5, path = path })
      local file <close> = io.open(path)
      check.ok(file, "nothing was written")
    end)
  end

  asys:shutdown()
end

return { Counter = Counter, Greeter = Greeter, Curious = Curious, Picky = Picky, Parent = Parent,
  Chain = Chain }
