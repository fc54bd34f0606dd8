-- capabilities: what becomes of actors when the capabilities of their system change. The simple base
-- does not ask.

local actors = require "thespian.actors"
local scenario = require "lib_scenario"

local Keeper = actors.class("Keeper", actors.Actor)
local Lamp = actors.class("Lamp", actors.Actor)
local Candle = actors.class("Candle", actors.Actor)
local Fickle = actors.class("Fickle", actors.Actor)
local Slow = actors.class("Slow", actors.Actor)

--- Makes children of the classes that it is told, reports those that exit, and changes capabilities.
function Keeper:receiveMessage(message, sender)
  if actors.isinstance(message, actors.ChildActorExited) then
    self:send(self.asker, { gone = message.childAddress, reason = message.reason })
  elseif type(message) == "table" and message.class then
    self.asker = sender
    self:send(sender, self:createActor("capabilities." .. message.class, message.requirements))
  elseif type(message) == "table" and message.name then
    self:updateCapability(message.name, message.value)
    self:send(sender, "changed")
  end
end

--- Needs the capability that its requirements name, and keeps what it has heard of.
function Lamp.actorSystemCapabilityCheck(capabilities, requirements)
  return capabilities[requirements.needs]
end

function Lamp:receiveMessage(message, sender)
  if message == "child" then self.child = self:createActor(Candle) end
  if type(message) == "string" then
    self.heard = (self.heard or 0) + 1
    self:send(sender, self.heard)
  end
end

function Candle:receiveMessage(message, sender)
  if type(message) == "string" then self:send(sender, "still here") end
end

--- Its check raises where the capability is not a number.
function Fickle.actorSystemCapabilityCheck(capabilities) return capabilities.Power + 1 > 0 end

function Fickle:receiveMessage(message, sender)
  if type(message) == "string" then self:send(sender, "still here") end
end

--- Its check takes many turns.
function Slow.actorSystemCapabilityCheck(capabilities)
  local sum = 0
  for n = 1, 3000000 do sum = sum + n % 2 end
  return capabilities.Power and sum > 0
end

function Slow:receiveMessage(message, sender)
  if type(message) == "string" then self:send(sender, "still here") end
end

local module = { Keeper = Keeper, Lamp = Lamp, Candle = Candle, Fickle = Fickle, Slow = Slow }
if not actors.main(...) then return module end

local asks = scenario.base ~= "simpleSystemBase"
local asys = scenario.system { Power = 5, Gas = 1 }
local keeper = asys:createActor(Keeper)

local function born(class, requirements)
  return scenario.ask(asys, keeper, { class = class, requirements = requirements })
end

--- What changes capabilities from outside, and from inside.
local changes = {
  function(name, value) asys:updateCapability(name, value) end,
  function(name, value)
    assert(scenario.ask(asys, keeper, { name = name, value = value }) == "changed")
  end,
}

for _, change in ipairs(changes) do
  local electric, gas = born("Lamp", { needs = "Power" }), born("Lamp", { needs = "Gas" })
  local candle, slow = born("Candle"), born("Slow")
  assert(scenario.ask(asys, electric, "one") == 1)
  assert(scenario.ask(asys, electric, "child") == 2)

  change("Power", 6) -- still there
  change("Colour", "red")
  assert(scenario.ask(asys, slow, "there?") == "still here")
  assert(scenario.ask(asys, electric, "three") == 3, "it lost its state")

  if asks then
    change("Power", nil)
    local gone = {}
    for _ = 1, 2 do
      local told = scenario.listen(asys)
      assert(told.reason == "exit", tostring(told.reason))
      gone[told.gone] = true
    end
    assert(gone[electric] and gone[slow], "others are gone")
    local _, why = asys:ask(electric, "there?", scenario.patience)
    assert(why == "dead", "the lamp stays without power")
    assert(scenario.ask(asys, gas, "one") == 1)
    assert(scenario.ask(asys, candle, "there?") == "still here")
    change("Power", 5)
  end
end

-- A check that raises says no.
local fickle = born("Fickle")
assert(scenario.ask(asys, fickle, "there?") == "still here")
asys:updateCapability("Power", "none")
if asks then
  local told = scenario.listen(asys)
  assert(told.gone == fickle and told.reason == "exit")
else
  assert(scenario.ask(asys, fickle, "there?") == "still here", "the simple base asks")
end

asys:shutdown()
