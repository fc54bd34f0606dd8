-- lib_scenario: what the stories that run on every base have in common. A story is run as FILE BASE.

local actors = require "thespian.actors"

local scenario = { base = arg and arg[1] or "simpleSystemBase" }

--- How long a story waits for what must come: a hang is a failure, not a timing.
scenario.patience = 60

local guards = {}

--- A story that fails half-way must not leave a process behind. Finalizers run newest first: this one
--- before that of the connection, which is older.
local function guard(asys)
  local function shut() pcall(getmetatable(asys).__index.shutdown, asys) end
  table.insert(guards, setmetatable({}, { __gc = shut }))
end

--- The counters of a system at rest; fails when its books do not balance. What asks for them comes on an
--- endpoint of its own, so that nothing that still waits for the story is taken.
function scenario.balance(asys)
  local own <close> = asys:private()
  local until_when = actors.monotonic() + scenario.patience
  local counters, concluded
  repeat
    local status = own:ask(asys.adminAddress, actors.Thespian_StatusReq(), scenario.patience)
    counters = assert(status, "no status").counters
    concluded = counters.delivered + counters.dead + counters.poisoned + counters.waiting
    -- Whoever is in the middle of a message has not concluded it yet.
  until concluded == counters.sent or actors.monotonic() > until_when
  if concluded ~= counters.sent then
    error(("the books do not balance: %d sent, but %d delivered + %d dead + %d poisoned + %d waiting = %d")
      :format(counters.sent, counters.delivered, counters.dead, counters.poisoned, counters.waiting,
        concluded), 2)
  end
  return counters
end

--- Every system of a story ends with a look at its books.
local function shut_down(asys)
  if not asys._system.down then scenario.balance(asys) end
  return getmetatable(asys).__index.shutdown(asys)
end

--- A system of the story's own, on a free port where it has one.
function scenario.system(capabilities)
  local all = { ["Admin Port"] = 0 }
  for name, value in pairs(capabilities or {}) do all[name] = value end
  local asys = actors.ActorSystem(scenario.base, all, false, true)
  asys.shutdown = shut_down
  guard(asys)
  return asys
end

--- Asks, and fails when no answer comes.
function scenario.ask(asys, address, message)
  local answer, why = asys:ask(address, message, scenario.patience)
  assert(why == nil, "no answer: " .. tostring(why))
  return answer
end

--- Has the runtime end an actor, whatever it does, and waits until it is gone.
function scenario.kill(asys, address)
  asys._connection:request("EXIT", address, true)
  local _, why
  repeat _, why = asys:ask(address, actors.Thespian_StatusReq(), scenario.patience) until why == "dead"
end

--- The next message; fails when none comes.
function scenario.listen(asys)
  local message, why = asys:listen(scenario.patience)
  assert(why == nil, "no message: " .. tostring(why))
  return message
end

return scenario
