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
local Puppet = require "lib_puppet"
local run, ends = convention.run, convention.ends

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

-- One that is fetched in many parts.
local function large(words)
  local path = bundle(words)
  sh("cd %s && head -c 3000000 /dev/urandom >ballast && zip -q %s ballast", folder, path)
  return path
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function count(text, words)
  local found = 0
  for _ in text:gmatch((words:gsub("%p", "%%%0"))) do found = found + 1 end
  return found
end

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

  check.test(base .. ": one fetch, in parts, for many actors; it is unloaded where it came from", function()
    local log = ("%s/%s.log"):format(folder, base)
    local blue = convention.system(base, "blue", red.place, {}, { file = log, level = "info" })
    convention.joins(red, blue)
    blue.puppet = blue.asys:createActor(Puppet)
    run(blue, blue.puppet, "self:notifyOnSourceAvailability()")
    red.puppet = red.asys:createActor(Puppet)
    local hash = red.asys:loadActorSource(large("large" .. base))
    run(red, red.puppet, [[
      for i = 1, 20 do
        self:send(self:createActor("says.Says", { Colour = "blue" }, nil, a), i)
      end]], hash)
    local function is_that(heard) return heard.sourceHash == hash end
    for _ = 1, 20 do
      convention.listen(red, "the new actors", function(message)
        return message.heard == "large" .. base
      end)
    end
    convention.hear(blue, actors.LoadedSource, is_that)
    local lines = read(log)
    check.equal(count(lines, "fetching source " .. hash .. " ("), 1)
    check.equal(count(lines, "fetched source " .. hash), 1)
    for _, part in ipairs { 25, 50, 75 } do
      check.equal(count(lines, ("fetching source %s: %d %% are here"):format(hash, part)), 1)
    end
    red.asys:unloadActorSource(hash)
    convention.hear(blue, actors.UnloadedSource, is_that)
    -- What was loaded there by name stays.
    check.equal(blue.asys:loadActorSource(bundles.second), red.asys:loadActorSource(bundles.second))
    red.asys:unloadActorSource(red.asys:loadActorSource(bundles.second))
    local own <close> = blue.asys:private()
    local there = blue.asys:createActor("says.Says", { Colour = "blue" }, nil,
      blue.asys:loadActorSource(bundles.second))
    check.equal(own:ask(there, "what", convention.patience), "second")
    blue.asys:shutdown()
    convention.leaves(red, blue)
  end)

  check.test(base .. ": what others have approved is judged again", function()
    local gate = [[
      self.verdict = a
      self:registerSourceAuthority()
      local receive = getmetatable(self).__index.receiveMessage
      function self:receiveMessage(message, sender)
        if not actors.isinstance(message, actors.ValidateSource) then
          return receive(self, message, sender)
        end
        local data = message.sourceData
        if self.verdict == "unseal" and data:sub(1, 2) ~= "PK" then data = data:reverse() end
        if self.verdict ~= "no" then
          self:send(sender, actors.ValidatedSource { sourceHash = message.sourceHash,
            sourceZip = data })
        end
        if self.verdict == "no" then
          self:send(sender, actors.ValidatedSource { sourceHash = message.sourceHash })
        end
      end]]
    local guards = {}
    for who, how in pairs { strict = { "no" }, equal = { "unseal" },
      mild = { "no", { ["Validate Remote Sources"] = false } } } do
      guards[who] = convention.system(base, who, red.place, how[2])
      convention.joins(red, guards[who])
      guards[who].puppet = guards[who].asys:createActor(Puppet)
      run(guards[who], guards[who].puppet, gate, how[1])
    end
    run(red, red.puppet, gate, "unseal")
    -- What travels to who judges it is what was loaded; to others what may run.
    local sealed = bundle "sealed"
    local bytes = read(sealed):reverse()
    local file = assert(io.open(sealed, "wb"))
    file:write(bytes)
    file:close()
    local hash = red.asys:loadActorSource(sealed)
    for _, who in ipairs { "equal", "mild", "open" } do
      local there = red.asys:createActor("says.Says", { Colour = who }, nil, hash)
      check.equal(red.asys:ask(there, "what", convention.patience), "sealed")
    end
    local child = run(red, red.puppet, "return self:createActor('says.Says', { Colour = 'strict' }, nil, a)",
      hash)
    -- One of those that do not take it says why.
    local reason = ends(red, child)
    check.ok(reason:find("failed to start: .*" .. hash .. " is not loaded"), reason)
    for _, guard in pairs(guards) do guard.asys:shutdown() end
  end)

  -- The name's holder exits with the system that created it, but not before its child has: that one
  -- is never born.
  check.test(base .. ": a system shuts down while code is judged that another's actor waits for", function()
    local slow = convention.system(base, "slow", red.place, { AllowRemoteActorSources = "Yes" })
    convention.joins(red, slow)
    local holder = slow.asys:createActor(Puppet, { Colour = "red" }, "holder" .. base)
    slow.puppet = slow.asys:createActor(Puppet)
    run(slow, slow.puppet, "self:registerSourceAuthority()")
    local hash = red.asys:loadActorSource(bundle("never" .. base))
    local code = "return self:createActor('says.Says', { Colour = 'slow' }, nil, a)"
    local child = run(red, holder, code, hash)
    convention.hear(slow, actors.ValidateSource, function(heard) return heard.sourceHash == hash end)
    slow.asys:shutdown()
    check.ok(ends(red, child):find "^failed to start: ", "it ended as if it had lived")
    convention.leaves(red, slow)
  end)

  for _, system in pairs(members) do system.asys:shutdown() end
  red.asys:shutdown()
end
