-- status: what a system and its actors answer to a Thespian_StatusReq, whatever they are busy with.

local actors = require "thespian.actors"

-- Never sees a status request; does as it is told.
local Worker = actors.class("Worker", actors.Actor)

function Worker:receiveMessage(message, sender)
  if actors.isinstance(message, actors.Thespian_StatusReq) then
    self.intruder = true
  elseif actors.isinstance(message, actors.ActorSystemMessage) then
    return
  elseif message == "intruder" then
    self:send(sender, self.intruder or false)
  elseif message == "for ever" then
    while true do end
  elseif message == "spin" then
    local until_when = actors.monotonic() + 0.05
    repeat until actors.monotonic() > until_when
    self:send(sender, "spun")
  elseif message == "fail" then
    error "as told"
  elseif message == "child" then
    self:send(sender, self:createActor(Worker))
  elseif message == "sleep" then
    for _ = 1, 3 do self:wakeupAfter { hours = 1 } end
    self:send(sender, "asleep")
  elseif type(message) == "table" and message.fill then
    self.hoard = {}
    for number = 1, math.maxinteger do self.hoard[number] = ("x"):rep(100000) .. number end
  else
    self:send(sender, message)
  end
end
Worker.actorMemoryLimit = 4 << 20

-- Asks another for its status, and gives the asker what came.
local Curious = actors.class("Curious", actors.Actor)

function Curious:receiveMessage(message, sender)
  if actors.isinstance(message, actors.Thespian_ActorStatusResponse) then
    self:send(self.asker, { address = message.address, class = message.class, from = sender })
  elseif actors.typename(message) == "ActorAddress" then
    self.asker = sender
    self:send(message, actors.Thespian_StatusReq())
  end
end

if actors.main(...) then
  local scenario = require "lib_scenario"
  local check <close> = require "lib_check"
  local asys = scenario.system()

  local function status_of(address) return scenario.ask(asys, address, actors.Thespian_StatusReq()) end

  check.test("an actor's status has named fields", function()
    local worker = asys:createActor(Worker, nil, "the worker")
    local child = scenario.ask(asys, worker, "child")
    check.equal(scenario.ask(asys, worker, "sleep"), "asleep")
    scenario.ask(asys, worker, "fail")
    local status
    repeat status = status_of(worker) until status.waiting == 0 and status.handled == 2
    check.equal(actors.typename(status), "Thespian_ActorStatusResponse")
    check.ok(actors.isinstance(status, actors.ActorSystemMessage))
    check.equal(status.address, worker)
    check.contains(status.class, "status.Worker")
    check.equal(status.name, "the worker")
    check.equal(status.parent, nil)
    check.equal(status.admin, asys.adminAddress)
    check.equal(status.state, "running")
    check.equal(status.failed, 1)
    check.equal(status.restarts, 0)
    check.equal(status.wakeups, 3)
    check.ok(status.memory > 1000)
    check.equal(math.type(status.time), "float")
    check.equal(#status.children, 1)
    check.equal(status.children[1], child)
    local of_child = status_of(child)
    check.equal(of_child.parent, worker)
    check.equal(of_child.name, nil)
    check.equal(#of_child.children, 0)
    check.equal(scenario.ask(asys, worker, "intruder"), false)
    asys:tell(worker, actors.ActorExitRequest())
  end)

  check.test("the answer comes from who was asked, to actors too", function()
    local worker = asys:createActor(Worker)
    local got = scenario.ask(asys, asys:createActor(Curious), worker)
    check.equal(got.address, worker)
    check.equal(got.from, worker)
    check.contains(got.class, "status.Worker")
  end)

  check.test("an actor that never returns has a status, and so has its full mailbox", function()
    local busy = asys:createActor(Worker)
    local own <close> = asys:private()
    if scenario.base == "simpleSystemBase" then
      -- Without a timeout the program would wait for the handler: it runs here.
      check.equal(select(2, own:ask(busy, "for ever", 0.01)), "timeout")
    else
      own:tell(busy, "for ever")
      for number = 1, 1000 do own:tell(busy, number) end
    end
    local status
    repeat status = own:ask(busy, actors.Thespian_StatusReq(), scenario.patience)
    until scenario.base == "simpleSystemBase" or status.waiting > 1000
    check.equal(status.state, "running")
    check.equal(status.handled, 0)
    check.ok(status.waiting >= 1)
    repeat status = own:ask(busy, actors.Thespian_StatusReq(), scenario.patience) until status.time > 0
    check.equal(own:ask(asys.adminAddress, actors.Thespian_StatusReq(), scenario.patience).base, scenario.base)
    scenario.kill(own, busy)
  end)

  check.test("the time in handlers is that of who spent it", function()
    local spinner, idle = asys:createActor(Worker), asys:createActor(Worker)
    check.equal(scenario.ask(asys, idle, 1), 1)
    -- On workers it is sampled: a machine that is slow to look may miss the first.
    repeat check.equal(scenario.ask(asys, spinner, "spin"), "spun") until status_of(spinner).time >= 0.02
    check.ok(status_of(idle).time < status_of(spinner).time)
  end)

  check.test("restarts are counted, also of who is gone", function()
    local worker = asys:createActor(Worker)
    check.equal(actors.typename(scenario.ask(asys, worker, { fill = true })), "PoisonMessage")
    check.equal(scenario.ask(asys, worker, 1), 1)
    check.equal(status_of(worker).restarts, 1)
    asys:tell(worker, actors.ActorExitRequest())
    local _, why
    repeat _, why = asys:ask(worker, 1, scenario.patience) until why == "dead"
    check.equal(status_of(asys.adminAddress).counters.restarts, 1)
  end)

  check.test("a request to who is gone is a dead letter", function()
    local worker = asys:createActor(Worker)
    asys:tell(worker, actors.ActorExitRequest())
    local answer, why
    repeat answer, why = asys:ask(worker, actors.Thespian_StatusReq(), scenario.patience)
    until why == "dead"
    check.equal(answer, nil)
  end)

  check.test("the admin tells of the whole system", function()
    local named = asys:createActor(Worker, nil, "named")
    local status = status_of(asys.adminAddress)
    check.equal(actors.typename(status), "Thespian_SystemStatusResponse")
    check.equal(status.base, scenario.base)
    check.equal(status.admin, asys.adminAddress)
    check.equal(status.capabilities["Thespian ActorSystem Name"], scenario.base)
    check.equal(status.names.named, named)
    check.equal(status.shutdown, false)
    local found
    for _, actor in ipairs(status.actors) do found = actor.address == named and actor or found end
    check.equal(found.name, "named")
    for _, name in ipairs { "sent", "delivered", "dead", "poisoned", "waiting", "wakeups", "restarts",
      "created", "exited" } do
      check.equal(math.type(status.counters[name]), "integer", name)
    end
    asys:tell(named, actors.ActorExitRequest())
  end)

  check.test("for people the status is a tree", function()
    local parent = asys:createActor(Worker, nil, "grandmother")
    local child = scenario.ask(asys, parent, "child")
    local grandchild = scenario.ask(asys, child, "child")
    local text = tostring(status_of(asys.adminAddress))
    local function indent(address)
      return #text:match("\n( *)" .. tostring(address):gsub("%p", "%%%0"))
    end
    check.contains(text, "Status of actor system " .. scenario.base)
    check.contains(text, "@grandmother")
    check.equal(indent(parent), 4)
    check.equal(indent(child), 6)
    check.equal(indent(grandchild), 8)
    check.contains(tostring(status_of(child)), "Status of actor " .. tostring(child))
    check.contains(tostring(status_of(child)), "Parent: " .. tostring(parent))
    asys:tell(parent, actors.ActorExitRequest())
  end)

  asys:shutdown()
end

return { Worker = Worker, Curious = Curious }
