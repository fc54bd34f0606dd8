-- w7: IDLE actors that have each handled one message; the resident memory gained, for each of them, at first
-- and when it has settled, since who has nothing to do for a while takes less; and the rate of W1 beside
-- them, with COUNT round trips.
--
-- What it prints is of W7.IDLE and W1.IDLE; without idle actors, of W1.0 alone.

local actors = require "thespian.actors"
local w1 = require "w1"

local type = type

local Idle = actors.class("Idle", actors.Actor)

function Idle:receiveMessage(message, sender)
  if type(message) == "number" then self:send(sender, message) end
end

-- At most so many are on their way to be idle at once.
local AHEAD = 1000

local Crowd = actors.class("Crowd", actors.Actor)

function Crowd:receiveMessage(message, sender)
  if type(message) == "number" then
    self.sum, self.idle = self.sum + message, self.idle + 1
    if self.created < self.size then self:create() end
    if self.idle == self.size then self:send(self.asker, self.sum) end
  elseif message.size then
    self.asker, self.size, self.created, self.idle, self.sum = sender, message.size, 0, 0, 0
    for _ = 1, math.min(AHEAD, message.size) do self:create() end
  end
end

function Crowd:create()
  self.created = self.created + 1
  self:send(self:createActor(Idle), self.created)
end

if actors.main(...) then
  local bench = require "lib_bench"

  --- Waits until the memory has not shrunk for a while that is longer than the one after which actors rest.
  local function settle(asys)
    local least, since = bench.resident(), actors.monotonic()
    repeat
      asys:listen(0.5)
      local now = bench.resident()
      if now < least * 0.999 then least, since = now, actors.monotonic() end
    until actors.monotonic() - since > 4
  end

  bench.run(function(asys, size, count)
    local pinger, ponger = asys:createActor(w1.Pinger), asys:createActor(w1.Ponger)
    bench.ask(asys, pinger, { ponger = ponger, count = 1 })
    if size > 0 then
      local crowd, before = asys:createActor(Crowd), bench.resident()
      local sum = bench.ask(asys, crowd, { size = size })
      bench.check("the sum of the idle", sum, size * (size + 1) // 2)
      bench.print("W7." .. size, "bytes/actor-at-first", (bench.resident() - before) / size)
      settle(asys)
      bench.print("W7." .. size, "bytes/actor", (bench.resident() - before) / size)
    end
    local report = bench.ask(asys, pinger, { ponger = ponger, count = count })
    bench.check("round trips", report.total, count)
    bench.print("W1." .. size, "messages/s", 2 * count / report.seconds)
  end, bench.counts(100000, 1000000))
end

return { Crowd = Crowd, Idle = Idle }
