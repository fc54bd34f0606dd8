-- only_many: fifty systems join one leader, and all of them hear what becomes of it.

local actors = require "thespian.actors"
local Puppet = require "lib_puppet"

if not actors.main(...) then return {} end

local check <close> = require "lib_check"
local convention = require "lib_convention"

local count = os.getenv "TH_SANITIZED" and 10 or 50

for _, base in ipairs { "multiprocTCPBase", "multiprocUDPBase" } do
  local patient = { ["Convention Check-in Period"] = 10 }
  local leader = convention.system(base, "red", nil, patient)
  convention.watch(leader)

  local function handled()
    local own <close> = leader.asys:private()
    return own:ask(leader.admin, actors.Thespian_StatusReq(), convention.patience).counters.delivered
  end

  local before, members = handled(), {}
  for i = 1, count do members[i] = convention.system(base, "green", leader.place, patient) end
  for i = 1, count do convention.joins(leader, members[i]) end
  print(("%s: %d messages delivered at the leader for each that joins"):format(base,
    math.ceil((handled() - before) / count)))
  for i = 1, count do
    convention.watch(members[i])
    check.ok(convention.joins(members[i], leader).remoteCapabilities.Weather == nil)
  end
  leader.asys:updateCapability("Weather", "rain")
  for i = 1, count do
    check.equal(convention.joins(members[i], leader).remoteCapabilities.Weather, "rain")
  end
  -- An actor on each of them, as the leader hands them out in turn.
  leader.puppet = leader.asys:createActor(Puppet)
  for i = 1, count do members[i].asys:updateCapability("number", i) end
  for i = 1, count do
    repeat until convention.joins(leader, members[i]).remoteCapabilities.number == i
  end
  local child = convention.run(leader, leader.puppet, "return self:createActor(a, b)", "lib_puppet",
    { number = count })
  check.equal(convention.run(leader, child, "return self.requirements.number"), count)
  for i = 1, count do members[i].asys:shutdown() end
  for i = 1, count do convention.leaves(leader, members[i]) end
  leader.asys:shutdown()
end
