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

-- Fails at its end.
local Unwilling = actors.class("Unwilling", actors.Actor)

function Unwilling:receiveMessage(message, sender)
  if actors.isinstance(message, actors.ActorExitRequest) then
    self.tries = (self.tries or 0) + 1
    self:send(self.witness, { tries = self.tries })
    error "it refuses to go"
  end
  self.witness = sender
  self:send(sender, self.myAddress)
end

-- Takes more time or memory than it may have; otherwise answers, with what it remembers.
local Runaway = actors.class("Runaway", actors.Actor)
Runaway.actorMemoryLimit = 4 << 20

-- A second instance cannot start where a file is to be marked and is.
function Runaway:init(_, requirements)
  self.remembered = 0
  local path = requirements and requirements.mark
  local mark = path and io.open(path)
  if mark then error "it starts only once" end
  if path then assert(io.open(path, "w")):close() end
end

function Runaway:receiveMessage(message, sender)
  if message == "for ever" then
    while true do end
  elseif message == "hoard" then
    self.hoard = {}
    for number = 1, math.maxinteger do self.hoard[number] = ("x"):rep(50000) .. number end
  elseif message == "child" then
    self:send(sender, self:createActor(Fragile))
  elseif actors.isinstance(message, actors.ChildActorExited) then
    self.lost = message.childAddress
  elseif not actors.isinstance(message, actors.ActorSystemMessage) then
    self.remembered = self.remembered + 1
    self:send(sender, { remembered = self.remembered, lost = self.lost, message = message })
  end
end

-- Has a Runaway, and tells how it went.
local Guardian = actors.class("Guardian", actors.Actor)

function Guardian:receiveMessage(message, sender)
  if type(message) == "table" and message.mark then
    self.asker = sender
    self:send(sender, self:createActor(Runaway, message))
  elseif actors.isinstance(message, actors.ChildActorExited) then
    self:send(self.asker, { child = message.childAddress, reason = message.reason })
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
    check.same(poison.poisonMessage, { bad = "always" }) -- as it was sent
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

  check.test("a poisoned ActorExitRequest is not returned, and its actor exits", function()
    local unwilling = scenario.ask(asys, asys:createActor(Unwilling), "witness")
    asys:tell(unwilling, actors.ActorExitRequest())
    check.same(scenario.listen(asys), { tries = 1 })
    check.same(scenario.listen(asys), { tries = 2 })
    -- Poison would come before what is asked afterwards.
    local answer, why
    repeat answer, why = asys:ask(unwilling, "still there", scenario.patience) until why == "dead"
    check.equal(answer, nil)
  end)

  check.test("past the message time limit a handler is stopped as a failure", function()
    local timed = scenario.system { ["Message Time Limit"] = 1 }
    local runaway = timed:createActor(Runaway)
    check.equal(scenario.ask(timed, runaway, 1).remembered, 1)
    local poison = scenario.ask(timed, runaway, "for ever")
    check.equal(actors.typename(poison), "PoisonMessage")
    check.equal(poison.poisonMessage, "for ever")
    check.equal(scenario.ask(timed, runaway, 2).remembered, 2) -- it goes on with its state
    timed:shutdown()
  end)

  check.test("a restart keeps address, mailbox and children, and poisons the message", function()
    local runaway = asys:createActor(Runaway)
    local child = scenario.ask(asys, runaway, "child")
    check.equal(scenario.ask(asys, runaway, "before").remembered, 1)
    asys:tell(runaway, "hoard")
    asys:tell(runaway, "waited")
    local poison, waited = scenario.listen(asys), scenario.listen(asys)
    check.equal(actors.typename(poison), "PoisonMessage")
    check.equal(poison.poisonMessage, "hoard")
    check.equal(waited.message, "waited")
    check.equal(waited.remembered, 1) -- of the new instance
    check.same(scenario.ask(asys, child, 0), { handled = 1, tries = 0 })
    asys:tell(child, actors.ActorExitRequest())
    check.equal(scenario.listen(asys).marks, 1) -- it answers even that
    local answer
    repeat answer = scenario.ask(asys, runaway, "lost") until answer.lost
    check.equal(answer.lost, child)
  end)

  check.test("an actor that cannot be restarted is killed, and its parent told once", function()
    local mark = os.tmpname()
    os.remove(mark)
    local guardian = asys:createActor(Guardian)
    local runaway = scenario.ask(asys, guardian, { mark = mark })
    check.equal(scenario.ask(asys, runaway, 1).remembered, 1)
    asys:tell(runaway, "hoard")
    -- The parent's word and the poison come from different senders.
    local told, poison = scenario.listen(asys), scenario.listen(asys)
    if actors.typename(told) == "PoisonMessage" then told, poison = poison, told end
    check.equal(poison.poisonMessage, "hoard")
    check.equal(told.child, runaway)
    check.contains(told.reason, "killed: ")
    check.contains(told.reason, "it starts only once")
    check.equal(select(2, asys:ask(runaway, 1, scenario.patience)), "dead")
    check.equal(select(2, asys:listen(0)), "timeout")
    os.remove(mark)
  end)

  asys:shutdown()
end

return { Unwilling = Unwilling, Runaway = Runaway, Guardian = Guardian, Fragile = Fragile, Sender = Sender, Hopeless = Hopeless }
