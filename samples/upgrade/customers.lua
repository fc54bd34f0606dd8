-- customers: asks the service for prices, without a pause, through an upgrade, and counts who answers.
--
--   thespian-host run customers.lua PORT REQUESTS COMMAND
--
-- COMMAND, which upgrades the service, is run in the background once a tenth of the requests is answered. The
-- last tenth is sent when the front has announced the new version, so that there is something to see of it.
-- Fails when a request is not answered, or twice, or by the old version though it was sent after that.

local actors = require "thespian.actors"

local port, requests, command = ...
requests = math.tointeger(requests)

local WINDOW = 200 -- requests that wait for their answers at any time
local ITEMS = { "apple", "pear", "plum" }

local asys = actors.ActorSystem("multiprocTCPBase", { ["Admin Port"] = math.tointeger(port) })
local front = asys:createActor("front.Front", nil, "prices")

local sent, answered, begun = 0, 0, false
local switched -- how many had been sent when the new version was announced
local version_of, count_of = {}, {}

local function send()
  local most = switched and requests or requests - requests // 10
  while sent < most and sent - answered < WINDOW do
    sent = sent + 1
    asys:tell(front, { number = sent, item = ITEMS[sent % #ITEMS + 1] })
  end
end

local function take(answer)
  assert(answer.number and answer.price, "request failed")
  assert(not version_of[answer.number], "request answered twice")
  version_of[answer.number] = answer.version
  count_of[answer.version] = (count_of[answer.version] or 0) + 1
  answered = answered + 1
end

asys:tell(front, "announce")
while answered < requests do
  send()
  if not begun and answered >= requests // 10 then
    begun = true
    assert(os.execute(command .. " &"))
  end
  local message, why = asys:listen(60)
  assert(not why, why)
  if message.switched then switched = sent else take(message) end
end
-- What would come twice stands before this answer.
local newest = asys:ask(front, "version", 60)
assert(type(newest) == "string", "a request was answered twice")

local late = 0
for number = switched + 1, requests do
  if version_of[number] == 1 then late = late + 1 end
end
assert(late == 0, late .. " requests were answered by version 1 after the switch")
print(("%d requests, each answered once: %d by version 1, %d by version 2"):format(
  requests, count_of[1] or 0, count_of[2] or 0))
print(("%d were sent after the switch was announced, %d of them answered by version 1"):format(
  requests - switched, late))
