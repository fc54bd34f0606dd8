-- w1: two actors, COUNT round trips of an integer.

local actors = require "thespian.actors"

local monotonic, type = actors.monotonic, type

-- Gives back one more than it gets, so that the number shows how often it was here.
local Ponger = actors.class("Ponger", actors.Actor)

function Ponger:receiveMessage(message, sender)
  if type(message) == "number" then self:send(sender, message + 1) end
end

local Pinger = actors.class("Pinger", actors.Actor)

function Pinger:receiveMessage(message, sender)
  if type(message) ~= "number" then return self:begin(message, sender) end
  if message < self.count then
    self:send(sender, message)
  else
    self:send(self.asker, { seconds = monotonic() - self.start, total = message })
  end
end

function Pinger:begin(message, sender)
  if not message.ponger then return end
  self.asker, self.count = sender, message.count
  self.start = monotonic()
  self:send(message.ponger, 0)
end

if actors.main(...) then
  local bench = require "lib_bench"
  bench.run(function(asys, count)
    local pinger, ponger = asys:createActor(Pinger), asys:createActor(Ponger)
    local report = bench.ask(asys, pinger, { ponger = ponger, count = count })
    bench.check("round trips", report.total, count)
    bench.print("W1", "messages/s", 2 * count / report.seconds)
  end, bench.counts(1000000))
end

return { Pinger = Pinger, Ponger = Ponger }
