-- pressure: senders that are faster than those they send to. Nothing is lost, nobody waits for ever,
-- and no more waits anywhere than a mailbox may hold.

local actors = require "thespian.actors"

-- Sends numbers to another, and then who is to hear of the end.
local Producer = actors.class("Producer", actors.Actor)

function Producer:receiveMessage(message, sender)
  if type(message) ~= "table" then return end
  local send = function(value) self:send(message.to, value) end
  for i = 1, message.count do
    if message.deep then
      coroutine.wrap(function() pcall(send, i) end)()
    elseif message.sorting then
      -- Where a C function calls back nothing can yield: the turn ends after the message.
      table.sort({ 1, 2 }, function() send(i); return false end)
      break
    else
      send(i)
    end
  end
  send { done = sender }
end

-- Takes numbers from many, each in its order, and does something with each.
local Consumer = actors.class("Consumer", actors.Actor)

function Consumer:init() self.last, self.most = {}, 0 end

function Consumer:receiveMessage(message, sender)
  if type(message) == "number" then
    assert(message == (self.last[sender] or 0) + 1, "out of order")
    self.last[sender] = message
    for _ = 1, 10 do tostring(message) end
  elseif type(message) == "table" then
    self:send(message.done, { from = sender, count = self.last[sender] })
  end
end

-- Two of these fill each other.
local Rival = actors.class("Rival", actors.Actor)

function Rival:receiveMessage(message, sender)
  if type(message) == "table" then
    self.count, self.asker, self.got = message.count, sender, self.got or 0
    for _ = 1, message.count do self:send(message.to, "blow") end
    self.sent = true
  elseif message == "blow" then
    self.got = (self.got or 0) + 1
  end
  if self.sent and self.got == self.count then
    self.sent = false
    self:send(self.asker, "even")
  end
end

-- Sends numbers to a program, each with much behind it.
local Teller = actors.class("Teller", actors.Actor)
function Teller:receiveMessage(message, sender)
  if type(message) ~= "table" then return end
  local much = (" "):rep(20000)
  for i = 1, message.count do
    self:send(sender, i .. much)
    if i % 100 == 0 then self:send(message.witness, "a hundred more") end
  end
end

-- Counts what it hears of.
local Witness = actors.class("Witness", actors.Actor)
function Witness:init() self.count = 0 end
function Witness:receiveMessage(message, sender)
  if message == "count" then self:send(sender, self.count) else self.count = self.count + 1 end
end

-- Sends only to itself.
local Narcissus = actors.class("Narcissus", actors.Actor)

function Narcissus:receiveMessage(message, sender)
  if message ~= "look" then return end
  local sent, raised = 0, nil
  local fine = true
  while fine do
    fine, raised = pcall(self.send, self, self.myAddress, "own")
    if fine then sent = sent + 1 end
  end
  self:send(sender, { sent = sent, class = actors.typename(raised), words = tostring(raised) })
end

local Echo = actors.class("Echo", actors.Actor)
function Echo:receiveMessage(message, sender) self:send(sender, message) end

if actors.main(...) then
  local check <close> = require "lib_check"
  local test = check.test
  local scenario = require "lib_scenario"

  local function produce(asys, how, producers, count)
    local consumer = asys:createActor(Consumer)
    for _ = 1, producers do
      asys:tell(asys:createActor(Producer),
        { to = consumer, count = count, deep = how == "deep", sorting = how == "sorting" })
    end
    for _ = 1, producers do
      local report = scenario.listen(asys)
      check.equal(report.count, how == "sorting" and 1 or count)
    end
    return consumer
  end

  local asys = scenario.system { ["Mailbox Limit"] = 3 }

  test("a slow consumer gets everything, in order", function() produce(asys, "plain", 4, 1000) end)
  test("a sender is held inside coroutines and pcall, too",
    function() produce(asys, "deep", 4, 500) end)
  test("where it cannot be held at once, it is after the message",
    function() produce(asys, "sorting", 3, 1) end)

  test("two that fill each other both come to an end", function()
    local one, other = asys:createActor(Rival), asys:createActor(Rival)
    asys:tell(one, { to = other, count = 2000 })
    asys:tell(other, { to = one, count = 2000 })
    check.equal(scenario.listen(asys), "even")
    check.equal(scenario.listen(asys), "even")
  end)

  test("a full mailbox does not delay what goes to others", function()
    local echo = asys:createActor(Echo)
    local consumer = asys:createActor(Consumer)
    for _ = 1, 3 do asys:tell(asys:createActor(Producer), { to = consumer, count = 2000 }) end
    local reports = 0
    for i = 1, 100 do
      asys:tell(echo, i)
      local answer = scenario.listen(asys)
      while type(answer) == "table" do
        reports = reports + 1
        answer = scenario.listen(asys)
      end
      check.equal(answer, i)
    end
    while reports < 3 do
      check.ok(type(scenario.listen(asys)) == "table")
      reports = reports + 1
    end
  end)

  test("one who floods himself is told so, and goes on", function()
    local report = scenario.ask(asys, asys:createActor(Narcissus), "look")
    check.equal(report.class, "CannotSend")
    check.ok(report.sent >= 30 and report.sent < 40, report.sent)
    check.ok(report.words:find("sent itself 10 times as many messages", 1, true), report.words)
  end)

  test("a program's tells wait for room and all arrive", function()
    local consumer = asys:createActor(Consumer)
    for i = 1, 300 do asys:tell(consumer, i) end
    asys:tell(consumer, { done = asys.endpointAddress })
    check.equal(scenario.listen(asys).count, 300)
  end)

  test("who sends to a program that does not listen is held, too", function()
    local teller = asys:createActor(Teller)
    local witness = asys:createActor(Witness)
    local other = asys:private()
    asys:tell(teller, { count = 2500, witness = witness })
    -- Until that has come to rest: what sockets hold, some megabytes, has left. All has 50.
    local hundreds, same = 0, 0
    while same < 300 do
      local now = scenario.ask(other, witness, "count")
      same = now == hundreds and same + 1 or 0
      hundreds = now
    end
    check.ok(hundreds < 10, ("%d hundred messages wait for the program"):format(hundreds))
    for i = 1, 2500 do check.equal(tonumber(scenario.listen(asys)), i) end
    other:close()
  end)

  asys:shutdown()
end

return { Producer = Producer, Consumer = Consumer, Rival = Rival, Narcissus = Narcissus, Echo = Echo,
  Teller = Teller, Witness = Witness }
