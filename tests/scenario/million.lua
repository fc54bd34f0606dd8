-- million: ten thousand actors alive at once; a million messages through a hundred of them, none lost, none
-- doubled, and each pair's in order.
--
-- Every one of the hundred sends to every other: COUNT numbered messages a pair, in bursts, so that all are
-- under way at the same time. On the simple base and under sanitizers there are fewer.

local actors = require "thespian.actors"

local PEERS = 100

-- Sends {number} to all peers, COUNT times; checks that what comes from each is 1, 2, 3 ...
local Peer = actors.class("Peer", actors.Actor)

-- Others may begin before this one is told to.
function Peer:init() self.last, self.got, self.wrong = {}, 0, 0 end

function Peer:receiveMessage(message, sender)
  if type(message) == "number" then
    self.got = self.got + 1
    local expected = (self.last[sender] or 0) + 1
    if message ~= expected then self.wrong = self.wrong + 1 end
    self.last[sender] = message
    if self.got == self.expected then self:report() end
  elseif message == "burst" then
    self:burst()
  elseif message.peers then
    self.asker, self.peers, self.left, self.sent = sender, message.peers, message.bursts, 0
    self.size, self.expected = message.size, #message.peers * message.bursts * message.size
    self:burst()
    if self.got == self.expected then self:report() end
  end
end

function Peer:burst()
  for _ = 1, self.size do
    self.sent = self.sent + 1
    for _, peer in ipairs(self.peers) do self:send(peer, self.sent) end
  end
  self.left = self.left - 1
  if self.left > 0 then self:send(self.myAddress, "burst") end
end

function Peer:report() self:send(self.asker, { got = self.got, wrong = self.wrong }) end

-- Creates a crowd, and tells when every one of them has answered.
local Crowd = actors.class("Crowd", actors.Actor)

local Member = actors.class("Member", actors.Actor)
function Member:receiveMessage(message, sender) self:send(sender, message) end

function Crowd:receiveMessage(message, sender)
  if type(message) == "table" then
    self.asker, self.size, self.answered, self.sum = sender, message.size, 0, 0
    for number = 1, message.size do self:send(self:createActor(Member), number) end
  elseif type(message) == "number" then
    self.answered, self.sum = self.answered + 1, self.sum + message
    if self.answered == self.size then self:send(self.asker, self.sum) end
  end
end

if actors.main(...) then
  local scenario = require "lib_scenario"
  local check <close> = require "lib_check"
  local few = scenario.base == "simpleSystemBase" or os.getenv "TH_SANITIZED" ~= nil
  local bursts, size, crowd = few and 1 or 10, 10, few and 1000 or 10000
  local asys = scenario.system()
  scenario.patience = 600

  check.test("a crowd lives at once", function()
    local first = asys:createActor(Crowd)
    check.equal(scenario.ask(asys, first, { size = crowd }), crowd * (crowd + 1) // 2)
    asys:tell(first, actors.ActorExitRequest())
  end)

  check.test("messages between a hundred are neither lost nor doubled nor reordered", function()
    local peers = {}
    for number = 1, PEERS do peers[number] = asys:createActor(Peer) end
    for _, peer in ipairs(peers) do asys:tell(peer, { peers = peers, bursts = bursts, size = size }) end
    local total = 0
    for _ = 1, PEERS do
      local report = scenario.listen(asys)
      check.equal(report.wrong, 0)
      total = total + report.got
    end
    check.equal(total, PEERS * PEERS * bursts * size)
  end)

  asys:shutdown()
end

return { Peer = Peer, Crowd = Crowd, Member = Member }
