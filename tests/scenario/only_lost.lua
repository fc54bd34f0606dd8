-- only_lost: systems of a convention that die, are stopped and come back, and leaders that do. Run for
-- each of the bases that reach other systems.

local actors = require "thespian.actors"
local Puppet = require "lib_puppet"

if not actors.main(...) then return {} end

local check <close> = require "lib_check"
local convention = require "lib_convention"
local own_port = require "lib_port"
local run, hear, ends = convention.run, convention.hear, convention.ends

local make = "return self:createActor(a, b, c)"

-- A puppet of the system's own, and one that is its child elsewhere.
local function with_child(from, colour)
  from.puppet = from.puppet or from.asys:createActor(Puppet)
  local child = run(from, from.puppet, make, "lib_puppet", { Colour = colour })
  check.equal(run(from, child, "return self.colour"), colour)
  return child
end

-- The same when a leader was just lost: members take the next one as soon as they miss it themselves,
-- and what they have asked a lost one for fails.
local function insist(from, colour)
  from.puppet = from.puppet or from.asys:createActor(Puppet)
  local answer
  repeat
    local made = run(from, from.puppet, make, "lib_puppet", { Colour = colour })
    from.asys:tell(made, { code = "return self.colour" })
    answer = convention.listen(from, "the new actor's colour, or its end", function(message)
      return message.heard == nil or actors.isinstance(message.heard, actors.ChildActorExited) and
        message.heard.childAddress == made
    end)
  until not answer.heard
  check.equal(answer.result, colour)
end

-- All that the puppet has heard of exits, up to now: it is asked for them, since they came before.
local function exits(system)
  run(system, system.puppet, "return 0")
  local all = {}
  for _, message in ipairs(system.heard) do
    if actors.isinstance(message.heard, actors.ChildActorExited) then
      table.insert(all, message.heard)
    end
  end
  system.heard = {}
  return all
end

local function lost_members(base)
  local red, green, blue = convention.three(base)

  check.test(base .. ": a member that is killed is lost, with its actors, once", function()
    local own, other = with_child(red, "blue"), with_child(green, "blue")
    run(green, green.puppet, "self:handleDeadLetters()")
    convention.kill(blue)
    for from, child in pairs { [red] = own, [green] = other } do
      check.equal(ends(from, child), "system lost")
    end
    convention.leaves(red, blue)
    run(green, green.puppet, "self:send(a, 'too late')", other)
    repeat until hear(green, actors.DeadEnvelope).deadMessage == "too late"
    check.equal(#exits(red), 0)
    check.equal(#exits(green), 0)
    local made, raised = pcall(green.asys.createActor, green.asys, Puppet, { Colour = "blue" })
    check.equal(made, false)
    check.equal(actors.typename(raised), "NoCompatibleSystemForActor")
  end)

  check.test(base .. ": a member that comes back at once, at its place, is another one", function()
    blue = convention.system(base, "blue", red.place, { ["Admin Port"] = own_port() })
    convention.joins(red, blue)
    local child = with_child(green, "blue")
    convention.kill(blue)
    local again = convention.system(base, "blue", red.place, { ["Admin Port"] = blue.port })
    check.equal(again.place, blue.place)
    check.ok(again.admin ~= blue.admin)
    convention.leaves(red, blue)
    convention.joins(red, again)
    check.equal(ends(green, child):sub(1, 11), "system lost")
    check.equal(#exits(green), 0)
    blue = again
  end)

  check.test(base .. ": a member that was stopped for too long is lost, accuses nobody, comes back", function()
    convention.watch(blue)
    convention.joins(blue, red)
    local child = with_child(green, "blue")
    local childless = with_child(blue, "green")
    convention.kill(blue, "STOP")
    convention.leaves(red, blue)
    check.equal(ends(green, child), "system lost")
    convention.kill(blue, "CONT")
    convention.joins(red, blue)
    -- What it had elsewhere, and what others had there, is gone: the others have given it up.
    check.equal(ends(blue, childless):sub(1, 11), "system lost")
    with_child(green, "blue")
    with_child(blue, "red")
    check.equal(#exits(green), 0)
    check.equal(run(red, red.puppet, "return self.colour"), "red")
  end)

  check.test(base .. ": a short stop is nothing", function()
    local child = with_child(green, "blue")
    convention.kill(blue, "STOP")
    convention.kill(blue, "CONT")
    check.equal(run(green, child, "return self.colour"), "blue")
    check.equal(#exits(green), 0)
  end)

  for _, system in ipairs { blue, green, red } do system.asys:shutdown() end
end

-- Leaders whose places their own lists name.
local function leaders(base)
  local ports = { own_port(), own_port() }
  local places = { "127.0.0.1:" .. ports[1], "127.0.0.1:" .. ports[2] }
  return convention.system(base, "red", places, { ["Admin Port"] = ports[1] }),
    convention.system(base, "grey", places, { ["Admin Port"] = ports[2] }), places
end

local function lost_leaders(base)
  local red, grey, places = leaders(base)
  convention.watch(red)
  convention.watch(grey)
  local green = convention.system(base, "green", places)
  local blue = convention.system(base, "blue", places)
  for _, leader in ipairs { red, grey } do
    for _, member in ipairs { green, blue } do convention.joins(leader, member) end
  end

  check.test(base .. ": when the leader dies, members go on, and the stand-by places actors", function()
    local child = with_child(green, "blue")
    convention.kill(red)
    check.equal(run(green, child, "return self.colour"), "blue")
    convention.leaves(grey, red)
    insist(green, "grey")
    with_child(green, "blue")
    check.equal(run(green, child, "return self.colour"), "blue")
  end)

  check.test(base .. ": the leader that comes back leads again, all know it", function()
    red = convention.system(base, "red", places, { ["Admin Port"] = red.port })
    convention.watch(red)
    for _, member in ipairs { green, blue, grey } do convention.joins(red, member) end
    convention.joins(grey, red)
    convention.kill(grey)
    convention.leaves(red, grey)
    insist(green, "red")
    insist(green, "blue")
  end)

  for _, system in ipairs { blue, green, red } do system.asys:shutdown() end
end

for _, base in ipairs { "multiprocTCPBase", "multiprocUDPBase" } do
  lost_members(base)
  lost_leaders(base)
end
