-- dispatch: messages go to the method for their type.

local actors = require "thespian.actors"

local BaseMsg = actors.class "BaseMsg"
local ShortMsg = actors.class("ShortMsg", BaseMsg)
function ShortMsg:init(report) self.report = report or "" end
local LongMsg = actors.class("LongMsg", BaseMsg)

local Typer = actors.class("Typer", actors.ActorTypeDispatcher)
function Typer:receiveMsg_string(_, sender) self:send(sender, "Got a string") end
function Typer:receiveMsg_integer(_, sender) self:send(sender, "Got an integer") end
function Typer:receiveMsg_LongMsg(_, sender) self:send(sender, "Got a long message") end
function Typer:receiveMsg_BaseMsg(_, sender) self:send(sender, "Got a message") end

local Subtyper = actors.class("Subtyper", Typer)
function Subtyper:receiveMsg_ShortMsg(_, sender) self:send(sender, "Got a short message") end

local Subtyper2 = actors.class("Subtyper2", Subtyper)
function Subtyper2:receiveUnrecognizedMessage(message, sender)
  self:send(sender, "Did not recognize " .. actors.typename(message))
end

-- The way that does not work: the base has no handler for this very type.
local Subtyper3 = actors.class("Subtyper3", Typer)
function Subtyper3:receiveMsg_ShortMsg(message, sender)
  if not message.report:find "private" then
    return self:send(sender, "Got a public short message")
  end
  Subtyper3.super.receiveMsg_ShortMsg(self, message, sender)
end

local Subtyper4 = actors.class("Subtyper4", Typer)
function Subtyper4:receiveMsg_ShortMsg(message, sender)
  if message.report:find "private" then return self.SUPER end
  self:send(sender, "Got a public short message")
end

-- Says which handlers a message went through.
local Chain = actors.class("Chain", actors.ActorTypeDispatcher)
function Chain:note(what) self.path = (self.path or "") .. what .. " " end
function Chain:answer(sender)
  self:send(sender, self.path)
  self.path = nil
end
for _, name in ipairs {
  "string", "boolean", "integer", "float", "number", "ActorAddress", "table", "nil", "ShortMsg",
  "BaseMsg",
} do
  Chain["receiveMsg_" .. name] = function(self)
    self:note(name)
    return self.SUPER
  end
end
function Chain:receiveUnrecognizedMessage(_, sender) self:answer(sender) end

local Subchain = actors.class("Subchain", Chain)
function Subchain:receiveMsg_string()
  self:note "substring"
  return self.SUPER
end
function Subchain:receiveMsg_number(_, sender)
  self:note "subnumber"
  self:answer(sender)
end

-- Handles system messages by their names, and tells its witness.
local Boss = actors.class("Boss", actors.ActorTypeDispatcher)
local Child = actors.class("Child", actors.ActorTypeDispatcher)
function Child:receiveMsg_string() error "on purpose" end

function Boss:receiveMsg_string(message, sender)
  self.witness = sender
  if message == "wake" then self:wakeupAfter(0, "payload") end
  if message == "poison" then self:send(self:createActor(Child), "bad") end
  if message == "child" then self:send(self:createActor(Child), actors.ActorExitRequest()) end
end
function Boss:receiveMsg_WakeupMessage(message) self:send(self.witness, message.payload) end
function Boss:receiveMsg_PoisonMessage(message) self:send(self.witness, message.poisonMessage) end
function Boss:receiveMsg_ChildActorExited(message) self:send(self.witness, message.reason) end
function Boss:receiveMsg_ActorExitRequest()
  self:send(self.witness, "exits")
  return self.SUPER
end
function Boss:receiveMsg_ActorSystemMessage(message)
  self:send(self.witness, "system message " .. actors.typename(message))
end

-- Knows classes by their names only.
local Blind = actors.class("Blind", actors.ActorTypeDispatcher)
function Blind:receiveMsg_Secret(message, sender)
  if message.open then return self:send(sender, "I can load it") end
  if message.n > 7 then return self.SUPER end
  self:send(sender, message)
end
function Blind:receiveMsg_SecretBase(message, sender)
  self:send(sender, { name = actors.typename(message), [message] = message })
end

if actors.main(...) then
  local scenario = require "lib_scenario"
  local check <close> = require "lib_check"
  local asys = scenario.system()

  --- Checks the answers to messages, in pairs.
  local function answers(Class, ...)
    local address = asys:createActor(Class)
    local list = table.pack(...)
    for number = 1, list.n, 2 do
      check.equal(scenario.ask(asys, address, list[number]), list[number + 1])
    end
  end

  check.test("a handler is found by the type, or by a base of the type", function()
    answers(Typer, 1, "Got an integer", "1", "Got a string", LongMsg(), "Got a long message",
      ShortMsg(), "Got a message")
  end)

  check.test("derived dispatchers inherit handlers", function()
    answers(Subtyper, ShortMsg(), "Got a short message", LongMsg(), "Got a long message",
      BaseMsg(), "Got a message", "x", "Got a string")
  end)

  check.test("what has no handler goes to receiveUnrecognizedMessage", function()
    answers(Subtyper2, ShortMsg(), "Got a short message", 1, "Got an integer",
      1.0, "Did not recognize float", {}, "Did not recognize table",
      actors.WakeupMessage(), "Did not recognize WakeupMessage")
  end)

  check.test("without receiveUnrecognizedMessage it is ignored", function()
    local typer = asys:createActor(Typer)
    asys:tell(typer, 1.5)
    asys:tell(typer, { 1 })
    check.equal(scenario.ask(asys, typer, "and now"), "Got a string")
  end)

  check.test("a base that lacks the very handler cannot be called", function()
    local subtyper = asys:createActor(Subtyper3)
    check.equal(scenario.ask(asys, subtyper, ShortMsg "This is public"),
      "Got a public short message")
    local poison = scenario.ask(asys, subtyper, ShortMsg "This is private")
    check.ok(actors.isinstance(poison, actors.PoisonMessage))
    check.equal(poison.poisonMessage.report, "This is private")
    check.contains(poison.details, "receiveMsg_ShortMsg")
  end)

  check.test("SUPER passes a message on", function()
    answers(Subtyper4, ShortMsg "This is public", "Got a public short message",
      ShortMsg "This is private", "Got a message")
  end)

  check.test("each type has its chain, and each handler is called once", function()
    answers(Chain, "x", "string ", true, "boolean ", 1, "integer number ", 1.5, "float number ",
      asys.adminAddress, "ActorAddress ", { 1 }, "table ", nil, "nil ",
      ShortMsg(), "ShortMsg BaseMsg ", LongMsg(), "BaseMsg ")
  end)

  check.test("SUPER leads to the overridden handler before the next type", function()
    answers(Subchain, "x", "substring string ", 1, "integer subnumber ", 2.5, "float subnumber ")
  end)

  check.test("system messages are dispatched, too", function()
    local boss = asys:createActor(Boss)
    check.equal(scenario.ask(asys, boss, "wake"), "payload")
    check.equal(scenario.ask(asys, boss, "poison"), "bad")
    check.equal(scenario.ask(asys, boss, "child"), "exit")
    asys:tell(boss, actors.LoadedSource { sourceHash = "a", sourceInfo = "b" })
    check.equal(scenario.listen(asys), "system message LoadedSource")
    asys:tell(boss, actors.ActorExitRequest())
    check.equal(scenario.listen(asys), "exits")
    check.equal(scenario.listen(asys), "system message ActorExitRequest")
    check.equal(scenario.listen(asys), "exit") -- of the first child, which was poisoned
  end)

  check.test("a class that the receiver cannot load is dispatched by its names", function()
    -- Of no file, so no other state can load it.
    package.loaded.secrets = assert(load([[
      local actors = require "thespian.actors"
      local SecretBase = actors.class "SecretBase"
      local Secret = actors.class("Secret", SecretBase)
      function Secret:init(n) self.n = n end
      function Secret:open() return "opened " .. self.n end
      function Secret.__eq(one, other) return one.n == other.n end
      return { Secret = Secret, SecretBase = SecretBase }
    ]], "=secrets"))()
    local Secret = require("secrets").Secret
    local blind = asys:createActor(Blind)
    local back = scenario.ask(asys, blind, Secret(7))
    check.ok(actors.isinstance(back, Secret))
    check.equal(back:open(), "opened 7")
    check.equal(back, Secret(7))
    local nested = scenario.ask(asys, blind, Secret(8))
    check.equal(nested.name, "Secret")
    nested.name = nil
    local key, value = next(nested)
    check.ok(rawequal(key, value))
    check.equal(key:open(), "opened 8")
  end)

  asys:shutdown()
end

return { BaseMsg = BaseMsg, ShortMsg = ShortMsg, LongMsg = LongMsg, Typer = Typer,
  Subtyper = Subtyper, Subtyper2 = Subtyper2, Subtyper3 = Subtyper3, Subtyper4 = Subtyper4,
  Chain = Chain, Subchain = Subchain, Boss = Boss, Child = Child, Blind = Blind }
