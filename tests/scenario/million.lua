-- million: ten thousand actors alive at once; a million messages through a hundred of them, none lost, none
-- doubled, and each pair's in order.
--
-- Every one of the hundred sends to every other: COUNT numbered messages a pair, in bursts, so that all are
-- under way at the same time. There are fewer on the simple base, under sanitizers, and on the UDP base, whose
-- actors are run by the same process as those of the TCP base.
--
-- Then the same with a tenth of them not to be relied on: by a seed they fail at messages, are restarted, or
-- exit and are replaced, while everybody sends to them. Each message is accounted for by its sender: an
-- answer, poison, or a dead letter.

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

-- Answers each number; by its own random numbers fails, has itself restarted, or exits instead.
local Frail = actors.class("Frail", actors.Actor)
Frail.actorMemoryLimit = 3 << 20

--- A number that looks like chance and depends on these two alone.
local function chance_of(number, seed)
  local bits = (number * 0x9E3779B97F4A7C15) ~ seed
  bits = (bits ~ (bits >> 30)) * 0xBF58476D1CE4E5B9
  return (bits ~ (bits >> 27)) >> 16
end

function Frail:receiveMessage(message, sender)
  if actors.isinstance(message, actors.ActorSystemMessage) then return end
  local chance = chance_of(message.number, message.seed)
  if message.frail and chance % 10 == 0 then error "failed as planned" end
  if message.frail and chance % 101 == 1 then
    self.hoard = {}
    for number = 1, math.maxinteger do self.hoard[number] = ("x"):rep(50000) .. number end
  end
  if message.frail and chance % 101 == 2 then self:send(self.myAddress, actors.ActorExitRequest()) end
  self:send(sender, message.number)
end

-- Sends numbered messages to children of its own, in bursts; replaces those that exit; accounts for all.
local Steward = actors.class("Steward", actors.Actor)

function Steward:init()
  self.sent, self.exits = 0, 0
  self.account = { answer = 0, poison = 0, dead = 0 }
  self.children, self.open = {}, {}
end

function Steward:settle(number, how)
  if not self.open[number] then
    self.doubled = (self.doubled or 0) + 1
    return
  end
  self.open[number] = nil
  self.account[how] = self.account[how] + 1
  self.under_way = self.under_way - 1
  if self.under_way == 0 then self:burst() end
end

function Steward:burst()
  if self.sent == self.total then
    self.under_way = 1 -- nothing more is expected
    return self:send(self.asker, { account = self.account, exits = self.exits, doubled = self.doubled })
  end
  self.under_way = #self.children * 10
  for _ = 1, 10 do
    for place, child in ipairs(self.children) do
      self.sent = self.sent + 1
      self.open[self.sent] = true
      self:send(child, { number = self.sent, seed = self.seed, frail = place % 10 == 0 })
    end
  end
end

function Steward:receiveMessage(message, sender)
  if actors.isinstance(message, actors.PoisonMessage) then
    self:settle(message.poisonMessage.number, "poison")
  elseif actors.isinstance(message, actors.DeadEnvelope) then
    -- What a child sends itself, a second request to exit, is none of ours.
    local dead = message.deadMessage
    if not actors.isinstance(dead, actors.ActorSystemMessage) and self.ours[message.deadAddress] then
      self:settle(dead.number, "dead")
    end
  elseif actors.isinstance(message, actors.ChildActorExited) then
    self.exits = self.exits + 1
    if self.leaving then return end
    for place, child in ipairs(self.children) do
      if child == message.childAddress then self:hire(place) end
    end
  elseif actors.isinstance(message, actors.ActorExitRequest) then
    self.leaving = true
  elseif math.type(message) == "integer" then
    self:settle(message, "answer")
  elseif type(message) == "table" then
    self.asker, self.seed, self.total, self.ours = sender, message.seed, message.total, {}
    self:handleDeadLetters()
    for place = 1, message.children do self:hire(place) end
    self:burst()
  end
end

function Steward:hire(place)
  self.children[place] = self:createActor(Frail)
  self.ours[self.children[place]] = true
end

if actors.main(...) then
  local scenario = require "lib_scenario"
  local check <close> = require "lib_check"
  local many = { multiprocQueueBase = true, multiprocTCPBase = true }
  local few = not many[scenario.base] or os.getenv "TH_SANITIZED" ~= nil
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

  check.test("a tenth that fails, restarts and exits loses nothing", function()
    local total = few and 5000 or 60000
    local seed = tonumber(os.getenv "TH_SEED") or 20260301
    local own = scenario.system()
    local steward = own:createActor(Steward)
    local report = scenario.ask(own, steward, { children = 100, total = total, seed = seed })
    local account = report.account
    local told = ("seed %d: %d answers, %d poisoned, %d dead, %d exits"):format(seed, account.answer,
      account.poison, account.dead, report.exits)
    check.equal(report.doubled, nil, told)
    check.equal(account.answer + account.poison + account.dead, total, told)
    check.ok(account.poison > total // 200, told)
    local counters = scenario.balance(own)
    check.ok(report.exits > 0 and counters.exited >= report.exits, told)
    check.ok(counters.restarts > 0, told)
    check.ok(counters.poisoned >= account.poison, told)
    own:shutdown()
  end)

  asys:shutdown()
end

return { Frail = Frail, Steward = Steward, Peer = Peer, Crowd = Crowd, Member = Member }
