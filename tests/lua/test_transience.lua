-- The decorators transient and transient_idle with a clock that is moved by hand.
local check <close> = require "lib_check"
local actors = require "thespian.actors"
local core = require "thespian.core"
local layers = require "thespian.layers"

local now, wakeups, exits, handled

-- What the runtime does in an actor's state.
core.monotonic = function() return now end
core.wakeup = function(seconds, period, payload)
  wakeups[#wakeups + 1] = { at = now + seconds, period = period, payload = payload }
end
core.send = function(_, address, message)
  if address == "me" and actors.isinstance(message, actors.ActorExitRequest) then
    exits = exits + 1
  end
end

local function actor(...)
  local Worker = actors.class("Worker", actors.Actor)
  function Worker:receiveMessage(message) handled[#handled + 1] = message end
  for _, decorator in ipairs { ... } do decorator(Worker) end
  now, wakeups, exits, handled = 100, {}, 0, {}
  return layers.dress { self = setmetatable({ myAddress = "me" }, Worker.__meta) }
end

--- Moves the clock to when the first wakeup is due, and delivers it.
local function wake(target)
  local wakeup = table.remove(wakeups, 1)
  now = wakeup.at
  local message = actors.WakeupMessage { delayPeriod = wakeup.period, payload = wakeup.payload }
  target:receiveMessage(message, "me")
end

check.test("transient begins with the first message of any kind, and once", function()
  local worker = actor(actors.transient { minutes = 1 })
  check.equal(#wakeups, 0)
  worker:receiveMessage(actors.LoadedSource(), "other")
  worker:receiveMessage("more", "other")
  check.equal(#wakeups, 1)
  check.equal(wakeups[1].at, 160.0)
  check.equal(exits, 0)
  wake(worker)
  check.equal(exits, 1)
  check.equal(#handled, 2)
end)

check.test("transient_idle waits on while messages come", function()
  local worker = actor(actors.transient_idle(10))
  worker:receiveMessage("one", "other")
  now = 106
  worker:receiveMessage("two", "other")
  wake(worker) -- at 110
  check.equal(now, 110.0)
  check.equal(exits, 0)
  check.equal(wakeups[1].at, 116.0)
  now = 115
  worker:receiveMessage(actors.LoadedSource(), "other") -- of the system: counts for nothing
  wake(worker)
  check.equal(now, 116.0)
  check.equal(exits, 1)
  check.equal(#handled, 3)
  check.equal(#wakeups, 0)
end)

check.test("transient_idle does not begin with messages of the system", function()
  local worker = actor(actors.transient_idle(10))
  worker:receiveMessage(actors.LoadedSource(), "other")
  check.equal(#wakeups, 0)
end)

check.test("wakeups of the actor's own are its own", function()
  local worker = actor(actors.transient(1), actors.transient_idle(2))
  worker:receiveMessage("one", "other")
  check.equal(#wakeups, 2)
  worker:receiveMessage(actors.WakeupMessage { payload = "mine" }, "me")
  worker:receiveMessage(actors.WakeupMessage { payload = wakeups[1].payload }, "somebody else")
  check.equal(exits, 0)
  check.equal(#handled, 3)
end)
