-- w9: two systems in two processes on 127.0.0.1: TRIPS round trips of an integer between an actor here and
-- one there, then a stream of COUNT integers to a counter there. On multiprocTCPBase, or multiprocUDPBase.
--
-- This program is a third process, and only waits. The stream is of W9s; on UDP they are W9u and W9us.

local actors = require "thespian.actors"
local w2 = require "w2"

local monotonic, type = actors.monotonic, type

local Echo = actors.class("Echo", actors.Actor)

function Echo:receiveMessage(message, sender)
  if type(message) == "number" then self:send(sender, message + 1) end
end

-- Notes when each number went out, and how long it took to come back.
local Traveller = actors.class("Traveller", actors.Actor)

function Traveller:receiveMessage(message, sender)
  if type(message) == "number" then
    local now, times = monotonic(), self.times
    times[message] = now - self.sent
    if message < self.count then
      self.sent = now
      self:send(sender, message)
    else
      self:report(now - self.start)
    end
  elseif message.echo then
    self.asker, self.count, self.times = sender, message.count, {}
    self.start = monotonic()
    self.sent = self.start
    self:send(message.echo, 0)
  end
end

function Traveller:report(seconds)
  local times = self.times
  local total = #times
  table.sort(times)
  local function share(part) return times[math.max(1, math.ceil(total * part))] end
  self:send(self.asker, { seconds = seconds, total = total, p50 = share(0.5), p99 = share(0.99) })
end

local function measure(near, far, work, trips, count)
  local bench = require "lib_bench"
  local traveller, echo = near:createActor(Traveller), far:createActor(Echo)
  bench.ask(near, traveller, { echo = echo, count = 10 }) -- the systems know each other now
  local report = bench.ask(near, traveller, { echo = echo, count = trips })
  bench.check("round trips", report.total, trips)
  bench.print(work, "round-trips/s", trips / report.seconds)
  bench.print(work, "p50-us", report.p50 * 1e6)
  bench.print(work, "p99-us", report.p99 * 1e6)
  local producer, counter = near:createActor(w2.Producer), far:createActor(w2.Counter)
  report = bench.ask(near, producer, { counter = counter, count = count })
  bench.check("the sum", report.total, count * (count + 1) // 2)
  bench.print(work .. "s", "messages/s", count / report.seconds)
end

if actors.main(...) then
  local bench = require "lib_bench"
  local base = arg[#arg] == "multiprocUDPBase" and arg[#arg] or "multiprocTCPBase"
  local work = base == "multiprocUDPBase" and "W9u" or "W9"
  local near = actors.ActorSystem(base, { ["Admin Port"] = 0 }, nil, true)
  local far = actors.ActorSystem(base, { ["Admin Port"] = 0 }, nil, true)
  local done, raised = pcall(measure, near, far, work, bench.counts(50000, 500000))
  near:shutdown()
  far:shutdown()
  if not done then error(raised, 0) end
end

return { Traveller = Traveller, Echo = Echo }
