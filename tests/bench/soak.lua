-- soak: w5 and w6, again and again, with new actors each time, beside actors that are created and exit (w4),
-- all at once, for SECONDS; the resident memory at the end against that after the first minute.
--
-- Run by soak.sh. A time below two minutes has its first half instead of the first minute, for memory grows
-- until each kind of load has once been at its height. It goes up and down with what is under way, so each
-- of the two is the median of a look each quarter of a second, for a twentieth of the time. All totals are checked. More than 5 % above fails; less than before does not.

local actors = require "thespian.actors"
local w4 = require "w4"
local w5 = require "w5"
local w6 = require "w6"

-- Has one work done in rounds. Each round has a new leader; what that has created exits with it.
local Keeper = actors.class("Keeper", actors.Actor)

function Keeper:init() self.rounds = 0 end

function Keeper:receiveMessage(message, sender)
  if message == "stop" then
    self.is_ending = true
  elseif actors.isinstance(message, actors.ChildActorExited) then
    if self.is_ending then
      self:send(self.asker, { rounds = self.rounds })
    else
      self:begin()
    end
  elseif actors.isinstance(message, actors.ActorSystemMessage) then
    return
  elseif message.leader then
    self.asker, self.work = sender, message
    self:begin()
  elseif message.total then
    self:finish(message.total, sender)
  end
end

function Keeper:begin() self:send(self:createActor(self.work.leader), self.work.task) end

function Keeper:finish(total, leader)
  if total ~= self.work.total then
    self:send(self.asker, ("%s: %s, not %s"):format(self.work.leader, total, self.work.total))
  end
  self.rounds = self.rounds + 1
  self:send(leader, actors.ActorExitRequest())
end

local WORKS = {
  { leader = "w5.Driver", task = { size = 60, count = 2000 }, total = 60 * 2000 * 2001 // 2 },
  { leader = "w6.Crowd", task = { size = 120, count = 200 }, total = 120 * 200 },
  { leader = "w4.Parent", task = { count = 500, alive = 50 }, total = 500 * 501 // 2 },
}

local function median(numbers)
  table.sort(numbers)
  return numbers[(#numbers + 1) // 2]
end

--- Looks at the memory for a while; whatever comes in meanwhile is a failure.
local function look(asys, bench, seconds)
  local seen, until_when = {}, actors.monotonic() + seconds
  repeat
    local complaint = asys:listen(0.25)
    if complaint then error(tostring(complaint), 0) end
    seen[#seen + 1] = bench.resident()
  until actors.monotonic() >= until_when
  return median(seen)
end

if actors.main(...) then
  local bench = require "lib_bench"
  bench.run(function(asys, seconds)
    local keepers = {}
    for i, work in ipairs(WORKS) do
      keepers[i] = asys:createActor(Keeper)
      asys:tell(keepers[i], work)
    end
    local warm, window = math.min(60, seconds / 2), seconds / 20
    look(asys, bench, warm)
    local first = look(asys, bench, window)
    look(asys, bench, seconds - warm - 2 * window)
    local last = look(asys, bench, window)
    for i, keeper in ipairs(keepers) do
      local report = bench.ask(asys, keeper, "stop")
      if type(report) ~= "table" then error(report, 0) end
      assert(report.rounds > 0, WORKS[i].leader .. " has done nothing")
      bench.print("soak." .. WORKS[i].leader, "rounds", report.rounds)
    end
    bench.print("soak", "MB-early", first / 1e6)
    bench.print("soak", "MB-late", last / 1e6)
    if last > 1.05 * first then
      error(("memory has grown by %.1f %%, from %.1f MB to %.1f MB"):format((last / first - 1) * 100,
        first / 1e6, last / 1e6), 0)
    end
  end, bench.counts(600))
end

return { Keeper = Keeper, w4 = w4, w5 = w5, w6 = w6 }
