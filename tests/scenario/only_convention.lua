-- only_convention: systems that join, actors that land where they fit, and what is told of those that
-- leave and die. Run for each of the two bases that reach other systems.

local actors = require "thespian.actors"

local patience = 60

local Echo = actors.class("Echo", actors.Actor)
function Echo:receiveMessage(message, sender)
  if message == "who" then
    self:send(sender, self.myAddress)
  elseif not actors.isinstance(message, actors.ActorSystemMessage) then
    self:send(sender, message)
  end
end

-- Lives only where a capability is what it is asked for.
local Picky = actors.class("Picky", Echo)
function Picky.actorSystemCapabilityCheck(capabilities, requirements)
  return capabilities["Colour"] == requirements.colour
end
function Picky:init(capabilities) self.colour = capabilities["Colour"] end
function Picky:receiveMessage(message, sender)
  if message == "colour" then
    self:send(sender, self.colour)
  elseif message == "burst" then
    for i = 1, 1000 do self:send(sender, i) end
  else
    Echo.receiveMessage(self, message, sender)
  end
end

-- Needs a capability, so that systems without it are not even tried: they do not get its source.
local Needy = actors.requireCapability("Colour", "blue")(actors.class("Needy", Echo))

-- Makes what it is told to, and hears of its end.
local Parent = actors.class("Parent", actors.Actor)
function Parent:receiveMessage(message, sender)
  if actors.isinstance(message, actors.ChildActorExited) then
    self.gone = self.gone or {}
    table.insert(self.gone, { child = message.childAddress, reason = message.reason })
    if self.asker then self:send(self.asker, self.gone) end
  elseif type(message) == "table" and message.colour then
    local child = self:createActor(Picky, { colour = message.colour }, message.name)
    self.sender = sender
    for i = 1, message.count or 0 do self:send(child, i) end
    self:send(sender, child)
  elseif message == "gone" then
    self.asker = sender
    if self.gone then self:send(sender, self.gone) end
  elseif type(message) == "number" then
    self:send(self.sender, { number = message, from = sender })
  elseif type(message) == "table" and message.exit then
    self:send(message.exit, actors.ActorExitRequest())
  end
end

-- Hears of systems.
local Watcher = actors.class("Watcher", actors.Actor)
function Watcher:receiveMessage(message, sender)
  if message == "watch" then
    self.asker = sender
    self:notifyOnSystemRegistrationChanges()
  elseif actors.isinstance(message, actors.ActorSystemConventionUpdate) then
    self:send(self.asker, { added = message.remoteAdded, colour = message.remoteCapabilities.Colour,
      admin = message.remoteAdminAddress })
  end
end

local classes = { Echo = Echo, Picky = Picky, Needy = Needy, Parent = Parent, Watcher = Watcher }
if not actors.main(...) then return classes end

local check <close> = require "lib_check"

local function system(base, colour, leader, more)
  local capabilities = { ["Admin Port"] = 0, Colour = colour, ["Convention Check-in Period"] = 1,
    ["Convention Address.IPv4"] = leader and ("127.0.0.1:" .. leader.adminPort) or nil }
  for name, value in pairs(more or {}) do capabilities[name] = value end
  return actors.ActorSystem(base, capabilities, false, true)
end

local function ask(asys, address, message)
  local answer, why = asys:ask(address, message, patience)
  if why then error("no answer: " .. why, 2) end
  return answer
end

local function heard(asys)
  local message, why = asys:listen(patience)
  if why then error("no message: " .. why, 2) end
  return message
end

for _, base in ipairs { "multiprocTCPBase", "multiprocUDPBase" } do
  local leader = system(base, "red")
  local watcher = leader:createActor(Watcher)
  leader:tell(watcher, "watch")
  local green = system(base, "green", leader)
  local update = heard(leader)
  check.equal(update.added, true)
  check.equal(update.colour, "green")
  check.equal(update.admin, green.adminAddress)
  local blue = system(base, "blue", leader)
  check.equal(heard(leader).colour, "blue")

  local needy = green:createActor(Needy)
  check.equal(ask(green, needy, "who"), needy)
  local function sources(asys) return #ask(asys, asys.adminAddress, actors.Thespian_StatusReq()).sources end
  check.equal(sources(leader), 1, "its program's; the actor was never tried here")
  check.equal(sources(blue), 1, "it came with the actor")

  -- From a program: the actor lands where its requirement says, wherever it is asked for.
  for _, asys in ipairs { leader, green, blue } do
    for _, colour in ipairs { "red", "green", "blue" } do
      local picky = asys:createActor(Picky, { colour = colour })
      check.equal(ask(asys, picky, "colour"), colour, base .. ": the actor is where it fits")
      check.equal(ask(asys, picky, "who"), picky, "and is called what its creator calls it")
      check.equal(ask(asys, picky, "hello"), "hello")
    end
  end
  local made, raised = pcall(green.createActor, green, Picky, { colour = "mauve" })
  check.equal(made, false)
  check.equal(actors.typename(raised), "NoCompatibleSystemForActor")

  -- From an actor: the address is valid at once, and the order is kept.
  local parent = green:createActor(Parent)
  local child = ask(green, parent, { colour = "blue", count = 100 })
  for i = 1, 100 do
    local answer = heard(green)
    check.equal(answer.number, i)
    check.equal(answer.from, child)
  end
  -- Others may use it too; it hears of its exit once.
  green:tell(parent, { exit = child })
  local gone = ask(green, parent, "gone")
  check.equal(#gone, 1)
  check.equal(gone[1].child, child)
  check.equal(gone[1].reason, "exit")
  local _, why = green:ask(child, "still there?", patience)
  check.equal(why, "dead")

  -- One with a global name is one on its system.
  local first = ask(green, parent, { colour = "blue", name = "the blue one" })
  check.equal(ask(green, first, "colour"), "blue")
  local second = blue:createActor(Picky, { colour = "blue" }, "the blue one")
  check.equal(ask(blue, second, "colour"), "blue")

  -- A system that leaves: its actors' parents elsewhere are told.
  local lost = ask(green, parent, { colour = "blue" })
  check.equal(ask(green, lost, "colour"), "blue")
  blue:shutdown()
  update = heard(leader)
  check.equal(update.added, false)
  check.equal(update.colour, "blue")
  green:shutdown()
  check.equal(heard(leader).added, false)
  leader:shutdown()
end
