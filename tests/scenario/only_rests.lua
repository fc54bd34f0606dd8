-- only_rests: who has had nothing to do for a while takes little memory, and nobody can tell otherwise.

local actors = require "thespian.actors"

local Actor = actors.Actor
local Sleeper = actors.class("Sleeper", Actor)

-- Something of everything that an actor may hold: under keys that are objects, in what goes on later, in
-- memory of its own, in more than lies in one piece.
function Sleeper:fill(myself)
  local key, count = {}, 0
  self.kept = { [key] = "table", [self] = "self", [print] = "print", [myself] = "address" }
  self.key, self.myself = key, myself
  self.weak = setmetatable({ [key] = 1 }, { __mode = "k" })
  self.go_on = coroutine.wrap(function() for i = 1, math.huge do coroutine.yield(i) end end)
  self.count = function() count = count + 1 return count end
  self.long, self.float = ("long"):rep(100000), 0.1
  self.list = {}
  for i = 1, 2000 do self.list[i] = { i } end
  for i = 1, 1900 do self.list[i] = nil end
  self.file = io.tmpfile()
  self.file:write "in the file"
end

function Sleeper:look()
  local sum = 0
  for _, one in pairs(self.list) do sum = sum + one[1] end
  self.file:seek "set"
  return {
    self.kept[self.key], self.kept[self], self.kept[print], self.kept[self.myself], self.weak[self.key],
    self.go_on(), self.count(), #self.long, self.float, sum, self.file:read "a", self.myself == self.myAddress,
  }
end

function Sleeper:receiveMessage(message, sender)
  if message == "fill" then
    self:fill(self.myAddress)
    self:send(sender, "filled")
  elseif message == "look" then
    self:send(sender, { look = self:look() })
  elseif message == "wake" then
    self:wakeupAfter { seconds = 3 }
    self:send(sender, "waits")
  elseif actors.isinstance(message, actors.WakeupMessage) then
    self.woken = true
  elseif message == "woken" then
    self:send(sender, self.woken)
  elseif message == "guard" then
    setmetatable({}, { __gc = function() self:send(sender, "collected") end })
    self.last = setmetatable({}, { __gc = function() self:send(sender, "finalized") end })
    self:send(sender, "guarded")
  elseif message == "child" then
    self:send(sender, self:createActor(Sleeper))
  elseif message == "fail" then
    error "as told"
  elseif actors.isinstance(message, actors.ChildActorExited) then
    self.lost = (self.lost or 0) + 1
  elseif message == "memory" then
    self:send(sender, collectgarbage "count" * 1024)
  elseif message == "lost" then
    self:send(sender, self.lost)
  else
    self:send(sender, message)
  end
end

if actors.main(...) then
  local check <close> = require "lib_check"
  local scenario = require "lib_scenario"

  for _, base in ipairs { "simpleSystemBase", "multiprocQueueBase" } do
    scenario.base = base
    local asys = scenario.system()

    local function ask(address, message) return scenario.ask(asys, address, message) end
    local function status_of(address) return ask(address, actors.Thespian_StatusReq()) end
    local function memory_of(address) return status_of(address).memory end

    -- Where something is awaited nothing is sent to who rests; only the system is asked about it.
    local function wait_until(is_so, what)
      local until_when = actors.monotonic() + scenario.patience
      repeat
        if is_so() then return end
        check.equal(asys:listen(0.02), nil)
      until actors.monotonic() > until_when
      error("it does not come to pass that " .. what)
    end

    --- Wakes all, and waits until they rest: then each takes less.
    local function rest(...)
      local awake = {}
      for i, address in ipairs { ... } do awake[i] = ask(address, "memory") end
      for i, address in ipairs { ... } do
        wait_until(function() return memory_of(address) < awake[i] * 0.9 end, "it rests")
      end
    end

    local function sleeper()
      local address = asys:createActor(Sleeper)
      check.equal(ask(address, 1), 1)
      return address
    end

    -- Only of who finds its class as others did before is it known what need not be put aside.
    for _ = 1, 3 do scenario.kill(asys, sleeper()) end

    check.test("who rests on " .. base .. " is as it was when it is woken", function()
      local full, plain, waiting, failing = sleeper(), sleeper(), sleeper(), sleeper()
      local guarded, parent = sleeper(), sleeper()
      check.equal(ask(full, "fill"), "filled")
      local function look(count)
        check.same(ask(full, "look").look, { "table", "self", "print", "address", 1, count, count, 400000, 0.1,
          195050, "in the file", true })
      end
      look(1)
      check.equal(ask(waiting, "wake"), "waits")
      check.equal(ask(guarded, "guard"), "guarded")
      local child = ask(parent, "child")
      rest(full, plain, waiting, failing, guarded, parent, child)

      look(2)
      check.equal(ask(plain, "awake"), "awake")
      check.equal(status_of(plain).handled, 3)
      wait_until(function() return status_of(waiting).handled == 4 end, "time wakes it")
      check.equal(ask(waiting, "woken"), true)
      local poison = ask(failing, "fail")
      check.equal(actors.typename(poison), "PoisonMessage")
      check.contains(poison.details, "as told")
      asys:tell(guarded, actors.ActorExitRequest())
      local told = { asys:listen(scenario.patience), asys:listen(scenario.patience) }
      table.sort(told)
      check.same(told, { "collected", "finalized" })
      scenario.kill(asys, child)
      wait_until(function() return status_of(parent).handled == 4 end, "it hears of its child")

      rest(full, plain, failing, parent)
      look(3)
      check.equal(ask(plain, "again"), "again")
      check.equal(ask(failing, 2), 2)
      check.equal(ask(parent, "lost"), 1)
      scenario.kill(asys, full)
      rest(plain, waiting, failing, parent) -- at the end
    end)

    asys:shutdown()
  end
end

return { Sleeper = Sleeper }
