-- lib_scenario: what the stories that run on every base have in common. A story is run as FILE BASE.

local actors = require "thespian.actors"

local scenario = { base = arg and arg[1] or "simpleSystemBase" }

--- How long a story waits for what must come: a hang is a failure, not a timing.
scenario.patience = 60

local started = {}

-- A story that fails half-way must not leave a process behind.
scenario.guard = setmetatable({}, {
  __gc = function()
    for _, asys in ipairs(started) do pcall(asys.shutdown, asys) end
  end,
})

--- A system of the story's own, on a free port where it has one.
function scenario.system(capabilities)
  local all = { ["Admin Port"] = 0 }
  for name, value in pairs(capabilities or {}) do all[name] = value end
  local asys = actors.ActorSystem(scenario.base, all, false, true)
  table.insert(started, asys)
  return asys
end

--- Asks, and fails when no answer comes.
function scenario.ask(asys, address, message)
  local answer, why = asys:ask(address, message, scenario.patience)
  assert(why == nil, "no answer: " .. tostring(why))
  return answer
end

--- The next message; fails when none comes.
function scenario.listen(asys)
  local message, why = asys:listen(scenario.patience)
  assert(why == nil, "no message: " .. tostring(why))
  return message
end

return scenario
