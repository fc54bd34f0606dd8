-- finalizers: __gc in actors is as the manual says, but for when it runs: between messages.

local actors = require "thespian.actors"

local Keeper = actors.class("Keeper", actors.Actor)

function Keeper:init() log = {} end

local acts = {}

function acts.order()
  for i = 1, 3 do setmetatable({}, { __gc = function() log[#log + 1] = i end }) end
end

function acts.revived()
  local weak_values, weak_keys = setmetatable({}, { __mode = "v" }), setmetatable({}, { __mode = "k" })
  kept = { weak_values, weak_keys }
  do
    local object = setmetatable({ name = "object" }, { __gc = function(self)
      log[#log + 1] = self.name .. tostring(weak_values[1]) .. tostring(weak_keys[self])
      revived = self
    end })
    weak_values[1], weak_keys[object] = object, "key"
  end
end

function acts.again() -- marked once more, finalized once more
  local meta = {}
  meta.__gc = function(self)
    log[#log + 1] = "again"
    if #log < 3 then setmetatable(self, meta) end
  end
  setmetatable({}, meta)
end

function acts.late() -- the field counts when the object is marked, its value when it is finalized
  local unmarked, marked, emptied = {}, { __gc = true }, { __gc = true }
  setmetatable({}, unmarked)
  setmetatable({}, marked)
  setmetatable({}, emptied)
  unmarked.__gc = function() log[#log + 1] = "unmarked" end
  marked.__gc = function() log[#log + 1] = "marked" end
  emptied.__gc = nil
end

function acts.cycle()
  local one, other = {}, {}
  one.other, other.one = other, one
  setmetatable(one, { __gc = function(self) log[#log + 1] = self.other.one == self end })
end

function acts.failing()
  setmetatable({}, { __gc = function() log[#log + 1] = "after" end })
  setmetatable({}, { __gc = function() error "in __gc" end })
end

function acts.visible()
  local meta = { __gc = function() end, other = 1 }
  local object, count = setmetatable({}, meta), 0
  for _ in pairs(meta) do count = count + 1 end
  log[1] = getmetatable(object) == meta and type(meta.__gc) == "function" and count == 2
  log[2] = select(2, pcall(setmetatable, setmetatable({}, { __metatable = 1 }), {}))
  log[3] = select(2, pcall(setmetatable, {}))
  log[4] = debug.setmetatable(object, nil) == object and getmetatable(object) == nil
  log[5] = select(2, pcall(debug.setmetatable, io.stdout, { __gc = function() end }))
end

function acts.yielding()
  setmetatable({}, { __gc = function() log[#log + 1] = select(2, pcall(coroutine.yield)) end })
  setmetatable({}, { __gc = function() log[#log + 1] = coroutine.wrap(function() coroutine.yield "within" end)() end })
end

function acts.many() -- a handler that makes many does not keep them until its end
  local most, alive = 0, 0
  local meta = { __gc = function() alive = alive - 1 end }
  for i = 1, 20000 do
    setmetatable({}, meta)
    alive = alive + 1
    if i % 100 == 0 then collectgarbage() end
    most = math.max(most, alive)
  end
  log[1] = most < 1000
end

function acts.sleeping() -- longer than a turn: interrupted, not stopped
  setmetatable({}, { __gc = function()
    local start = os.clock()
    while os.clock() - start < 0.1 do end
    log[#log + 1] = "slept"
  end })
end

function Keeper:receiveMessage(message, sender)
  if message == "log" then
    self:send(sender, log)
    log = {}
  elseif message == "collect" then
    collectgarbage()
  elseif acts[message] then
    acts[message]()
  elseif type(message) == "table" and message.teller then -- at the end of the actor
    for i = 1, 3 do
      left = { left, setmetatable({}, { __gc = function() self:send(message.teller, { ended = i }) end }) }
    end
    self:send(self.myAddress, actors.ActorExitRequest())
  end
end

local Teller = actors.class("Teller", actors.Actor)

function Teller:receiveMessage(message, sender)
  if message == "go" then
    self.asker, self.heard = sender, {}
    self:send(self:createActor(Keeper), { teller = self.myAddress })
  elseif type(message) == "table" and message.ended then
    table.insert(self.heard, message.ended)
  elseif actors.isinstance(message, actors.ChildActorExited) then
    self:send(self.asker, self.heard)
  end
end

if actors.main(...) then
  local scenario = require "lib_scenario"
  local check <close> = require "lib_check"
  local asys = scenario.system()
  local keeper = asys:createActor(Keeper)

  local function logged(act)
    asys:tell(keeper, act)
    for _ = 1, 3 do asys:tell(keeper, "collect") end
    return scenario.ask(asys, keeper, "log")
  end

  check.test("newest first, between messages", function() check.same(logged "order", { 3, 2, 1 }) end)
  check.test("weak values are gone, weak keys not yet", function() check.same(logged "revived", { "objectnilkey" }) end)
  check.test("an object can be marked again", function() check.same(logged "again", { "again", "again", "again" }) end)
  check.test("what counts when", function() check.same(logged "late", { "marked" }) end)
  check.test("cycles", function() check.same(logged "cycle", { true }) end)
  check.test("an error stops no other", function() check.same(logged "failing", { "after" }) end)
  check.test("nothing of it is seen", function()
    local seen = logged "visible"
    check.equal(seen[1], true)
    check.equal(seen[2], "cannot change a protected metatable")
    check.contains(seen[3], "nil or table expected")
    check.equal(seen[4], true)
    check.contains(seen[5], "a userdata's own __gc cannot be replaced")
  end)
  check.test("yields", function()
    check.same(logged "yielding", { "within", "attempt to yield from outside a coroutine" })
  end)
  check.test("many in one handler", function() check.same(logged "many", { true }) end)
  check.test("one that lasts", function() check.same(logged "sleeping", { "slept" }) end)
  check.test("at the end of the actor, newest first", function()
    check.same(scenario.ask(asys, asys:createActor(Teller), "go"), { 3, 2, 1 })
  end)

  asys:shutdown()
end

return { Keeper = Keeper, Teller = Teller }
