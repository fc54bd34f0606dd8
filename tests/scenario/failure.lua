-- failure: what happens to a message whose handler raises, and to its actor.

local actors = require "thespian.actors"

-- Fails at "bad" messages; counts what it gets.
local Fragile = actors.class("Fragile", actors.Actor)

function Fragile:init() self.handled, self.tries = 0, 0 end

function Fragile:receiveMessage(message, sender)
  if type(message) ~= "table" then
    self.handled = self.handled + 1
    self:send(sender, { handled = self.handled, tries = self.tries })
    return
  end
  self.tries = self.tries + 1
  message.marks = (message.marks or 0) + 1
  if message.bad == "always" then error("no good: " .. message.marks) end
  if message.bad == "once" and message.marks == 1 then error("not yet") end
  if message.bad == "instance" then error(actors.CannotSend "by hand") end
  if message.bad == "nil" then error(nil) end
  if message.bad == "yield" then coroutine.yield() end
  self:send(sender, { marks = message.marks })
end

-- Forwards to a Fragile of its own, and tells the asker what came back.
local Sender = actors.class("Sender", actors.Actor)

function Sender:receiveMessage(message, sender)
  if type(message) == "table" and message.bad then
    self.asker = sender
    self.fragile = self.fragile or self:createActor(Fragile)
    self:send(self.fragile, message)
  else
    local poison = actors.isinstance(message, actors.PoisonMessage)
    self:send(self.asker, { poison = poison, bad = poison and message.poisonMessage.bad,
      from_fragile = sender == self.fragile, system = actors.isinstance(message, actors.ActorSystemMessage) })
  end
end

-- Fails at poison, too.
local Hopeless = actors.class("Hopeless", actors.Actor)

function Hopeless:receiveMessage(message, sender)
  if message == "go" then
    self:send(self:createActor(Fragile), { bad = "always" })
  elseif message == "poisons" then
    self:send(sender, self.poisons or 0)
  elseif actors.isinstance(message, actors.PoisonMessage) then
    self.poisons = (self.poisons or 0) + 1
    error "no use"
  end
end

if actors.main(...) then
  local scenario = require "lib_scenario"
  local check <close> = require "lib_check"
  local asys = scenario.system()

  check.test("a handler that raises is called once more with the same table", function()
    local fragile = asys:createActor(Fragile)
    check.same(scenario.ask(asys, fragile, { bad = "once" }), { marks = 2 })
  end)

  check.test("a second failure sends the message back with a traceback, and the actor goes on", function()
    local fragile = asys:createActor(Fragile)
    scenario.ask(asys, fragile, 1)
    local poison = scenario.ask(asys, fragile, { bad = "always" })
    check.ok(actors.isinstance(poison, actors.PoisonMessage))
    check.equal(poison.poisonMessage.bad, "always")
    check.contains(poison.details, "no good: 2")
    check.contains(poison.details, "failure.lua:")
    check.contains(poison.details, "stack traceback:")
    check.same(scenario.ask(asys, fragile, 2), { handled = 2, tries = 2 })
  end)

  check.test("whatever is raised is described", function()
    local fragile = asys:createActor(Fragile)
    check.contains(scenario.ask(asys, fragile, { bad = "instance" }).details, "CannotSend: by hand")
    check.contains(scenario.ask(asys, fragile, { bad = "nil" }).details, "nil")
    check.contains(scenario.ask(asys, fragile, { bad = "yield" }).details,
      "attempt to yield from outside a coroutine")
    check.same(scenario.ask(asys, fragile, 0), { handled = 1, tries = 6 })
  end)

  check.test("poison goes to the sender, whoever that is", function()
    check.same(scenario.ask(asys, asys:createActor(Sender), { bad = "always" }),
      { poison = true, bad = "always", from_fragile = true, system = true })
  end)

  check.test("a poisoned PoisonMessage is not returned", function()
    local hopeless = asys:createActor(Hopeless)
    asys:tell(hopeless, "go")
    local poisons
    repeat poisons = scenario.ask(asys, hopeless, "poisons") until poisons > 0
    check.equal(poisons, 2) -- both tries of the one message
    check.equal(scenario.ask(asys, hopeless, "poisons"), 2)
  end)

  asys:shutdown()
end

return { Fragile = Fragile, Sender = Sender, Hopeless = Hopeless }
