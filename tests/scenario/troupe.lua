-- troupe: several actors behind one address.

local actors = require "thespian.actors"

-- Does as it is told; says who did it.
local Worker = actors.class("Worker", actors.Actor)

function Worker:init(_, requirements)
  self.told, self.done = requirements and requirements.told, 0
end

local TASKS = {}

function TASKS.who(self, _, sender)
  self:send(sender, { who = self.myAddress, told = self.told, named = self.globalName })
end

--- Asks the helper, and answers what the helper says: work in progress until then.
function TASKS.consult(self, message, sender)
  self.troupe_work_in_progress = true
  self.asker, self.asked = sender, message.what
  self:send(message.helper, { consult = message.what })
end

--- Exits in the middle of its work, but for the one that has the permit.
function TASKS.risky(self, message)
  self.troupe_work_in_progress = true
  self.risk = message
  self:send(message.helper, { permit = true })
end

function TASKS.fail(_, message)
  message.tries = (message.tries or 0) + 1
  error("no good: " .. message.tries)
end

--- Fails with its work in progress, so that only the poison says that it is over.
function TASKS.failInProgress(self)
  self.troupe_work_in_progress = true
  error "no good in progress"
end

function TASKS.quit(self, _, sender)
  self:send(self.myAddress, actors.ActorExitRequest())
  self:send(sender, "quits")
end

--- Takes its time, and says that it is done.
function TASKS.toil(self, _, sender)
  for number = 1, 100 do tostring(number) end
  self:send(sender, "toiled")
end

local function answer_of_helper(self, message)
  if message.answer then
    self:send(self.asker, { what = self.asked, answer = message.answer, who = self.myAddress })
    self.troupe_work_in_progress = false
  elseif message.permit then
    self:send(self.risk.asker, { survived = self.myAddress })
    self.troupe_work_in_progress = false
  else
    self:send(self.myAddress, actors.ActorExitRequest())
  end
end

function Worker:receiveMessage(message, sender)
  if actors.isinstance(message, actors.PoisonMessage) then error "poison is no use" end
  if message == nil then return self:send(sender, "nothing") end
  if type(message) ~= "table" or getmetatable(message) then return end
  local task = TASKS[message.task]
  if task then return task(self, message, sender) end
  answer_of_helper(self, message)
end

local Crew = actors.class("Crew", Worker)
Crew = actors.troupe { max_count = 3, idle_count = 1 }(Crew)

local Solo = actors.troupe { max_count = 1 }(actors.class("Solo", Worker))

local Pair = actors.troupe { max_count = 2 }(actors.class("Pair", Worker))

-- A leader runs none of the class's methods, but its state loads the module: this text fills it.
local Barge = actors.troupe { max_count = 1 }(actors.class("Barge", Worker))
Barge.actorMemoryLimit = 4 << 20

local sub, hoard = string.sub, {}
function string.sub(text, ...)
  while text == "sink" do hoard[#hoard + 1] = ("%d"):format(#hoard):rep(100) end
  return sub(text, ...)
end

local Broken = actors.troupe {}(actors.class("Broken", Worker))
function Broken:init() error "this member never starts" end

-- Answers when it was asked by as many as it waits for, and permits when it has refused enough.
local Helper = actors.class("Helper", actors.Actor)

function Helper:init() self.waiting, self.refusals, self.asked = {}, 0, 0 end

function Helper:receiveMessage(message, sender)
  if type(message) ~= "table" then return end
  if message.wanted then
    self.wanted = message.wanted
    self:send(sender, "ready")
  elseif message.refuse then
    self.refusals = message.refuse
    self:send(sender, "ready")
  elseif message.consult then
    table.insert(self.waiting, { sender, message.consult })
    if #self.waiting < self.wanted then return end
    for _, one in ipairs(self.waiting) do self:send(one[1], { answer = one[2] * 2 }) end
    self.waiting = {}
  elseif message.permit then
    self.refusals = self.refusals - 1
    self:send(sender, { permit = self.refusals < 0 })
  end
end

-- Sends a troupe many messages at once, and gives all answers together.
local Client = actors.class("Client", actors.Actor)

function Client:receiveMessage(message, sender)
  if type(message) == "table" and message.send then
    self.asker, self.answers, self.wanted = sender, {}, #message.send
    for _, one in ipairs(message.send) do self:send(message.troupe, one) end
  else
    table.insert(self.answers, { message, sender })
    if #self.answers == self.wanted then self:send(self.asker, self.answers) end
  end
end

-- Sends work with much behind it, one message after the other, and counts what is not done yet.
local Producer = actors.class("Producer", actors.Actor)

function Producer:receiveMessage(message, sender)
  if message == "toiled" then
    self.open = self.open - 1
    if self.sent == self.count and self.open == 0 then
      self:send(self.asker, { most = self.most, time = actors.monotonic() - self.began })
    end
    return
  end
  if type(message) == "table" then
    self.asker, self.troupe, self.count = sender, message.troupe, message.count
    self.sent, self.open, self.most, self.began = 0, 0, 0, actors.monotonic()
  elseif message ~= "next" then
    return
  end
  if self.sent == self.count then return end
  self.sent, self.open = self.sent + 1, self.open + 1
  self.most = math.max(self.most, self.open)
  self:send(self.troupe, { task = "toil", ballast = (" "):rep(1000) })
  self:send(self.myAddress, "next")
end

local Undertaker = actors.class("Undertaker", actors.Actor)

function Undertaker:receiveMessage(message, sender)
  if message == "start" then
    self.asker = sender
    self:handleDeadLetters()
    self:send(sender, "started")
  elseif actors.isinstance(message, actors.DeadEnvelope) then
    self:send(self.asker, { message.deadMessage, message.deadAddress })
  end
end

if actors.main(...) then
  local scenario = require "lib_scenario"
  local check <close> = require "lib_check"
  local asys = scenario.system()
  local helper, client = asys:createActor(Helper), asys:createActor(Client)

  --- The status of a troupe: idle_count, max_count, members, idle, extra, waiting.
  local function status(troupe)
    local text = scenario.ask(asys, troupe, "troupe:status?")
    local words = { text:match("^Idle=(%d+), Max=(%d+), "
      .. "Troupers %[(%d+), (%d+) idle, (%d+) extra%]: %[.*%], Pending=(%d+)$") }
    assert(#words == 6, text)
    for number, word in ipairs(words) do words[number] = math.tointeger(word) end
    return { idle_count = words[1], max_count = words[2], members = words[3], idle = words[4],
      extra = words[5], waiting = words[6] }
  end

  --- Asks until the status is as wanted; a hang is a failure.
  local function await(troupe, wanted)
    local now
    local matches
    local patience = actors.monotonic() + scenario.patience
    repeat
      assert(actors.monotonic() < patience, "the troupe does not come to rest")
      now, matches = status(troupe), true
      for key, value in pairs(wanted) do matches = matches and now[key] == value end
    until matches
    return now
  end

  --- Has count members at work together; gives how many different ones there were.
  local function together(troupe, count)
    scenario.ask(asys, helper, { wanted = count })
    local list = {}
    for what = 1, count do list[what] = { task = "consult", what = what, helper = helper } end
    local members, number, sum = {}, 0, 0
    for _, one in ipairs(scenario.ask(asys, client, { troupe = troupe, send = list })) do
      check.equal(one[2], one[1].who)
      check.equal(one[1].answer, 2 * one[1].what)
      sum = sum + one[1].what
      if not members[one[2]] then number = number + 1 end
      members[one[2]] = true
    end
    check.equal(sum, count * (count + 1) // 2)
    return number
  end

  check.test("one address stands for members that see the original sender", function()
    local crew = asys:createActor(Crew, { told = "a secret" }, "the crew")
    local seen = scenario.ask(asys, crew, { task = "who" })
    check.ok(seen.who ~= crew)
    check.equal(seen.told, "a secret")
    check.equal(seen.named, nil)
    check.equal(scenario.ask(asys, crew, nil), "nothing")
    check.equal(asys:createActor(Crew, nil, "the crew"), crew)
  end)

  check.test("nobody is there before there is work, and one for one message at a time", function()
    local crew = asys:createActor(Crew)
    check.same(status(crew),
      { idle_count = 1, max_count = 3, members = 0, idle = 0, extra = 0, waiting = 0 })
    local who = scenario.ask(asys, crew, { task = "who" }).who
    await(crew, { idle = 1 })
    check.equal(scenario.ask(asys, crew, { task = "who" }).who, who)
    await(crew, { members = 1, idle = 1 })
  end)

  check.test("members are created on demand, and dismissed when they are too many", function()
    local crew = asys:createActor(Crew)
    check.equal(together(crew, 2), 2)
    check.equal(together(crew, 3), 3)
    await(crew, { members = 1, idle = 1, extra = 0, waiting = 0 })
    check.equal(together(crew, 3), 3)
  end)

  check.test("never more than max_count, and nothing that waits is lost", function()
    local crew = asys:createActor(Crew)
    local list, members, number = {}, {}, 0
    for count = 1, 1000 do list[count] = { task = "who" } end
    for _, one in ipairs(scenario.ask(asys, client, { troupe = crew, send = list })) do
      if not members[one[2]] then number = number + 1 end
      members[one[2]] = true
    end
    check.equal(number, 3)
  end)

  check.test("a member with work in progress gets no other work", function()
    local solo = asys:createActor(Solo)
    scenario.ask(asys, helper, { wanted = 2 })
    asys:tell(solo, { task = "consult", what = 4, helper = helper })
    asys:tell(solo, { task = "who" })
    await(solo, { members = 1, idle = 0, waiting = 1 })
    check.equal(scenario.ask(asys, solo, actors.Thespian_StatusReq()).waiting, 2)
    local second <close> = asys:private()
    second:tell(helper, { consult = 1 })
    check.equal(scenario.listen(asys).answer, 8)
    check.ok(scenario.listen(asys).who)
    check.equal(second:listen(scenario.patience).answer, 2)
  end)

  check.test("the work of a member that exits is given to another", function()
    local crew = asys:createActor(Crew)
    scenario.ask(asys, helper, { refuse = 2 })
    asys:tell(crew, { task = "risky", helper = helper, asker = asys.endpointAddress })
    check.ok(scenario.listen(asys).survived)
    await(crew, { members = 1, idle = 1, waiting = 0 })
  end)

  check.test("a member that is done may exit; its work is not done again", function()
    local crew = asys:createActor(Crew)
    check.equal(scenario.ask(asys, crew, { task = "quit" }), "quits")
    await(crew, { members = 0, waiting = 0 })
    check.ok(scenario.ask(asys, crew, { task = "who" }).who)
  end)

  check.test("members that exit lose no message that waits", function()
    local crew = asys:createActor(Crew)
    local list = {}
    for count = 1, 60 do list[count] = { task = count % 3 == 0 and "quit" or "who" } end
    local quits = 0
    for _, one in ipairs(scenario.ask(asys, client, { troupe = crew, send = list })) do
      if one[1] == "quits" then quits = quits + 1 end
    end
    check.equal(quits, 20)
  end)

  check.test("what members die of goes back to its sender", function()
    local crew = asys:createActor(Crew)
    scenario.ask(asys, helper, { refuse = 1000 })
    local poison = scenario.ask(asys, crew, { task = "risky", helper = helper, mark = 17 })
    check.ok(actors.isinstance(poison, actors.PoisonMessage))
    check.equal(poison.poisonMessage.mark, 17)
    check.contains(poison.details, "troupe members were lost at it: exit")
    check.ok(scenario.ask(asys, crew, { task = "who" }).who)
    scenario.ask(asys, helper, { refuse = 0 })
  end)

  check.test("what a member fails at twice goes back as it was, and the member goes on", function()
    local solo = asys:createActor(Solo)
    local who = scenario.ask(asys, solo, { task = "who" }).who
    for _, task in ipairs { "fail", "failInProgress", "fail" } do
      local poison = scenario.ask(asys, solo, { task = task })
      check.ok(actors.isinstance(poison, actors.PoisonMessage))
      check.same(poison.poisonMessage, { task = task })
      check.contains(poison.details, "no good")
      check.contains(poison.details, "stack traceback:")
      check.equal(scenario.ask(asys, solo, { task = "who" }).who, who)
    end
    check.contains(scenario.ask(asys, solo, { task = "fail" }).details, "no good: 2")
  end)

  check.test("a poisoned PoisonMessage is not returned, and its member goes on", function()
    local solo = asys:createActor(Solo)
    asys:tell(solo, actors.PoisonMessage { poisonMessage = 1 })
    check.ok(scenario.ask(asys, solo, { task = "who" }).who)
  end)

  check.test("members that cannot start are reported to the senders", function()
    local broken = asys:createActor(Broken)
    for _ = 1, 2 do
      local poison = scenario.ask(asys, broken, { task = "who" })
      check.ok(actors.isinstance(poison, actors.PoisonMessage))
      check.equal(poison.poisonMessage.task, "who")
      check.contains(poison.details, "failed to start: ")
      check.contains(poison.details, "this member never starts")
    end
    check.equal(status(broken).members, 0)
  end)

  check.test("settings change while a troupe runs", function()
    local crew = asys:createActor(Crew)
    local now = scenario.ask(asys, crew, actors.UpdateTroupeSettings { max_count = 5 })
    check.ok(actors.isinstance(now, actors.UpdateTroupeSettings))
    check.same(now, { max_count = 5, idle_count = 1 })
    check.equal(together(crew, 5), 5)
    now = scenario.ask(asys, crew, actors.UpdateTroupeSettings { max_count = 2, idle_count = 2 })
    check.same(now, { max_count = 2, idle_count = 2 })
    await(crew, { members = 2, idle = 2, max_count = 2, idle_count = 2 })
    check.equal(scenario.ask(asys, crew, "troupe:set_max_count=4"), "Set troupe max_count to 4")
    check.equal(scenario.ask(asys, crew, "troupe:set_idle_count=0"), "Set troupe idle_count to 0")
    check.contains(scenario.ask(asys, crew, "troupe:set_max_count=0"),
      "max_count is an integer of at least 1, got 0")
    check.equal(together(crew, 4), 4)
    await(crew, { members = 0, max_count = 4, idle_count = 0 })
  end)

  check.test("what waits when a raised max_count comes is begun at once", function()
    local solo = asys:createActor(Solo)
    scenario.ask(asys, helper, { wanted = 2 })
    for what = 1, 2 do asys:tell(solo, { task = "consult", what = what, helper = helper }) end
    await(solo, { members = 1, waiting = 1 })
    asys:tell(solo, actors.UpdateTroupeSettings { max_count = 2 })
    local answers = 0
    for _ = 1, 3 do answers = answers + (scenario.listen(asys).answer or 0) end
    check.equal(answers, 6)
  end)

  check.test("the queue outlives a leader that is restarted", function()
    local barge, own_helper = asys:createActor(Barge), asys:createActor(Helper)
    scenario.ask(asys, own_helper, { wanted = 2 })
    asys:tell(barge, { task = "consult", what = 21, helper = own_helper })
    for _ = 1, 5 do asys:tell(barge, { task = "who" }) end
    await(barge, { members = 1, waiting = 5 })
    local poison = scenario.ask(asys, barge, "sink")
    check.ok(actors.isinstance(poison, actors.PoisonMessage))
    check.contains(poison.details, "memory limit")
    -- What the first member was at is given to one of the new leader's, too: only both together are
    -- answered.
    local answers, who = 0, 0
    for _ = 1, 7 do
      local answer = scenario.listen(asys)
      if answer.answer then answers = answers + answer.answer else who = who + 1 end
    end
    check.equal(answers, 84)
    check.equal(who, 5)
    check.equal(scenario.ask(asys, barge, actors.Thespian_StatusReq()).restarts, 1)
    await(barge, { members = 1, idle = 1, waiting = 0 })
  end)

  check.test("an exit takes the members along; what waits is dead", function()
    local undertaker = asys:createActor(Undertaker)
    scenario.ask(asys, undertaker, "start")
    local solo = asys:createActor(Solo)
    scenario.ask(asys, helper, { wanted = 2 })
    local member = scenario.ask(asys, solo, { task = "who" }).who
    asys:tell(solo, { task = "consult", what = 1, helper = helper })
    asys:tell(solo, "waits")
    await(solo, { members = 1, waiting = 1 })
    asys:tell(solo, actors.ActorExitRequest())
    local letter = scenario.listen(asys)
    check.equal(letter[1], "waits")
    check.equal(letter[2], solo)
    local function await_exit(address)
      local ear <close> = asys:private()
      local answer, why
      repeat answer, why = ear:ask(address, nil, scenario.patience) until why == "dead"
      check.equal(answer, nil)
    end
    await_exit(solo)
    await_exit(member)
  end)

  asys:shutdown()

  local count = os.getenv "TH_SANITIZED" and 4000 or 20000

  --- Has much more work sent than the leader's memory could hold; gives the Producer's report.
  local function flood(limit)
    local bounded = scenario.system { ["Mailbox Limit"] = limit, ["Actor Memory Limit"] = 1 << 20 }
    local pair = bounded:createActor(Pair)
    local producer = bounded:createActor(Producer)
    local report = scenario.ask(bounded, producer, { troupe = pair, count = count })
    -- What members say when they are done comes to the leader after their answers.
    local patience, now = actors.monotonic() + scenario.patience, nil
    repeat now = scenario.ask(bounded, pair, actors.Thespian_StatusReq())
    until now.handled == 2 * count or actors.monotonic() > patience
    check.equal(now.handled, 2 * count)
    check.equal(now.restarts, 0)
    check.equal(now.failed, 0)
    bounded:shutdown()
    return report
  end

  check.test("who sends to a troupe faster than it works is held", function()
    local limit = 20
    local report = flood(limit)
    -- Some are at members or on the way back, one is over the limit, and each second lets in one
    -- more.
    local most = limit + 10 + report.time
    check.ok(report.most <= most, ("%d messages were open, not %.1f"):format(report.most, most))
  end)

  check.test("what waits in a troupe is not in its leader's memory", function()
    check.ok(flood(0).most > 100)
  end)
end

return { Crew = Crew, Solo = Solo, Broken = Broken, Helper = Helper, Client = Client,
  Pair = Pair, Barge = Barge, Producer = Producer,
  Undertaker = Undertaker }
