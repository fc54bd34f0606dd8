-- w6: each of SIZE actors sends COUNT pings to random others, one at a time: the next when the pong is there.

local actors = require "thespian.actors"

local monotonic, random, type = actors.monotonic, math.random, type

-- A ping is a positive number, its pong the negative one.
local Peer = actors.class("Peer", actors.Actor)

function Peer:init() self.answered = 0 end

function Peer:receiveMessage(message, sender)
  if type(message) == "number" then
    if message > 0 then
      self.answered = self.answered + 1
      self:send(sender, -message)
    else
      self:pong(-message)
    end
  elseif message == "go" then
    self:pong(0)
  elseif message == "answered" then
    self:send(sender, self.answered)
  elseif message.others then
    self.crowd, self.others, self.count = sender, message.others, message.count
    self:send(sender, "ready")
  end
end

function Peer:pong(number)
  if number < self.count then
    local others = self.others
    self:send(others[random(#others)], number + 1)
  else
    self:send(self.crowd, "done")
  end
end

local Crowd = actors.class("Crowd", actors.Actor)

function Crowd:receiveMessage(message, sender)
  if message == "ready" then
    if self:is_last() then
      self.start = monotonic()
      self:tell "go"
    end
  elseif message == "done" then
    if self:is_last() then
      self.seconds = monotonic() - self.start
      self:tell "answered"
    end
  elseif type(message) == "number" then
    self.total = self.total + message
    if self:is_last() then self:send(self.asker, { seconds = self.seconds, total = self.total }) end
  elseif message.size then
    self.asker, self.total, self.heard, self.size = sender, 0, 0, message.size
    self:gather(message.count)
  end
end

--- Whether all have said now what they were to say.
function Crowd:is_last()
  self.heard = (self.heard + 1) % self.size
  return self.heard == 0
end

function Crowd:tell(word)
  for _, peer in ipairs(self.peers) do self:send(peer, word) end
end

function Crowd:gather(count)
  self.peers = {}
  for i = 1, self.size do self.peers[i] = self:createActor(Peer) end
  for i, peer in ipairs(self.peers) do
    local others = table.move(self.peers, 1, self.size, 1, {})
    table.remove(others, i)
    self:send(peer, { others = others, count = count })
  end
end

if actors.main(...) then
  local bench = require "lib_bench"
  bench.run(function(asys, count, size)
    local report = bench.ask(asys, asys:createActor(Crowd), { count = count, size = size })
    bench.check("the pings answered", report.total, size * count)
    bench.print("W6", "messages/s", 2 * size * count / report.seconds)
  end, bench.counts(2000, 120))
end

return { Crowd = Crowd, Peer = Peer }
