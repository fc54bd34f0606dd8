-- life: creation, names, exit, and what is told to whom about it.

local actors = require "thespian.actors"

local Echo = actors.class("Echo", actors.Actor)
function Echo:receiveMessage(message, sender)
  if message == "who" then
    self:send(sender, { name = self.globalName or false, address = self.myAddress })
  else
    self:send(sender, message)
  end
end

-- Cannot start, for one reason or another.
local NoInit = actors.class("NoInit", actors.Actor)
function NoInit:init() error "this actor never starts" end

local NoPlace = actors.class("NoPlace", actors.Actor)
function NoPlace.actorSystemCapabilityCheck(capabilities) return capabilities["Has Lightbulb"] end

local NoActor = actors.class("NoActor")

local Curious = actors.class("Curious", actors.Actor)
function Curious:init(capabilities, requirements)
  self.seen = { base = capabilities["Thespian ActorSystem Name"], lua = capabilities["Lua Version"],
    requirements = requirements or false, address = self.myAddress }
end
function Curious:receiveMessage(_, sender) self:send(sender, self.seen) end

-- Does as it is told, and writes down what it hears.
local Parent = actors.class("Parent", actors.Actor)

function Parent:init()
  self.children, self.gone = {}, {}
end

function Parent:receiveMessage(message, sender)
  if actors.isinstance(message, actors.ChildActorExited) then
    table.insert(self.gone, { child = message.childAddress, reason = message.reason })
    if self.asker then self:send(self.asker, self.gone) end
  elseif type(message) ~= "table" then
    return
  elseif message.create then
    local classes = { Echo = Echo, NoInit = NoInit, Parent = Parent }
    local child = self:createActor(classes[message.create] or message.create, nil, message.name, message.source)
    table.insert(self.children, child)
    if message.first then self:send(child, message.first) end
    self:send(sender, child)
  elseif message.tell_when_gone then
    self.asker = sender
    if #self.gone > 0 then self:send(sender, self.gone) end
  elseif message.exit then
    self:send(message.exit, actors.ActorExitRequest())
  elseif message.spec_error then
    local _, raised = pcall(self.createActor, self, message.spec_error)
    self:send(sender, { class = actors.typename(raised), text = tostring(raised) })
  end
end

-- Tells somebody what it hears at its end, and keeps its children alive when told so.
local Mourner = actors.class("Mourner", actors.Actor)

function Mourner:receiveMessage(message, sender)
  if type(message) == "table" and message.children then
    self.witness, self.spare = sender, message.spare
    local children = {}
    for i = 1, message.children do children[i] = self:createActor(Echo) end
    self:send(sender, children)
  elseif actors.isinstance(message, actors.ActorExitRequest) then
    if self.spare then message:notRecursive() end
    self:send(self.witness, { "exit", message.isRecursive })
  elseif actors.isinstance(message, actors.ChildActorExited) then
    self:send(self.witness, { "child", message.reason })
  end
end

-- Would live for ever: it replaces each child that is gone.
local Undying = actors.class("Undying", actors.Actor)

function Undying:receiveMessage(message, sender)
  if message == "begin" then
    self.witness = sender
    self:send(sender, self:createActor(Echo))
  elseif actors.isinstance(message, actors.ActorExitRequest) then
    self.last = self:createActor(Echo) -- is asked to exit, too
    self:send(self.witness, self.last)
  elseif actors.isinstance(message, actors.ChildActorExited) then
    local made, raised = pcall(self.createActor, self, Echo)
    self:send(self.witness, { made = made, words = tostring(raised) })
  end
end

-- Sends itself something at its end, while its child still lives; never returns when it is told so.
local Laggard = actors.class("Laggard", actors.Actor)

function Laggard:receiveMessage(message, sender)
  if message == "begin" then
    self:send(sender, self:createActor(Echo))
  elseif message == "for ever" then
    self:send(sender, "begun")
    while true do end
  elseif actors.isinstance(message, actors.ActorExitRequest) then
    self:send(self.myAddress, { "too late" })
  end
end

-- Sends back tables alone.
local Quiet = actors.class("Quiet", actors.Actor)

function Quiet:receiveMessage(message, sender)
  if not actors.isinstance(message, actors.ActorSystemMessage) then self:send(sender, message) end
end

-- Has many children, which go one way or another, and counts what it hears of each.
local Counter = actors.class("Counter", actors.Actor)

function Counter:init() self.heard, self.count, self.most = {}, 0, 0 end

function Counter:receiveMessage(message, sender)
  if actors.isinstance(message, actors.ChildActorExited) then
    local child = message.childAddress
    self.heard[child] = (self.heard[child] or 0) + 1
    self.count, self.most = self.count + 1, math.max(self.most, self.heard[child])
  elseif message == "heard" then
    self:send(sender, { count = self.count, most = self.most })
  elseif type(message) == "table" and message.children then
    for number = 1, message.children do
      local child = self:createActor(number % 3 == 0 and NoInit or Quiet)
      if number % 3 ~= 2 then self:send(child, actors.ActorExitRequest()) end
      if number % 3 == 1 then self:send(child, actors.ActorExitRequest()) end
      if number % 3 == 2 then self:send(child, { again = child }) end
    end
    self:send(sender, "made")
  elseif type(message) == "table" and message.again then
    self:send(message.again, actors.ActorExitRequest())
  end
end

-- Handles dead letters, and gives them to whoever asks.
local Undertaker = actors.class("Undertaker", actors.Actor)

function Undertaker:init() self.letters = {} end

function Undertaker:receiveMessage(message, sender)
  if message == "start" then
    self:handleDeadLetters()
    self:send(sender, "started")
  elseif message == "stop" then
    self:handleDeadLetters(false)
    self:send(sender, "stopped")
  elseif message == "letters" then
    self.asker = sender
  elseif actors.isinstance(message, actors.DeadEnvelope) then
    table.insert(self.letters, { message = message.deadMessage, address = message.deadAddress })
  end
  if self.asker and #self.letters > 0 then
    self:send(self.asker, self.letters)
    self.asker, self.letters = nil, {}
  end
end

if actors.main(...) then
  local scenario = require "lib_scenario"
  local check <close> = require "lib_check"
  local asys = scenario.system()
  local simple = scenario.base == "simpleSystemBase"

  -- An exit request is done when asking its receiver finds nobody.
  local function await_exit(address)
    local answer, why
    repeat answer, why = asys:ask(address, "are you there", scenario.patience) until why == "dead"
    check.equal(answer, nil)
  end

  check.test("an actor knows its address, its capabilities and its requirements", function()
    local curious = asys:createActor(Curious, { size = 3 })
    local seen = scenario.ask(asys, curious, 1)
    check.equal(seen.base, scenario.base)
    check.equal(seen.lua[1], 5)
    check.equal(seen.lua[2], 4)
    check.same(seen.requirements, { size = 3 })
    check.equal(seen.address, curious)
    check.equal(scenario.ask(asys, asys:createActor(Curious), 1).requirements, false)
  end)

  check.test("a program is told why an actor cannot be created", function()
    local function refused(class, part, ...)
      local raised = check.raises(part, asys.createActor, asys, ...)
      check.equal(actors.typename(raised), class)
    end
    refused("InvalidActorSpecification", "this actor never starts", NoInit)
    refused("InvalidActorSpecification", "NoActor", NoActor)
    refused("InvalidActorSpecification", "no.such.module", "no.such.module.Class")
    refused("InvalidActorSpecification", "", "noClassAtAll")
    refused("InvalidActorSpecification", "number", 17)
    refused("InvalidActorSourceHash", ("ab"):rep(32), "any.Class", nil, nil, ("ab"):rep(32))
    if not simple then refused("NoCompatibleSystemForActor", "NoPlace", NoPlace) end
  end)

  check.test("capability checks let actors live where they fit", function()
    local lit = scenario.system { ["Has Lightbulb"] = true }
    check.ok(lit:createActor(NoPlace))
    lit:shutdown()
  end)

  check.test("a message can be sent to a child before it runs", function()
    local parent = asys:createActor(Parent)
    local child = scenario.ask(asys, parent, { create = "Echo" })
    check.equal(scenario.ask(asys, child, "hello"), "hello")
  end)

  check.test("a wrong class is refused where createActor is called", function()
    local parent = asys:createActor(Parent)
    local refused = scenario.ask(asys, parent, { spec_error = 17 })
    check.equal(refused.class, "InvalidActorSpecification")
  end)

  check.test("the parent of an actor that cannot start is told once, with the reason", function()
    local parent = asys:createActor(Parent)
    local child = scenario.ask(asys, parent, { create = "NoInit", first = "lost" })
    local gone = scenario.ask(asys, parent, { tell_when_gone = true })
    check.equal(#gone, 1)
    check.equal(gone[1].child, child)
    check.contains(gone[1].reason, "failed to start: ")
    check.contains(gone[1].reason, "this actor never starts")
    local other = asys:createActor(Parent)
    scenario.ask(asys, other, { create = "no.such.Class" })
    check.contains(scenario.ask(asys, other, { tell_when_gone = true })[1].reason, "no.such")
    local third = asys:createActor(Parent)
    scenario.ask(asys, third, { create = "Echo", source = ("ab"):rep(32) })
    check.contains(scenario.ask(asys, third, { tell_when_gone = true })[1].reason, "abababab")
  end)

  check.test("the parent is told once that its child exited", function()
    local parent = asys:createActor(Parent)
    local child = scenario.ask(asys, parent, { create = "Echo" })
    asys:tell(child, actors.ActorExitRequest())
    local gone = scenario.ask(asys, parent, { tell_when_gone = true })
    check.equal(#gone, 1)
    check.equal(gone[1].child, child)
    check.equal(gone[1].reason, "exit")
    await_exit(child)
  end)

  check.test("what was sent before an exit request is handled before it", function()
    local echo = asys:createActor(Echo)
    for i = 1, 10 do asys:tell(echo, i) end
    asys:tell(echo, actors.ActorExitRequest())
    for i = 1, 10 do check.equal(scenario.listen(asys), i) end
    await_exit(echo)
  end)

  check.test("an exit takes the children along, and waits for them", function()
    local mourner = asys:createActor(Mourner)
    local children = scenario.ask(asys, mourner, { children = 3 })
    asys:tell(mourner, actors.ActorExitRequest())
    check.same(scenario.listen(asys), { "exit", true })
    for _ = 1, 3 do check.same(scenario.listen(asys), { "child", "exit" }) end
    for _, child in ipairs(children) do await_exit(child) end
    await_exit(mourner)
  end)

  check.test("an exit that is not recursive leaves the children", function()
    local mourner = asys:createActor(Mourner)
    local children = scenario.ask(asys, mourner, { children = 2, spare = true })
    asys:tell(mourner, actors.ActorExitRequest())
    check.same(scenario.listen(asys), { "exit", false })
    await_exit(mourner)
    for _, child in ipairs(children) do check.equal(scenario.ask(asys, child, "here"), "here") end
    local other = asys:createActor(Mourner)
    local spared = scenario.ask(asys, other, { children = 1 })
    asys:tell(other, actors.ActorExitRequest { isRecursive = false })
    check.same(scenario.listen(asys), { "exit", false })
    check.equal(scenario.ask(asys, spared[1], "here"), "here")
  end)

  check.test("an actor that replaces its children cannot refuse to exit", function()
    local undying = asys:createActor(Undying)
    local first = scenario.ask(asys, undying, "begin")
    asys:tell(undying, actors.ActorExitRequest())
    local last = scenario.listen(asys)
    for _ = 1, 2 do
      local tried = scenario.listen(asys)
      check.equal(tried.made, false)
      check.contains(tried.words, "cannot have more")
    end
    await_exit(undying)
    await_exit(first)
    await_exit(last)
  end)

  check.test("an exiting actor gets nothing but its children's ends; the rest are dead letters", function()
    local undertaker = asys:createActor(Undertaker)
    scenario.ask(asys, undertaker, "start")
    local laggard = asys:createActor(Laggard)
    scenario.ask(asys, laggard, "begin")
    asys:tell(laggard, actors.ActorExitRequest())
    local letters = scenario.ask(asys, undertaker, "letters")
    check.equal(#letters, 1)
    check.same(letters[1].message, { "too late" })
    check.equal(letters[1].address, laggard)
    check.equal(scenario.ask(asys, undertaker, "stop"), "stopped")
    await_exit(laggard)
  end)

  check.test("each child's end is told exactly once", function()
    local counter = asys:createActor(Counter)
    check.equal(scenario.ask(asys, counter, { children = 99 }), "made")
    local heard
    repeat heard = scenario.ask(asys, counter, "heard") until heard.count >= 99
    check.equal(heard.most, 1)
    scenario.balance(asys) -- nothing is under way
    check.same(scenario.ask(asys, counter, "heard"), { count = 99, most = 1 })
  end)

  check.test("an exit that the runtime asks for does not wait behind the mailbox", function()
    local own <close> = asys:private()
    local undertaker = asys:createActor(Undertaker)
    scenario.ask(own, undertaker, "start")
    local laggard = asys:createActor(Laggard)
    -- What asks for its end comes by another connection, and would else overtake this.
    check.equal(scenario.ask(own, laggard, "for ever"), "begun")
    if not simple then
      for number = 1, 100 do own:tell(laggard, { number }) end
    end
    scenario.kill(asys, laggard)
    local poison = scenario.listen(own)
    check.equal(poison.poisonMessage, "for ever")
    local letters = {}
    -- With those that it was sent, and the one it sent itself too late.
    while #letters < (simple and 1 or 101) do
      for _, letter in ipairs(scenario.ask(own, undertaker, "letters")) do
        if type(letter.message) == "table" and not actors.isinstance(letter.message, actors.ActorSystemMessage) then
          table.insert(letters, letter.message[1])
        end
      end
    end
    scenario.ask(own, undertaker, "stop")
  end)

  check.test("a handler of dead letters that is gone is forgotten", function()
    local own = scenario.system()
    local undertaker = own:createActor(Undertaker)
    scenario.ask(own, undertaker, "start")
    own:tell(undertaker, actors.ActorExitRequest())
    local _, why
    repeat _, why = own:ask(undertaker, "x", scenario.patience) until why == "dead"
    own:tell(undertaker, "nobody hears of this")
    scenario.balance(own)
    local status = scenario.ask(own, own.adminAddress, actors.Thespian_StatusReq())
    check.equal(#status.deadLetterHandlers, 0)
    own:shutdown()
  end)

  check.test("a global name has one actor at a time, and no parent", function()
    local one = asys:createActor(Echo, nil, "the one")
    check.equal(scenario.ask(asys, one, "who").name, "the one")
    check.equal(asys:createActor(Echo, nil, "the one"), one)
    check.equal(asys:createActor("any.thing", nil, "the one"), one)
    local parent = asys:createActor(Parent)
    check.equal(scenario.ask(asys, parent, { create = "Echo", name = "the one" }), one)
    asys:tell(one, actors.ActorExitRequest())
    await_exit(one)
    local next_one = asys:createActor(Echo, nil, "the one")
    check.ok(next_one ~= one)
    check.equal(scenario.ask(asys, next_one, "here"), "here")
    local first = scenario.ask(asys, parent, { create = "Echo" })
    asys:tell(first, actors.ActorExitRequest())
    local gone = scenario.ask(asys, parent, { tell_when_gone = true })
    check.equal(#gone, 1) -- of the child, none of the named actor
    check.equal(gone[1].child, first)
  end)

  check.test("dead letters go to every handler, until it stops", function()
    local one, other = asys:createActor(Undertaker), asys:createActor(Undertaker)
    local dead = asys:createActor(Echo)
    asys:tell(dead, actors.ActorExitRequest())
    await_exit(dead)
    check.equal(scenario.ask(asys, one, "start"), "started")
    check.equal(scenario.ask(asys, other, "start"), "started")
    asys:tell(dead, { "lost" })
    for _, undertaker in ipairs { one, other } do
      local letters = scenario.ask(asys, undertaker, "letters")
      check.equal(#letters, 1)
      check.same(letters[1].message, { "lost" })
      check.equal(letters[1].address, dead)
    end
    check.equal(scenario.ask(asys, other, "stop"), "stopped")
    asys:tell(dead, "again")
    check.equal(scenario.ask(asys, one, "letters")[1].message, "again")
  end)

  check.test("messages to an actor that never started are dead letters", function()
    local undertaker = asys:createActor(Undertaker)
    scenario.ask(asys, undertaker, "start")
    local parent = asys:createActor(Parent)
    local child = scenario.ask(asys, parent, { create = "NoInit", first = "lost" })
    local letters = scenario.ask(asys, undertaker, "letters")
    check.equal(letters[1].message, "lost")
    check.equal(letters[1].address, child)
  end)

  check.test("an ask to a dead actor says so at once", function()
    local echo = asys:createActor(Echo)
    asys:tell(echo, actors.ActorExitRequest())
    await_exit(echo)
    local answer, why = asys:ask(echo, "hello")
    check.equal(answer, nil)
    check.equal(why, "dead")
  end)

  check.test("private endpoints do not get each other's answers", function()
    local echo = asys:createActor(Echo)
    local one <close> = asys:private()
    local other <close> = asys:private()
    one:tell(echo, "for one")
    other:tell(echo, "for other")
    asys:tell(echo, "for all")
    check.equal(other:listen(scenario.patience), "for other")
    check.equal(one:listen(scenario.patience), "for one")
    check.equal(asys:listen(scenario.patience), "for all")
    check.ok(one.endpointAddress ~= other.endpointAddress)
  end)

  check.test("after a shutdown every call says that the system is down", function()
    local short = scenario.system()
    local echo = short:createActor(Echo)
    short:shutdown()
    check.raises("ActorSystemFailure", short.tell, short, echo, 1)
    short:shutdown()
  end)

  asys:shutdown()
end

return { Echo = Echo, NoInit = NoInit, NoPlace = NoPlace, NoActor = NoActor, Curious = Curious,
  Parent = Parent, Laggard = Laggard, Quiet = Quiet, Counter = Counter, Mourner = Mourner, Undying = Undying, Undertaker = Undertaker }
