-- w2: a producer sends COUNT integers to a counter, then "get"; the clock stops when the sum arrives.

local actors = require "thespian.actors"

local monotonic, type = actors.monotonic, type

local Counter = actors.class("Counter", actors.Actor)

function Counter:init() self.sum = 0 end

function Counter:receiveMessage(message, sender)
  if type(message) == "number" then
    self.sum = self.sum + message
  elseif message == "get" then
    self:send(sender, self.sum)
  end
end

local Producer = actors.class("Producer", actors.Actor)

function Producer:receiveMessage(message, sender)
  if type(message) == "number" then
    self:send(self.asker, { seconds = monotonic() - self.start, total = message })
  elseif message.counter then
    local counter = message.counter
    self.asker, self.start = sender, monotonic()
    for number = 1, message.count do self:send(counter, number) end
    self:send(counter, "get")
  end
end

if actors.main(...) then
  local bench = require "lib_bench"
  bench.run(function(asys, count)
    local producer, counter = asys:createActor(Producer), asys:createActor(Counter)
    local report = bench.ask(asys, producer, { counter = counter, count = count })
    bench.check("the sum", report.total, count * (count + 1) // 2)
    bench.print("W2", "messages/s", count / report.seconds)
  end, bench.counts(1000000))
end

return { Producer = Producer, Counter = Counter }
