-- decorators: what they make of a class holds for its actors on every base.

local actors = require "thespian.actors"

local Echo = actors.class("Echo", actors.Actor)
function Echo:receiveMessage(message, sender)
  if type(message) == "string" then self:send(sender, message) end
end

-- ---- requireCapability --------------------------------------------------------------------------

local Lamp = actors.class("Lamp", Echo)
function Lamp.actorSystemCapabilityCheck(capabilities, requirements)
  return capabilities["Color"] == "Yellow" or requirements ~= nil and requirements.anyColor
end
Lamp = actors.requireCapability "Has Lightbulb"(actors.requireCapability "Lit"(Lamp))

local Reader = actors.requireCapability("Has Lightbulb", 5)(actors.class("Reader", Echo))
local Heir = actors.class("Heir", Reader)

-- Its own check is assigned after it was decorated.
local Late = actors.requireCapability "Lit"(actors.class("Late", Echo))
function Late.actorSystemCapabilityCheck(capabilities) return capabilities["Color"] ~= nil end

-- ---- transient and transient_idle ---------------------------------------------------------------

local Brief = actors.transient(0)(actors.class("Brief", Echo))
local Lazy = actors.transient_idle { milliseconds = 20 }(actors.class("Lazy", Echo))
local Lasting = actors.transient_idle { hours = 1 }(actors.transient { hours = 2 }(
  actors.class("Lasting", actors.Actor)))

-- Sees its own wakeups, and none of those that decorators ask for.
function Lasting:receiveMessage(message, sender)
  if message == "wake" then
    self.asker = sender
    self:wakeupAfter(0, "mine")
  elseif actors.isinstance(message, actors.WakeupMessage) then
    self:send(self.asker, message.payload)
  end
end

local Undertaker = actors.class("Undertaker", actors.ActorTypeDispatcher)
function Undertaker:receiveMsg_string(_, sender)
  self.asker = sender
  self:handleDeadLetters()
  self:send(sender, "started")
end
function Undertaker:receiveMsg_DeadEnvelope(message)
  self:send(self.asker, { message.deadMessage })
end

-- Has children of these classes, and tells which are gone.
local Parent = actors.class("Parent", actors.Actor)

function Parent:init() self.names = {} end

function Parent:receiveMessage(message, sender)
  if type(message) == "string" then
    self.witness = sender
    local child = self:createActor(message)
    self.names[child] = message
    self:send(sender, child)
  elseif actors.isinstance(message, actors.ChildActorExited) then
    self:send(self.witness, self.names[message.childAddress] .. " " .. message.reason)
  end
end

-- ---- initializing_messages ----------------------------------------------------------------------

local Config = actors.class "Config"
function Config:init(name) self.name = name end
local Special = actors.class("Special", Config)

local Server = actors.class("Server", actors.Actor)

function Server:init() self.log = {} end

function Server:receiveMessage(message, sender)
  if message == "bad" then error "bad on purpose" end
  if message == "log" then
    self:send(sender, { log = self.log, config = self.config, from = self.config_sender,
      count = self.count })
  elseif actors.isinstance(message, actors.LoadedSource) then
    self:send(sender, "ready: " .. tostring(self.done or false))
  elseif type(message) ~= "table" or actors.isinstance(message, Config) then
    local what = type(message) == "table" and message.name or message
    table.insert(self.log, actors.typename(message) .. " " .. tostring(what))
  end
end

function Server:finish() self.done = self.config.name .. " " .. self.count end

local LIST = { { "config", Config, true }, { "count", "number" } }
local Waiting = actors.initializing_messages(LIST, "finish")(actors.class("Waiting", Server))
local Passing = actors.initializing_messages(LIST, Server.finish, true)(
  actors.class("Passing", Server))
local Both = actors.transient { hours = 1 }(
  actors.initializing_messages({ { "count", "integer" } })(actors.class("Both", Server)))

-- ---- nested -------------------------------------------------------------------------------------

-- Members are transient; the troupe is not.
local Crew = actors.requireCapability "Has Lightbulb"(
  actors.troupe { max_count = 2 }(actors.transient(0)(actors.class("Crew", actors.Actor))))
function Crew:receiveMessage(_, sender) self:send(sender, self.myAddress) end
function Crew:__tostring() return "crew" end

-- The troupe is transient, with its members.
local Gang = actors.transient(0)(actors.troupe { max_count = 2 }(
  actors.class("Gang", actors.Actor)))

if actors.main(...) then
  local scenario = require "lib_scenario"
  local check <close> = require "lib_check"
  local asys = scenario.system { ["Has Lightbulb"] = 5, ["Lit"] = true, ["Color"] = "Yellow" }
  local simple = scenario.base == "simpleSystemBase"

  check.test("required capabilities all hold, with the class's own check", function()
    for _, Class in ipairs { Lamp, Reader, Heir, Late } do
      check.equal(scenario.ask(asys, asys:createActor(Class), "hello"), "hello")
    end
    if simple then return end
    local function refused(capabilities, Class, part, requirements)
      local dark = scenario.system(capabilities)
      local raised = check.raises(part, dark.createActor, dark, Class, requirements)
      check.equal(actors.typename(raised), "NoCompatibleSystemForActor")
      dark:shutdown()
    end
    refused({ Lit = true, Color = "Yellow" }, Lamp, 'it requires the capability "Has Lightbulb"')
    refused({ ["Has Lightbulb"] = 1, Color = "Yellow" }, Lamp, 'it requires the capability "Lit"')
    refused({ ["Has Lightbulb"] = 1, Lit = true }, Lamp, "Lamp.actorSystemCapabilityCheck says no")
    refused({ ["Has Lightbulb"] = 4 }, Heir, 'the capability "Has Lightbulb" to be 5, and it is 4')
    refused({ Color = "Red" }, Late, 'it requires the capability "Lit"')
    refused({ Lit = true }, Late, "Late.actorSystemCapabilityCheck says no")
    local other = scenario.system { ["Has Lightbulb"] = 1, Lit = 1 }
    check.ok(other:createActor(Lamp, { anyColor = true }))
    other:shutdown()
  end)

  check.test("a transient actor exits after its first message, and not before", function()
    local parent = asys:createActor(Parent)
    scenario.ask(asys, parent, "decorators.Brief") -- gets no message
    local brief = scenario.ask(asys, parent, "decorators.Brief")
    check.equal(scenario.ask(asys, brief, "hello"), "hello")
    check.equal(scenario.listen(asys), "decorators.Brief exit")
    local lazy = scenario.ask(asys, parent, "decorators.Lazy")
    check.equal(scenario.ask(asys, lazy, "hello"), "hello")
    check.equal(scenario.listen(asys), "decorators.Lazy exit") -- the first Brief is still there
  end)

  check.test("decorators keep their own wakeups to themselves", function()
    local lasting = asys:createActor(Lasting)
    for _ = 1, 3 do check.equal(scenario.ask(asys, lasting, "wake"), "mine") end
  end)

  check.test("messages wait until the initializing ones have come", function()
    local waiting = asys:createActor(Waiting)
    asys:tell(waiting, "first")
    asys:tell(waiting, 1)
    asys:tell(waiting, "second")
    asys:tell(waiting, 2.5) -- of several of a type the last
    asys:tell(waiting, actors.LoadedSource { sourceHash = "", sourceInfo = "" })
    check.equal(scenario.listen(asys), "ready: false")
    asys:tell(waiting, "bad")
    asys:tell(waiting, Special "it")
    asys:tell(waiting, 3)
    local poison = scenario.listen(asys)
    check.ok(actors.isinstance(poison, actors.PoisonMessage))
    check.equal(poison.poisonMessage, "bad")
    check.contains(poison.details, "bad on purpose")
    local seen = scenario.ask(asys, waiting, "log")
    check.same(seen.log, { "string first", "string second", "integer 3" })
    check.equal(seen.config.name, "it")
    check.equal(seen.from, asys.endpointAddress)
    check.equal(seen.count, 2.5)
    asys:tell(waiting, actors.LoadedSource { sourceHash = "", sourceInfo = "" })
    check.equal(scenario.listen(asys), "ready: it 2.5")
  end)

  check.test("initializing messages are passed on in their places when that is wanted", function()
    local passing = asys:createActor(Passing)
    for _, message in ipairs { "first", 1, "second", Config "it", "third" } do
      asys:tell(passing, message)
    end
    check.same(scenario.ask(asys, passing, "log").log,
      { "string first", "integer 1", "string second", "Config it", "string third" })
  end)

  check.test("what waits for an actor that exits is dead", function()
    local undertaker = asys:createActor(Undertaker)
    check.equal(scenario.ask(asys, undertaker, "start"), "started")
    local waiting = asys:createActor(Waiting)
    asys:tell(waiting, "never handled")
    asys:tell(waiting, actors.ActorExitRequest())
    check.same(scenario.listen(asys), { "never handled" })
    asys:tell(undertaker, actors.ActorExitRequest())
  end)

  check.test("transient and initializing_messages nest", function()
    local both = asys:createActor(Both)
    asys:tell(both, "first")
    asys:tell(both, 8)
    local seen = scenario.ask(asys, both, "log")
    check.equal(seen.count, 8)
    check.same(seen.log, { "string first" })
  end)

  check.test("decorators inside troupe are for the members", function()
    local crew = asys:createActor(Crew)
    local members = {}
    repeat members[scenario.ask(asys, crew, "who")] = true until next(members, (next(members)))
    check.ok(not members[crew])
  end)

  check.test("decorators around troupe are for the troupe as a whole", function()
    local parent = asys:createActor(Parent)
    local gang = scenario.ask(asys, parent, "decorators.Gang")
    asys:tell(gang, "work")
    check.equal(scenario.listen(asys), "decorators.Gang exit")
  end)

  asys:shutdown()
end

return { Echo = Echo, Lamp = Lamp, Reader = Reader, Heir = Heir, Late = Late, Brief = Brief,
  Lazy = Lazy, Lasting = Lasting, Undertaker = Undertaker, Parent = Parent, Config = Config, Special = Special,
  Waiting = Waiting, Passing = Passing, Both = Both, Crew = Crew, Gang = Gang }
