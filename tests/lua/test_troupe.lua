-- The leader of a troupe, with a runtime of the test's own: what is hard to bring about in a real
-- one.
local check <close> = require "lib_check"
local actors = require "thespian.actors"
local core = require "thespian.core"
local layers = require "thespian.layers"

local PoisonMessage, TroupeWork, TroupeReady =
  actors.PoisonMessage, actors.TroupeWork, actors.TroupeReady

-- What the leader did: members are "m1", "m2", ...
local created, sent, wakeups, refusal

-- What it keeps, by number: a message, its sender, whether it is lent. current is the last one that
-- arrived.
local shelf, current

core.createActor = function(_, requirements)
  if refusal then error(refusal, 0) end
  created[#created + 1] = requirements
  return "m" .. #created
end
core.post = function(address, message)
  if actors.isinstance(message, TroupeWork) and message.message == "too big" then
    error("CannotSend: too big", 0)
  end
  sent[#sent + 1] = { to = address, message = message }
end
core.send = function(_, address, message) core.post(address, message) end
core.keep = function()
  if not current.number then
    shelf[#shelf + 1] = current
    current.number = #shelf
  end
  return current.number
end
core.kept = function(number)
  if shelf[number] then return shelf[number].sender, shelf[number].message end
end
core.lend = function(number, lent) shelf[number].lent = lent end
core.done = function(number) shelf[number] = false end
core.giveBack = function(number, details)
  local kept = shelf[number]
  shelf[number] = false
  core.post(kept.sender, PoisonMessage { poisonMessage = kept.message, details = details })
end
core.wakeup = function(_, _, payload) wakeups[#wakeups + 1] = payload end

local function troupe(settings)
  local Worker = actors.troupe(settings)(actors.class("Worker", actors.Actor))
  created, sent, wakeups, refusal, shelf = {}, {}, {}, nil, {}
  local self = setmetatable({ myAddress = "leader" }, Worker.__meta)
  return layers.dress { self = self, specified = "m.Worker", requirements = { size = 3 } }
end

--- What was sent since the last call: only one message.
local function only()
  check.equal(#sent, 1)
  return table.remove(sent)
end

local function work(leader, message, sender)
  current = { message = message, sender = sender or "user" }
  leader:receiveMessage(message, current.sender)
end

--- How many messages are kept: those that wait, and those that members are at.
local function count_kept()
  local waiting, lent = 0, 0
  for _, kept in ipairs(shelf) do
    if kept and kept.lent then lent = lent + 1 elseif kept then waiting = waiting + 1 end
  end
  return { waiting, lent }
end

local function ready(leader, given)
  leader:receiveMessage(TroupeReady { number = given.message.number }, given.to)
end

local function gone(leader, address, reason)
  local message = actors.ChildActorExited { childAddress = address, reason = reason }
  leader:receiveMessage(message, address)
end

local function wake(leader)
  leader:receiveMessage(actors.WakeupMessage { payload = table.remove(wakeups) }, "leader")
end

check.test("members are told who leads, and get the requirements", function()
  local leader = troupe {}
  work(leader, "one")
  check.same(created, { { ["thespian.troupe"] = "leader", requirements = { size = 3 } } })
  local given = only()
  check.equal(given.to, "m1")
  check.same({ given.message.message, given.message.sender }, { "one", "user" })
end)

check.test("where no member can be created, work goes back with the reason", function()
  local leader = troupe {}
  refusal = "the system shuts down"
  work(leader, "one")
  local back = only()
  check.equal(back.to, "user")
  check.equal(back.message.poisonMessage, "one")
  check.contains(back.message.details, "the system shuts down")
end)

check.test("where no further member can be created, work waits for those there are", function()
  local leader = troupe {}
  work(leader, "one")
  local given = only()
  refusal = "enough"
  work(leader, "two")
  check.equal(#sent, 0)
  ready(leader, given)
  check.equal(only().message.message, "two")
end)

check.test("what cannot be handed on goes back", function()
  local leader = troupe { max_count = 1 }
  work(leader, "too big")
  local back = only()
  check.equal(back.to, "user")
  check.equal(back.message.poisonMessage, "too big")
  check.contains(back.message.details, "CannotSend")
  work(leader, "small")
  check.equal(only().to, "m1")
end)

check.test("an answer about other work than the member is at counts for nothing", function()
  local leader = troupe { max_count = 1 }
  work(leader, "one")
  local given = only()
  work(leader, "two")
  leader:receiveMessage(TroupeReady { number = given.message.number + 1 }, "m1")
  leader:receiveMessage(PoisonMessage { poisonMessage = TroupeWork { number = 99 } }, "m1")
  check.equal(#sent, 0)
  ready(leader, given)
  local second = only()
  check.equal(second.message.message, "two")
  ready(leader, given)
  check.equal(#sent, 0)
end)

check.test("a message is kept until it is done, and waits until a member has it", function()
  local leader = troupe { max_count = 1 }
  for number = 1, 3 do work(leader, number) end
  check.same(count_kept(), { 2, 1 })
  local given = only()
  ready(leader, given)
  check.same(count_kept(), { 1, 1 })
  gone(leader, given.to, "exit")
  check.same(count_kept(), { 1, 1 }) -- at another member
  ready(leader, table.remove(sent))
  ready(leader, table.remove(sent))
  check.same(count_kept(), { 0, 0 })
end)

check.test("a second try at the same message gives it once", function()
  local leader = troupe { max_count = 2 }
  work(leader, "one")
  leader:receiveMessage("one", "user")
  check.equal(only().message.message, "one")
  check.same(count_kept(), { 0, 1 })
end)

check.test("what was stopped while it was given is given again, its member is not lost", function()
  local leader = troupe { max_count = 1 }
  local lend = core.lend
  core.lend = function() error "stopped" end
  check.raises("stopped", work, leader, "one")
  core.lend = lend
  leader:receiveMessage("one", "user")
  check.equal(#sent, 2)
  check.equal(sent[1].to .. sent[2].to, "m1m1")
  ready(leader, sent[1]) -- of work that counts for nothing
  check.same(count_kept(), { 0, 1 })
  ready(leader, sent[2])
  check.same(count_kept(), { 0, 0 })
  sent = {}
  work(leader, "two")
  check.equal(only().to, "m1")
end)

check.test("a member of a leader that was restarted is asked to exit", function()
  local leader = troupe {}
  leader:receiveMessage(TroupeReady { number = 5 }, "m77")
  local asked = only()
  check.equal(asked.to, "m77")
  check.ok(actors.isinstance(asked.message, actors.ActorExitRequest))
end)

check.test("poison that is not of a member is work", function()
  local leader = troupe {}
  work(leader, PoisonMessage { poisonMessage = "one" })
  check.equal(only().message.message.poisonMessage, "one")
  work(leader, actors.WakeupMessage { payload = "thespian.troupe" }, "somebody")
  check.equal(only().message.message.payload, "thespian.troupe")
end)

check.test("work of a lost member goes to another first, and back after three losses", function()
  local leader = troupe { max_count = 1 }
  work(leader, "deadly")
  work(leader, "next")
  for number = 1, 2 do
    check.equal(only().message.message, "deadly")
    gone(leader, "m" .. number, "killed: by hand")
  end
  check.equal(only().message.message, "deadly")
  gone(leader, "m3", "killed: by hand")
  check.equal(#sent, 2)
  check.equal(sent[1].to, "user")
  check.equal(sent[1].message.poisonMessage, "deadly")
  check.contains(sent[1].message.details, "killed: by hand")
  check.equal(sent[2].message.message, "next")
end)

check.test("a failed start sends work back only where no member ever worked", function()
  local leader = troupe { max_count = 2 }
  work(leader, "one")
  only()
  gone(leader, "m1", "failed to start: on purpose")
  check.equal(only().message.details, "a member of the troupe failed to start: on purpose")
  work(leader, "two")
  local given = only()
  ready(leader, given)
  work(leader, "three")
  work(leader, "four")
  sent = {}
  gone(leader, "m3", "failed to start: on purpose")
  check.equal(only().message.message, "four") -- given to a further one
end)

check.test("those are dismissed that were too many all the time", function()
  local leader = troupe { max_count = 4, idle_count = 1 }
  for number = 1, 4 do work(leader, number) end
  local given = sent
  sent = {}
  for number = 1, 4 do ready(leader, given[number]) end
  check.equal(#wakeups, 1)
  for number = 1, 3 do work(leader, number) end -- three of the four for a moment
  local again = sent
  sent = {}
  for number = 1, 3 do ready(leader, again[number]) end
  wake(leader)
  check.equal(#sent, 0)
  check.equal(#wakeups, 1)
  wake(leader)
  check.equal(#sent, 3)
  check.same({ sent[1].to, sent[2].to, sent[3].to }, { "m4", "m1", "m2" }) -- by how long they rest
  check.ok(actors.isinstance(sent[1].message, actors.ActorExitRequest))
  check.equal(#wakeups, 0)
end)

check.test("an idle member that is gone gets no work", function()
  local leader = troupe { max_count = 2 }
  work(leader, 1)
  ready(leader, only())
  gone(leader, "m1", "exit")
  work(leader, 2)
  check.equal(only().to, "m2")
end)

check.test("a member that was dismissed counts until it is gone, and gets no work", function()
  local leader = troupe { max_count = 1, idle_count = 0 }
  work(leader, 1)
  ready(leader, only())
  wake(leader)
  check.ok(actors.isinstance(only().message, actors.ActorExitRequest))
  work(leader, 2)
  check.equal(#sent, 0)
  gone(leader, "m1", "exit")
  check.equal(only().to, "m2")
end)

check.test("a forged update of settings changes nothing", function()
  local leader = troupe {}
  local update = actors.UpdateTroupeSettings { max_count = 3 }
  update.max_count = -1
  check.raises("max_count is an integer of at least 1, got -1", leader.receiveMessage, leader,
    update, "user")
  leader:receiveMessage("troupe:status?", "user")
  check.contains(only().message, "Max=10")
end)

check.test("other text that begins as a command is work", function()
  local leader = troupe {}
  work(leader, "troupe:other")
  check.equal(only().message.message, "troupe:other")
end)
