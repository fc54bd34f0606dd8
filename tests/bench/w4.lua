-- w4: a parent creates COUNT actors; each gets one message, replies and exits. At most ALIVE are there at
-- once. The clock stops when the parent has every reply and has been told of every exit.

local actors = require "thespian.actors"

local monotonic, type = actors.monotonic, type

local Child = actors.class("Child", actors.Actor)

function Child:receiveMessage(message, sender)
  if type(message) == "number" then
    self:send(sender, message)
    self:send(self.myAddress, actors.ActorExitRequest())
  end
end

local Parent = actors.class("Parent", actors.Actor)

function Parent:receiveMessage(message, sender)
  if type(message) == "number" then
    self.sum = self.sum + message
  elseif actors.isinstance(message, actors.ChildActorExited) then
    self.exits = self.exits + 1
    if self.created < self.count then self:create() end
  elseif message.count then
    self.asker, self.count = sender, message.count
    self.created, self.exits, self.sum, self.start = 0, 0, 0, monotonic()
    for _ = 1, math.min(message.alive, message.count) do self:create() end
  end
  -- A child's reply comes before the word of its exit.
  if self.exits == self.count then
    self:send(self.asker, { seconds = monotonic() - self.start, total = self.sum })
  end
end

function Parent:create()
  self.created = self.created + 1
  self:send(self:createActor(Child), self.created)
end

if actors.main(...) then
  local bench = require "lib_bench"
  bench.run(function(asys, count, alive)
    local report = bench.ask(asys, asys:createActor(Parent), { count = count, alive = alive })
    bench.check("the sum of the replies", report.total, count * (count + 1) // 2)
    bench.print("W4", "actors/s", count / report.seconds)
  end, bench.counts(100000, 100))
end

return { Parent = Parent, Child = Child }
