-- hostile: what actors do by accident that must not harm others. Each script of the folder hostile/
-- runs in an actor of its own beside a healthy one: the system survives, the healthy one goes on
-- answering, and the script's fate reaches its sender, as the first line of the script says:
--   --> TEXT      it comes back as poison whose details contain TEXT; "ONE | OTHER": one of them
--   --> answered  it returns, which the actor tells
--   --> gone      the actor ends, which its parent is told
--   --> .         it comes back as poison, whatever that says
-- Where the actor lives it answers afterwards, with the same state or a new one.

local actors = require "thespian.actors"

-- Runs the text of a message.
local Culprit = actors.class("Culprit", actors.Actor)

function Culprit:receiveMessage(message, sender)
  if type(message) ~= "table" or not message.script then return end
  assert(load(message.script, "@" .. message.name))(self, sender, actors)
  self:send(sender, { answered = message.name })
end

-- Tells whoever asks.
local Healthy = actors.class("Healthy", actors.Actor)

function Healthy:receiveMessage(message, sender)
  if message == "well?" then self:send(sender, { well = true }) end
end

-- Never gets to be an actor.
local Stillborn = actors.class("Stillborn", actors.Actor)

function Stillborn:init() while true do end end

-- Has a Culprit; tells the asker what comes of it.
local Parent = actors.class("Parent", actors.Actor)

function Parent:receiveMessage(message, sender)
  if type(message) == "table" and message.make then
    self.asker = sender
    self.child = self:createActor(message.make == "stillborn" and Stillborn or
      message.make == "parent" and Parent or Culprit)
    self:send(sender, { child = self.child })
  elseif actors.isinstance(message, actors.ChildActorExited) then
    self:send(self.asker, { gone = message.childAddress == self.child, reason = message.reason })
  end
end

if actors.main(...) then
  local scenario = require "lib_scenario"
  local check <close> = require "lib_check"

  local sanitized = os.getenv "TH_SANITIZED" ~= nil
  local folder = arg[0]:gsub("%.lua$", "")
  local limits = { ["Message Time Limit"] = sanitized and 0.5 or 0.25,
    ["Actor Memory Limit"] = 16 << 20, ["Exit Time Limit"] = 0.2 }

  local function scripts()
    local list = assert(io.popen(("ls '%s'"):format(folder)))
    local names = {}
    for file in list:lines() do names[#names + 1] = file:match("^(.*)%.lua$") end
    list:close()
    return names
  end

  local function read(name)
    local file <close> = assert(io.open(("%s/%s.lua"):format(folder, name)))
    local text = file:read("a")
    return text, assert(text:match("^%-%-> ([^\n]*)"), name)
  end

  -- What the healthy actor and whoever else says, until both a word of it and one other came.
  local function listen_beside(asys, healthy, wanted)
    asys:tell(healthy, "well?")
    local well, other
    repeat
      local message = scenario.listen(asys)
      if type(message) == "table" and message.well then well = true
      elseif wanted(message) then other = message end
    until well and other
    return other
  end

  local function is_fate(message)
    return actors.isinstance(message, actors.PoisonMessage) or type(message) == "table" and
      (message.answered or message.gone ~= nil)
  end

  local function fate_of(message)
    if actors.isinstance(message, actors.PoisonMessage) then return message.details end
    return message.answered and "answered" or "gone"
  end

  -- What ends a script may depend on how fast the machine is: "one | other".
  local function is_one_of(fate, expected)
    for one in (expected .. " | "):gmatch("(.-) | ") do
      if fate == one or #fate > 8 and fate:find(one, 1, one ~= ".") then return true end
    end
    return false
  end

  local asys = scenario.system(limits)
  local healthy = asys:createActor(Healthy)

  -- Where only the memory is limited: on a slow machine time could come to its end first.
  local timeless = scenario.system { ["Actor Memory Limit"] = limits["Actor Memory Limit"] }
  local untroubled = timeless:createActor(Healthy)
  local unhurried = { memory = true, source = true, deep = true, message = true, error_huge = true }

  local names = scripts()
  check.ok(#names > 40, "no scripts in " .. folder)
  for _, name in ipairs(names) do
    check.test(name, function()
      local text, expected = read(name)
      local asys, healthy = asys, healthy
      if unhurried[name] or unhurried[name:match "^[^_]+"] then
        asys, healthy = timeless, untroubled
      end
      local culprit = scenario.ask(asys, asys:createActor(Parent), { make = "culprit" }).child
      asys:tell(culprit, { script = text, name = name })
      local message = listen_beside(asys, healthy, is_fate)
      if expected == "gone" and message.answered then
        message = listen_beside(asys, healthy, is_fate)
      end
      local fate = fate_of(message)
      check.ok(is_one_of(fate, expected), fate:sub(1, 2000))
      check.ok(#fate < 100000, "details of " .. #fate .. " bytes")
      if expected == "gone" then return end
      asys:tell(culprit, { script = "", name = "afterwards" })
      check.equal(listen_beside(asys, healthy, is_fate).answered, "afterwards")
    end)
  end

  check.test("an actor that never starts is reported", function()
    local raised = select(2, pcall(asys.createActor, asys, Stillborn))
    check.contains(tostring(raised), "time limit")
    local parent = asys:createActor(Parent)
    asys:tell(parent, { make = "stillborn" })
    local message = listen_beside(asys, healthy, is_fate)
    check.equal(message.gone, true)
    check.contains(message.reason, "failed to start")
    check.contains(message.reason, "time limit")
  end)

  asys:shutdown()
  timeless:shutdown()

  -- The simple base gives turns until nothing is left to do, so there only a time limit helps.
  if scenario.base == "simpleSystemBase" then return end

  check.test("without a time limit, an exit and a shutdown end what does not end", function()
    local other = scenario.system { ["Exit Time Limit"] = 0.2 }
    local calm = other:createActor(Healthy)
    local grandparent = other:createActor(Parent)
    local parent = scenario.ask(other, grandparent, { make = "parent" }).child
    local acts = { "while true do end", "while true do pcall(function() while true do end end) end",
      "while true do pcall(string.gsub, 'x', 'x', function() while true do end end) end" }
    for _, act in ipairs(acts) do
      local child = scenario.ask(other, parent, { make = "culprit" }).child
      other:tell(child, { script = act, name = "act" })
      check.same(scenario.ask(other, calm, "well?"), { well = true })
    end
    other:tell(parent, actors.ActorExitRequest())
    local function is_end(message) return type(message) == "table" and message.gone end
    check.equal(listen_beside(other, calm, is_end).gone, true)
    other:tell(other:createActor(Culprit), { script = "while true do end", name = "act" })
    listen_beside(other, calm, function() return true end) -- the poison of the others
    other:shutdown()
  end)
end

return { Culprit = Culprit, Healthy = Healthy, Stillborn = Stillborn, Parent = Parent }
