-- fairness: ten actors that never return beside a thousand that answer; prints how long an ask takes.
-- Run by fairness.sh; arguments: how many asks, and the goal for the 99th percentile in milliseconds.

local actors = require "thespian.actors"

local SPINNING, ANSWERING = 10, 1000

local Spinner = actors.class("Spinner", actors.Actor)

function Spinner:receiveMessage(message) if message == "spin" then while true do end end end

local Echo = actors.class("Echo", actors.Actor)

function Echo:receiveMessage(message, sender)
  if type(message) == "number" then self:send(sender, message) end
end

if actors.main(...) then
  local core = require "thespian.core"
  local count, goal = tonumber(arg[1]) or 1000, tonumber(arg[2]) or 50
  local asys = actors.ActorSystem("multiprocQueueBase", { ["Exit Time Limit"] = 0.1 }, false, true)
  local echoes, times = {}, {}
  for i = 1, ANSWERING do echoes[i] = asys:createActor(Echo) end
  for _ = 1, SPINNING do asys:tell(asys:createActor(Spinner), "spin") end
  for i = 1, ANSWERING do asys:tell(echoes[i], i) end
  for _ = 1, ANSWERING do assert(math.type(asys:listen(60)) == "integer", "not all answer") end
  for i = 1, count do
    local start = core.monotonic()
    assert(asys:ask(echoes[i % ANSWERING + 1], i, 60) == i)
    times[i] = (core.monotonic() - start) * 1000
  end
  table.sort(times)
  local p99 = times[math.ceil(count * 0.99)]
  print(("an ask beside %d spinning actors: p50 %.2f ms, p99 %.2f ms, max %.2f ms (goal: p99 < %g ms)"):format(SPINNING,
    times[math.ceil(count / 2)], p99, times[count], goal))
  asys:shutdown()
  assert(p99 < goal, "the goal is missed")
end

return { Spinner = Spinner, Echo = Echo }
