-- timers: wakeups, their order and what they bring; how long programs wait.

local actors = require "thespian.actors"

local Tag = actors.class("Tag")
function Tag:init(text) self.text = text end

-- Asks for wakeups as it is told, and reports each as it comes.
local Sleeper = actors.class("Sleeper", actors.Actor)

function Sleeper:receiveMessage(message, sender)
  if actors.isinstance(message, actors.WakeupMessage) then
    self:wake(message, sender)
  elseif message == "leave" then
    self:send(self.myAddress, actors.ActorExitRequest())
    self:wakeupAfter(0) -- it can only come behind that
  elseif actors.isinstance(message, actors.ActorSystemMessage) then
    return
  elseif message.wakeups then
    self.asker, self.begun = sender, actors.monotonic()
    for _, wakeup in ipairs(message.wakeups) do self:wakeupAfter(wakeup[1], wakeup[2]) end
    self.took = actors.monotonic() - self.begun
  elseif message.refused then
    local payload = message.with_function and { jobs = { print } } or nil
    local _, raised = pcall(function() self:wakeupAfter(message.refused[1], payload) end)
    self:send(sender, { class = actors.typename(raised), text = tostring(raised) })
  end
end

function Sleeper:wake(message, sender)
  self:send(self.asker, {
    period = message.delayPeriod,
    payload = message.payload,
    tag = actors.typename(message.payload),
    own = sender == self.myAddress,
    after = actors.monotonic() - self.begun,
    at = actors.monotonic(),
    took = self.took,
  })
end

-- Fails at each wakeup, and reports the poison.
local Restless = actors.class("Restless", actors.Actor)

function Restless:receiveMessage(message, sender)
  if message == "go" then
    self.asker = sender
    self:wakeupAfter(0, "payload")
  elseif actors.isinstance(message, actors.WakeupMessage) then
    error "cannot get up"
  elseif actors.isinstance(message, actors.PoisonMessage) then
    self:send(self.asker, { payload = message.poisonMessage.payload, details = message.details,
      own = sender == self.myAddress })
  end
end

-- Asks for many wakeups at once, and tells how they came.
local Crowded = actors.class("Crowded", actors.Actor)

function Crowded:receiveMessage(message, sender)
  if actors.isinstance(message, actors.WakeupMessage) then
    self.got = self.got + 1
    -- Those of one period are due in the order asked.
    local kind = message.delayPeriod.milliseconds
    if message.payload <= (self.last[kind] or 0) then self.wrong = self.wrong + 1 end
    self.last[kind] = message.payload
    if self.got == self.count then self:send(self.asker, { got = self.got, wrong = self.wrong }) end
  elseif message.pending then
    for number = 1, message.pending do self:wakeupAfter({ hours = 1, seconds = number % 7 }, number) end
    self:send(sender, "asked")
  elseif message.count then
    self.asker, self.count, self.got, self.wrong, self.last = sender, message.count, 0, 0, {}
    for number = 1, message.count do self:wakeupAfter({ milliseconds = number % 10 }, number) end
  end
end

-- A chain of wakeups, each asked for by the one before, while other messages come.
local Ticker = actors.class("Ticker", actors.Actor)

function Ticker:receiveMessage(message, sender)
  if message == "start" then
    self.asker, self.ticks, self.others = sender, 0, 0
    self:wakeupAfter(0)
  elseif message == "other" then
    self.others = self.others + 1
  elseif actors.isinstance(message, actors.WakeupMessage) then
    self.ticks = self.ticks + 1
    self:send(self.myAddress, "other")
    if self.ticks < 100 then return self:wakeupAfter { microseconds = 1 } end
    self:send(self.asker, { ticks = self.ticks, others = self.others })
  end
end

-- Counts dead letters that are wakeups.
local Undertaker = actors.class("Undertaker", actors.Actor)

function Undertaker:init() self.wakeups, self.others = 0, 0 end

function Undertaker:receiveMessage(message, sender)
  if message == "start" or message == "stop" then
    self:handleDeadLetters(message == "start")
    self:send(sender, message == "start" and "started" or "stopped")
  elseif actors.isinstance(message, actors.DeadEnvelope) then
    local kind = actors.isinstance(message.deadMessage, actors.WakeupMessage) and "wakeups" or "others"
    self[kind] = self[kind] + 1
  elseif message == "letters" then
    self:send(sender, { wakeups = self.wakeups, others = self.others })
  end
end

if actors.main(...) then
  local scenario = require "lib_scenario"
  local check <close> = require "lib_check"
  local asys = scenario.system()
  local sleeper = asys:createActor(Sleeper)

  -- What comes for these wakeups, {{period, payload}, ...}.
  local function wakeups(list, count)
    asys:tell(sleeper, { wakeups = list })
    local got = {}
    for number = 1, count or #list do got[number] = scenario.listen(asys) end
    return got
  end

  local function payloads(got)
    local list = {}
    for number, wakeup in ipairs(got) do list[number] = wakeup.payload end
    return table.concat(list, " ")
  end

  check.test("a wakeup brings back the period as it was given, and the payload", function()
    local periods = { 0, 0.0, 0.001, -5, { milliseconds = 2 }, { seconds = 0, microseconds = 500 },
      { minutes = -1, seconds = 60.01 }, { days = 0, hours = 0, minutes = 0 }, {} }
    for _, period in ipairs(periods) do
      local wakeup = wakeups({ { period } })[1]
      if type(period) == "table" then
        check.same(wakeup.period, period)
      else
        check.equal(wakeup.period, period)
      end
      check.equal(wakeup.payload, nil)
      check.equal(wakeup.own, true)
    end
    check.equal(wakeups({ { 0, "text" } })[1].payload, "text")
    check.equal(wakeups({ { 0, false } })[1].payload, false)
    check.same(wakeups({ { 0, { list = { 1, 2.5 } } } })[1].payload, { list = { 1, 2.5 } })
    check.equal(wakeups({ { 0, sleeper } })[1].payload, sleeper)
    check.equal(wakeups({ { 0, Tag "x" } })[1].tag, "Tag")
  end)

  check.test("a wakeup never comes early", function()
    for _, period in ipairs { 0.02, { milliseconds = 20 }, { microseconds = 20000 } } do
      local wakeup = wakeups({ { period } })[1]
      check.ok(wakeup.after >= 0.02, "it came after " .. wakeup.after .. " s")
    end
  end)

  check.test("wakeups come in the order of their times", function()
    local list = { { 0.5, "fifth" }, { { milliseconds = 20 }, "second" }, { 0.3, "fourth" },
      { 0, "first" }, { { seconds = 0.1 }, "third" } }
    local got
    -- Only where the actor was held up while it asked may the order be another.
    repeat got = wakeups(list) until got[1].took < 0.08
    check.equal(payloads(got), "first second third fourth fifth")
  end)

  check.test("wakeups for the same time come in the order asked", function()
    local list, wanted = {}, {}
    for number = 1, 200 do
      list[number] = { number % 2 == 0 and 0 or { seconds = 0 }, number }
      wanted[number] = number
    end
    check.equal(payloads(wakeups(list)), table.concat(wanted, " "))
    for number = 1, 200 do list[number][1] = 0.02 end
    check.equal(payloads(wakeups(list)), table.concat(wanted, " "))
  end)

  check.test("a wakeup beyond all time does not come now", function()
    local never = { { math.huge, "never" }, { 1e300, "never" }, { { days = 1e12 }, "never" },
      { math.maxinteger, "never" }, { 0.02, "now" } }
    check.equal(payloads(wakeups(never, 1)), "now")
    check.equal(payloads(wakeups({ { 0.02, "again" } })), "again")
  end)

  check.test("what is no period is refused", function()
    local function refused(period, ...)
      local answer = scenario.ask(asys, sleeper, { refused = { period } })
      check.equal(answer.class, "ActorSystemException")
      check.contains(answer.text, "timers.lua:")
      check.contains(answer.text, "wakeupAfter: ")
      for _, words in ipairs { ... } do check.contains(answer.text, words) end
    end
    refused("5", 'the string "5"')
    refused(nil, "nil")
    refused(true, "true")
    refused(sleeper)
    refused(0 / 0, "nan")
    refused({ fortnights = 1 }, "fortnights", "minutes")
    refused({ 5 }, "1")
    refused({ seconds = "1" }, "seconds", "string")
    refused({ minutes = 0 / 0 }, "nan")
  end)

  check.test("a payload that cannot travel is refused", function()
    local answer = scenario.ask(asys, sleeper, { refused = { 0 }, with_function = true })
    check.equal(answer.class, "CannotSend")
    check.contains(answer.text, ".jobs[1] is a function")
    check.equal(payloads(wakeups({ { 0, "next" } })), "next")
  end)

  check.test("a wakeup whose handler fails comes back to its actor as poison", function()
    local poison = scenario.ask(asys, asys:createActor(Restless), "go")
    check.equal(poison.payload, "payload")
    check.equal(poison.own, true)
    check.contains(poison.details, "cannot get up")
  end)

  check.test("a chain of wakeups does not starve other messages, nor they it", function()
    check.same(scenario.ask(asys, asys:createActor(Ticker), "start"), { ticks = 100, others = 99 })
  end)

  check.test("wakeups of many actors go each to its own", function()
    local many = {}
    for number = 1, 50 do many[number] = asys:createActor(Sleeper) end
    for number, one in ipairs(many) do
      asys:tell(one, { wakeups = { { 0.01 * (number % 5), number } } })
    end
    local sum = 0
    for _ = 1, #many do
      local wakeup = scenario.listen(asys)
      check.equal(wakeup.own, true)
      sum = sum + wakeup.payload
    end
    check.equal(sum, 50 * 51 // 2)
  end)

  check.test("a wait that is in vain ends", function()
    for _, timeout in ipairs { 0, -1, 0.01, { milliseconds = 10 } } do
      local message, why = asys:listen(timeout)
      check.equal(message, nil)
      check.equal(why, "timeout")
      message, why = asys:ask(sleeper, { nothing = true }, timeout)
      check.equal(message, nil)
      check.equal(why, "timeout")
    end
    check.raises("listen: ", asys.listen, asys, "soon")
    check.raises("ask: ", asys.ask, asys, sleeper, {}, { sekonds = 1 })
  end)

  check.test("wakeups come while the program waits, in listen and in ask", function()
    local wakeup = asys:ask(sleeper, { wakeups = { { 0.02, "in ask" } } }, scenario.patience)
    check.equal(wakeup.payload, "in ask")
    asys:tell(sleeper, { wakeups = { { 0.02, "in listen" } } })
    local before = actors.monotonic()
    check.equal(scenario.listen(asys).payload, "in listen")
    check.ok(actors.monotonic() >= before)
  end)

  if scenario.base == "simpleSystemBase" then
    check.test("on the simple base wakeups come only while the program waits", function()
      asys:tell(sleeper, { wakeups = { { 0.01, "late" } } })
      local begun = actors.monotonic()
      repeat local now = actors.monotonic() until now > begun + 0.05
      local before = actors.monotonic()
      local wakeup = scenario.listen(asys)
      check.equal(wakeup.payload, "late")
      check.ok(wakeup.at >= before, "the actor ran while the program did something else")
    end)

    check.test("on the simple base a wait that is too short leaves the wakeup alone", function()
      asys:tell(sleeper, { wakeups = { { 0.2, "kept" } } })
      local message, why = asys:listen(0.001)
      if why ~= "timeout" then check.equal(message.payload, "kept") return end
      check.equal(scenario.listen(asys).payload, "kept")
    end)
  end

  check.test("a hundred thousand wakeups may be to come", function()
    local few = os.getenv "TH_SANITIZED" ~= nil
    local pending, count = few and 10000 or 100000, few and 2000 or 20000
    local crowded = asys:createActor(Crowded)
    local function to_come(address)
      return scenario.ask(asys, address, actors.Thespian_StatusReq()).wakeups
    end
    check.equal(scenario.ask(asys, crowded, { pending = pending }), "asked")
    check.equal(to_come(crowded), pending)
    check.equal(to_come(sleeper) < pending, true)
    check.same(scenario.ask(asys, crowded, { count = count }), { got = count, wrong = 0 })
    check.equal(to_come(crowded), pending)
    asys:tell(crowded, actors.ActorExitRequest())
  end)

  check.test("a wakeup for who is gone is counted as dead, and no dead letter", function()
    local own = scenario.system()
    local undertaker = own:createActor(Undertaker)
    check.equal(scenario.ask(own, undertaker, "start"), "started")
    own:tell(own:createActor(Sleeper), "leave")
    local counters
    repeat counters = scenario.balance(own) until counters.dead > 0
    check.equal(counters.dead, 1)
    check.equal(counters.wakeups, 0)
    check.same(scenario.ask(own, undertaker, "letters"), { wakeups = 0, others = 0 })
    own:shutdown()
  end)

  check.test("a system with wakeups to come shuts down", function()
    local short = scenario.system()
    local waiting = short:createActor(Sleeper)
    short:tell(waiting, { wakeups = { { 3600, { "kept" } }, { { days = 1 } } } })
    short:tell(waiting, actors.ActorExitRequest())
    local other = short:createActor(Sleeper)
    short:tell(other, { wakeups = { { 3600, "kept" } } })
    check.same(scenario.ask(short, other, { refused = { "x" } }).class, "ActorSystemException")
    short:shutdown()
  end)

  asys:shutdown()
end

return { Crowded = Crowded, Undertaker = Undertaker, Sleeper = Sleeper, Restless = Restless,
  Ticker = Ticker, Tag = Tag }
