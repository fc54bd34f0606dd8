-- only_remote_pressure: a sender on one system that is faster than the receiver on another. It waits,
-- nothing is lost, and nobody else is kept waiting.

local actors = require "thespian.actors"

local Fit = actors.class("Fit", actors.Actor)
function Fit.actorSystemCapabilityCheck(capabilities, requirements)
  return requirements == nil or capabilities.Colour == requirements.Colour
end

-- Busy with its first message until there is a file; then takes all, and says so to who asked.
local Consumer = actors.class("Consumer", Fit)
function Consumer:receiveMessage(message)
  if type(message) == "table" then
    self.last, self.count, self.teller = 0, message.count, message.teller
    repeat local file = io.open(message.file) until file
  elseif type(message) == "number" then
    if message ~= self.last + 1 then
      self.wrong = self.wrong or ("%d after %d"):format(message, self.last)
    end
    self.last = message
    if message == self.count then self:send(self.teller, self.wrong or "all") end
  end
end

local Producer = actors.class("Producer", Fit)
function Producer:receiveMessage(message)
  if type(message) ~= "table" then return end
  for i = 1, message.count do self:send(message.to, i) end
end

local Echo = actors.class("Echo", Fit)
function Echo:receiveMessage(message, sender) self:send(sender, message) end

if not actors.main(...) then return { Consumer = Consumer, Producer = Producer, Echo = Echo } end

local check <close> = require "lib_check"
local convention = require "lib_convention"

local base = "multiprocTCPBase" -- over UDP messages may get lost
local count, limit, producers = 5000, 100, 2

-- What is on its way still comes when a sender is told to wait.
local bound = 6 * limit

local patient = { ["Convention Check-in Period"] = 10, ["Mailbox Limit"] = limit }
local red = convention.system(base, "red", nil, patient)
convention.watch(red)
local green = convention.system(base, "green", red.place, patient)
convention.joins(red, green)
local there = { Colour = "green" }

local function waiting(address)
  return assert(red.asys:ask(address, actors.Thespian_StatusReq(), convention.patience)).waiting
end

check.test("who sends more than is taken elsewhere waits; nobody else does", function()
  local file = os.tmpname()
  os.remove(file)
  local echo = red.asys:createActor(Echo, there)
  local consumers = {}
  for i = 1, producers do
    consumers[i] = red.asys:createActor(Consumer, there)
    red.asys:tell(consumers[i], { file = file, count = count, teller = red.asys.endpointAddress })
    red.asys:tell(red.asys:createActor(Producer), { to = consumers[i], count = count })
  end
  for i = 1, producers do repeat until waiting(consumers[i]) >= limit end
  for i = 1, 50 do check.equal(red.asys:ask(echo, i, convention.patience), i) end
  -- A status is asked for through who stands for the actor here, who is held for a second each time.
  for _ = 1, 4 do waiting(consumers[1]) end
  for i = 1, producers do
    local held = waiting(consumers[i])
    check.ok(held < bound, ("%d messages wait in a mailbox for %d"):format(held, limit))
  end
  local status = assert(red.asys:ask(red.admin, actors.Thespian_StatusReq(), convention.patience))
  check.ok(status.counters.waiting < bound, "they wait at the sender's")
  assert(io.open(file, "w")):close()
  for _ = 1, producers do check.equal(red.asys:listen(convention.patience), "all") end
  os.remove(file)
end)

green.asys:shutdown()
red.asys:shutdown()
