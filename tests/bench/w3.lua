-- w3: a ring of SIZE actors, through which a token is passed COUNT hops.

local actors = require "thespian.actors"

local monotonic, type = actors.monotonic, type

-- The token is the number of hops that are left; the first of the ring is where it begins and ends.
local Member = actors.class("Member", actors.Actor)

function Member:init() self.passed = 0 end

function Member:receiveMessage(message, sender)
  if type(message) == "number" then
    self.passed = self.passed + 1
    if message > 0 then
      self:send(self.after, message - 1)
    else
      self:send(self.asker, monotonic() - self.start)
    end
  elseif message == "passed" then
    self:send(sender, self.passed)
  elseif message.after then
    self.after = message.after
    self:send(sender, "linked")
  elseif message.hops then
    self.asker, self.start = sender, monotonic()
    self:send(self.after, message.hops - 1)
  end
end

if actors.main(...) then
  local bench = require "lib_bench"
  bench.run(function(asys, count, size)
    assert(count % size == 0, "the token must end where it began")
    local ring = {}
    for i = 1, size do ring[i] = asys:createActor(Member) end
    for i = 1, size do
      bench.check("a link", bench.ask(asys, ring[i], { after = ring[i % size + 1] }), "linked")
    end
    local seconds = bench.ask(asys, ring[1], { hops = count })
    for i = 1, size do bench.check("hops of one", bench.ask(asys, ring[i], "passed"), count // size) end
    bench.print("W3", "hops/s", count / seconds)
  end, bench.counts(1000000, 100))
end

return { Member = Member }
