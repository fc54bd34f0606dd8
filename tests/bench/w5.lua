-- w5: a driver sends COUNT messages to each of SIZE actors, to one after the other; each reports when it
-- has them all.

local actors = require "thespian.actors"

local monotonic, type = actors.monotonic, type

local Counter = actors.class("Counter", actors.Actor)

function Counter:receiveMessage(message, sender)
  if type(message) == "number" then
    self.sum = self.sum + message
    self.left = self.left - 1
    if self.left == 0 then self:send(sender, self.sum) end
  elseif message.expected then
    self.sum, self.left = 0, message.expected
    self:send(sender, "ready")
  end
end

local Driver = actors.class("Driver", actors.Actor)

function Driver:receiveMessage(message, sender)
  if type(message) == "number" then
    self.total, self.reports = self.total + message, self.reports + 1
    if self.reports == self.size then
      self:send(self.asker, { seconds = monotonic() - self.start, total = self.total })
    end
  elseif message == "ready" then
    self.ready = self.ready + 1
    if self.ready == self.size then self:drive() end
  elseif message.size then
    self.asker, self.size, self.count = sender, message.size, message.count
    self.ready, self.reports, self.total, self.counters = 0, 0, 0, {}
    for i = 1, message.size do
      self.counters[i] = self:createActor(Counter)
      self:send(self.counters[i], { expected = message.count })
    end
  end
end

function Driver:drive()
  local counters, size = self.counters, self.size
  self.start = monotonic()
  for number = 1, self.count do
    for i = 1, size do self:send(counters[i], number) end
  end
end

if actors.main(...) then
  local bench = require "lib_bench"
  bench.run(function(asys, count, size)
    local report = bench.ask(asys, asys:createActor(Driver), { count = count, size = size })
    bench.check("the sum", report.total, size * count * (count + 1) // 2)
    bench.print("W5", "messages/s", size * count / report.seconds)
  end, bench.counts(10000, 60))
end

return { Driver = Driver, Counter = Counter }
