-- only_remote_sources: where an actor is to live whose code is not there, the code is fetched from the
-- system that asks, as far as the capability AllowRemoteActorSources of the one that would run it lets it.

local actors = require "thespian.actors"

-- Is in no bundle but this program's.
local Here = actors.class("Here", actors.Actor)
function Here.actorSystemCapabilityCheck(capabilities, requirements)
  return requirements == nil or capabilities.Colour == requirements.Colour
end
function Here:init(capabilities) self.colour = capabilities.Colour end
function Here:receiveMessage(message, sender)
  if message == "colour" then self:send(sender, self.colour) end
end

if not actors.main(...) then return { Here = Here } end

local check <close> = require "lib_check"
local convention = require "lib_convention"

local function colour(from, address)
  local answer, why = from.asys:ask(address, "colour", convention.patience)
  return answer or why
end

local function sh(command, ...)
  local pipe <close> = assert(io.popen(command:format(...)))
  return (pipe:read("a"):gsub("\n$", ""))
end

-- Versions of one module, by what they say: the paths of their bundles.
local folder = sh "mktemp -d"
local clean <close> = setmetatable({}, { __close = function() sh("rm -r %s", folder) end })
local function bundle(words)
  local file <close> = assert(io.open(folder .. "/says.lua", "w"))
  file:write(([[
local actors = require "thespian.actors"
local Says = actors.class("Says", actors.Actor)
function Says.actorSystemCapabilityCheck(capabilities, requirements)
  return capabilities.Colour == requirements.Colour
end
function Says:receiveMessage(message, sender) self:send(sender, %q) end
return { Says = Says }
]]):format(words))
  file:close()
  sh("cd %s && zip -q %s.zip says.lua", folder, words)
  return ("%s/%s.zip"):format(folder, words)
end
local bundles = { first = bundle "first", second = bundle "second" }

local function refused(from, class, to, ...)
  local made, raised = pcall(from.asys.createActor, from.asys, class, { Colour = to.colour }, ...)
  check.equal(made, false)
  check.equal(actors.typename(raised), "NoCompatibleSystemForActor")
  local words = "capability AllowRemoteActorSources"
  check.ok(tostring(raised):find(words, 1, true), tostring(raised))
end

for _, base in ipairs { "multiprocTCPBase", "multiprocUDPBase" } do
  local red = convention.system(base, "red")
  convention.watch(red)
  local members = {}
  for who, allowed in pairs { open = "Yes", closed = "No", loyal = "LeaderOnly" } do
    members[who] = convention.system(base, who, red.place, { AllowRemoteActorSources = allowed })
    convention.joins(red, members[who])
  end
  local open, closed, loyal = members.open, members.closed, members.loyal

  check.test(base .. ": a program's own class lives elsewhere", function()
    refused(open, Here, loyal)
    refused(open, Here, closed)
    for _, from in ipairs { open, red } do
      check.equal(colour(from, from.asys:createActor(Here, { Colour = "open" })), "open")
    end
    refused(red, Here, closed)
    check.equal(colour(red, red.asys:createActor(Here, { Colour = "loyal" })), "loyal")
    -- It is there now, whoever asks.
    check.equal(colour(open, open.asys:createActor(Here, { Colour = "loyal" })), "loyal")
  end)

  check.test(base .. ": a bundle goes where its actor goes, in many versions", function()
    local function says(from, hash, to)
      local there = from.asys:createActor("says.Says", { Colour = to.colour }, nil, hash)
      return (from.asys:ask(there, "what", convention.patience))
    end
    local first = red.asys:loadActorSource(bundles.first)
    local second = red.asys:loadActorSource(bundles.second)
    for _ = 1, 2 do
      check.equal(says(red, first, open), "first")
      check.equal(says(red, second, open), "second")
    end
    refused(red, "says.Says", closed, nil, first)
    check.equal(closed.asys:loadActorSource(bundles.first), first)
    check.equal(says(red, first, closed), "first")
    red.asys:unloadActorSource(first)
    check.equal(says(red, second, open), "second")
    local made, raised = pcall(says, red, first, open)
    check.equal(made, false)
    check.equal(actors.typename(raised), "InvalidActorSourceHash")
  end)

  for _, system in pairs(members) do system.asys:shutdown() end
  red.asys:shutdown()
end
