-- only_members: what actors of a convention do for and with each other, wherever they live: a leader,
-- members, and one that others cannot connect to. Run for each of the bases that reach other systems.

local actors = require "thespian.actors"
local Puppet = require "lib_puppet"

-- One of several that share the work, where it is fit for that.
local Crowd = actors.troupe { max_count = 3, idle_count = 1 } (actors.class("Crowd", actors.Actor))
Crowd.actorSystemCapabilityCheck = Puppet.actorSystemCapabilityCheck
function Crowd:receiveMessage(message, sender)
  if type(message) == "number" then self:send(sender, { result = message }) end
end

-- Ends after its first message.
local Brief = actors.transient(0)(actors.class("Brief", Puppet))

-- Chokes on anything.
local Choking = actors.class("Choking", Puppet)
function Choking:receiveMessage(message)
  if type(message) == "string" then error("this is " .. message) end
end

local classes = { Crowd = Crowd, Brief = Brief, Choking = Choking }
if not actors.main(...) then return classes end

local check <close> = require "lib_check"
local convention = require "lib_convention"
local run, hear, ends = convention.run, convention.hear, convention.ends

local make = "return self:createActor(a, b, c)"
local name = "only_members."

local function stories(base)
  local red, green, blue = convention.three(base)
  local hidden = convention.system(base, "hidden", red.place, { ["Outbound Only"] = true })
  convention.joins(red, hidden)
  local all = { red, green, blue, hidden }
  -- Each with a puppet of its own, made there.
  for _, system in ipairs(all) do
    system.puppet = system.asys:createActor(Puppet)
    check.equal(run(system, system.puppet, "return self.colour"), system.colour)
  end

  -- On an endpoint of its own: puppets have more to tell while they end.
  local function isdead(system, address)
    local own <close> = system.asys:private()
    return select(2, own:ask(address, "anybody?", convention.patience)) == "dead"
  end

  local function away(from, to, class)
    return run(from, from.puppet, make, class or "lib_puppet", { Colour = to.colour })
  end

  check.test(base .. ": an actor is made everywhere, from everywhere, and gets its requirements", function()
    for _, from in ipairs(all) do
      for _, to in ipairs(all) do
        local child = away(from, to)
        check.equal(run(from, child, "return self.colour .. self.requirements.Colour"),
          to.colour .. to.colour)
        run(from, from.puppet, "self:send(a, actors.ActorExitRequest())", child)
        check.equal(ends(from, child), "exit")
      end
    end
  end)

  check.test(base .. ": an address is of use wherever it is told", function()
    for _, from in ipairs(all) do
      for _, to in ipairs(all) do
        if from ~= to then
          run(from, from.puppet, "self:send(a, b)", to.puppet, "hello from " .. from.colour)
          local heard = convention.listen(to, "a greeting", function(message)
            return message.heard == "hello from " .. from.colour
          end)
          check.equal(heard.from, from.puppet)
        end
      end
    end
  end)

  check.test(base .. ": an actor elsewhere has children, wakeups, a name, and sends to itself", function()
    local child = away(green, blue)
    local grandchild = run(green, child, make, "lib_puppet")
    check.equal(run(green, grandchild, "return self.colour"), "blue")
    run(green, child, "self:send(self.myAddress, 'to itself')")
    check.equal(convention.listen(green, "itself", function(message)
      return message.heard == "to itself"
    end).from, child)
    run(green, child, "self:wakeupAfter(0.01, 'ring')")
    check.equal(hear(green, actors.WakeupMessage).payload, "ring")
    local named = run(green, child, make, "lib_puppet", nil, "the one in blue")
    check.equal(run(green, named, "return self.globalName"), "the one in blue")
    check.equal(run(green, child, make, "lib_puppet", nil, "the one in blue"), named)
    -- It takes its children along, but not who has a name.
    run(green, green.puppet, "self:send(a, actors.ActorExitRequest())", child)
    check.equal(ends(green, child), "exit")
    for _, gone in ipairs { child, grandchild } do check.ok(isdead(green, gone)) end
    check.equal(run(green, named, "return self.colour"), "blue")
  end)

  check.test(base .. ": the status of an actor elsewhere is its own, wherever it is asked for", function()
    -- Enough actors in green that its numbers mean nothing in blue.
    for _ = 1, 20 do run(green, green.puppet, make, "lib_puppet") end
    local child = away(green, blue, name .. "Choking")
    for _, from in ipairs { green, red, blue } do
      local own <close> = from.asys:private()
      local status
      repeat -- what is starting has no class yet, and may still be tried in its creator's system
        status = own:ask(child, actors.Thespian_StatusReq(), convention.patience)
      until status.class
      check.equal(status.address, child)
      check.equal(status.class, name .. "Choking")
    end
  end)

  check.test(base .. ": children elsewhere end with their parent, or are left to themselves", function()
    for _, isRecursive in ipairs { true, false } do
      local parent = green.asys:createActor(Puppet)
      local child = run(green, parent, make, "lib_puppet", { Colour = "blue" })
      check.equal(run(green, child, "return self.colour"), "blue")
      green.asys:tell(parent, actors.ActorExitRequest { isRecursive = isRecursive })
      repeat until isdead(green, parent)
      if isRecursive then
        check.ok(isdead(green, child))
      else
        check.equal(run(green, child, "return self.colour"), "blue")
      end
    end
  end)

  check.test(base .. ": poison and dead letters come back from elsewhere", function()
    local choking = away(green, blue, name .. "Choking")
    run(green, green.puppet, "self:send(a, 'poison')", choking)
    local poison = hear(green, actors.PoisonMessage)
    check.equal(poison.poisonMessage, "poison")
    check.ok(poison.details:find("this is poison", 1, true), poison.details)
    run(green, green.puppet, "self:handleDeadLetters()")
    run(green, green.puppet, "self:send(a, actors.ActorExitRequest())", choking)
    ends(green, choking)
    run(green, green.puppet, "self:send(a, 'too late')", choking)
    local dead = hear(green, actors.DeadEnvelope)
    check.equal(dead.deadMessage, "too late")
    check.equal(dead.deadAddress, choking)
    run(green, green.puppet, "self:handleDeadLetters(false)")
    -- For who lived there from the beginning: that system's handlers hear of it.
    local gone = run(blue, blue.puppet, make, "lib_puppet")
    run(blue, blue.puppet, "self:handleDeadLetters() self:send(a, actors.ActorExitRequest())", gone)
    ends(blue, gone)
    run(green, green.puppet, "self:send(a, 'nobody there')", gone)
    check.equal(hear(blue, actors.DeadEnvelope).deadMessage, "nobody there")
    run(blue, blue.puppet, "self:handleDeadLetters(false)")
  end)

  check.test(base .. ": troupes and transient actors live elsewhere like others", function()
    local crowd = away(green, blue, name .. "Crowd")
    local sum = 0
    for i = 1, 50 do green.asys:tell(crowd, i) end
    for _ = 1, 50 do
      sum = sum + convention.listen(green, "the crowd", function(message)
        return message.heard == nil
      end).result
    end
    check.equal(sum, 50 * 51 // 2)
    local brief = away(green, blue, name .. "Brief")
    check.equal(run(green, brief, "return self.colour"), "blue")
    check.equal(ends(green, brief), "exit")
  end)

  check.test(base .. ": who does not fit any more ends, and its parent hears", function()
    local child = away(green, blue)
    check.equal(run(green, child, "return self.colour"), "blue")
    convention.watch(blue)
    run(blue, blue.puppet, "self:updateCapability('Colour', 'azure')")
    check.equal(ends(green, child), "exit")
    local told = convention.joins(red, blue)
    check.equal(told.remoteCapabilities.Colour, "azure")
    run(blue, blue.puppet, "self:updateCapability('Colour', 'blue')")
    check.equal(convention.joins(red, blue).remoteCapabilities.Colour, "blue")
    -- The leader's own are known to its members.
    red.asys:updateCapability("Weather", "rain")
    repeat until convention.joins(blue, red).remoteCapabilities.Weather == "rain"
    check.ok(true)
  end)

  check.test(base .. ": systems are invited, and let go", function()
    local stranger = convention.system(base, "strange")
    run(red, red.puppet, "self:preRegisterRemoteSystem(a, { Colour = 'strange' })", stranger.place)
    check.equal(convention.joins(red, stranger).remoteCapabilities.Colour, "strange")
    local child = away(green, stranger)
    check.equal(run(green, child, "return self.colour"), "strange")
    run(red, red.puppet, "self:deRegisterRemoteSystem(a)", stranger.place)
    convention.leaves(red, stranger)
    local asked, raised = pcall(green.asys.createActor, green.asys, Puppet, { Colour = "strange" })
    check.equal(asked, false)
    check.equal(actors.typename(raised), "NoCompatibleSystemForActor")
    stranger.asys:shutdown()
  end)

  for index = #all, 1, -1 do all[index].asys:shutdown() end
end

for _, base in ipairs { "multiprocTCPBase", "multiprocUDPBase" } do stories(base) end
