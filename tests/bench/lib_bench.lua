-- lib_bench: what the benchmarks share.
--
-- Each is a program of its own, `thespian-host run w1.lua [COUNT...] [BASE]`, and does the work at its full
-- size on multiprocQueueBase unless told otherwise. It prints lines of three words, WORK UNIT NUMBER, and
-- fails when what it counted does not add up. Actors hold the clock: from the first send to the last receipt.

local actors = require "thespian.actors"

local bench = {}

--- How long a program waits for actors: a hang is a failure, not a result.
bench.patience = 1200

--- The arguments of this program: the numbers, where there are none the defaults; and the base.
---@return integer ...
function bench.counts(...)
  local counts = { ... }
  for i = 1, #counts do
    if arg[i] and not arg[i]:find "Base$" then
      counts[i] = math.tointeger(tonumber(arg[i])) or error("not a count: " .. arg[i], 2)
    end
  end
  return table.unpack(counts)
end

local function base()
  for _, word in ipairs(arg) do
    if word:find "Base$" then return word end
  end
  return "multiprocQueueBase"
end

--- Runs work(asys, ...) in a system of default settings, and ends that whatever happens.
function bench.run(work, ...)
  local asys = actors.ActorSystem(base(), { ["Admin Port"] = 0 }, nil, true)
  local done, raised = pcall(work, asys, ...)
  asys:shutdown()
  if not done then error(raised, 0) end
end

--- Asks an actor, waits patiently, and gives its answer.
function bench.ask(asys, actor, message)
  local answer, why = asys:ask(actor, message, bench.patience)
  if why then error("no answer: " .. why, 2) end
  if actors.isinstance(answer, actors.PoisonMessage) then error(answer.details, 2) end
  return answer
end

--- What was counted must be what was to be counted.
function bench.check(what, got, expected)
  if got ~= expected then error(("%s: %s, not %s"):format(what, got, expected), 2) end
end

function bench.print(work, unit, number) print(("%s %s %.10g"):format(work, unit, number)) end

--- The resident memory of this process, in bytes.
function bench.resident()
  local file <close> = assert(io.open "/proc/self/status")
  return 1024 * tonumber(file:read("a"):match "VmRSS:%s*(%d+) kB")
end

return bench
