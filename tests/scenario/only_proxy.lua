-- only_proxy: two systems on a bad line, which delays, cuts and resets in the middle of whatever is
-- said. What actors say to each other arrives all the same, each message once and in order.

local actors = require "thespian.actors"

-- Sends numbers a few at a time, and counts those that come.
local Counter = actors.class("Counter", actors.Actor)

function Counter.actorSystemCapabilityCheck(capabilities, requirements)
  return requirements == nil or capabilities.Colour == requirements.Colour
end

function Counter:receiveMessage(message, sender)
  if message == "more" then
    for _ = 1, 5 do
      self.sent = self.sent + 1
      self:send(self.to, { number = self.sent, ballast = ("x"):rep(self.sent % 97) })
    end
    if self.sent < self.count then self:wakeupAfter { milliseconds = 2 } end
  elseif actors.isinstance(message, actors.WakeupMessage) then
    self:send(self.myAddress, "more")
  elseif message.to then
    self.to, self.count, self.teller, self.sent = message.to, message.count, sender, 0
    self:send(self.myAddress, "more")
    self:tell()
  else
    local wanted = self.last + 1
    if message.number ~= wanted or #message.ballast ~= wanted % 97 then
      self.wrong = self.wrong or ("%d, not %d"):format(message.number, wanted)
    end
    self.last = message.number
    self:tell()
  end
end

function Counter:init() self.last = 0 end

function Counter:tell()
  if self.count and self.last == self.count then self:send(self.teller, self.wrong or "all") end
end

if not actors.main(...) then return { Counter = Counter } end

local check <close> = require "lib_check"
local convention = require "lib_convention"

local base = "multiprocTCPBase" -- over UDP messages may get lost
local count = 600

local function proxy(port, seed)
  local file = os.tmpname()
  local pipe = assert(io.popen(("%s/tests/tools/proxy %d %d >%s"):format(os.getenv "BUILD", port,
    seed, file), "w"))
  local function lines()
    local opened <close> = assert(io.open(file))
    return opened:read("l", "l")
  end
  local printed
  repeat printed = lines() until printed
  return math.tointeger(printed), function()
    assert(pipe:close())
    local _, counts = lines()
    os.remove(file)
    return counts
  end
end

for seed = 1, 2 do
  local patient = { ["Convention Check-in Period"] = 10 }
  local red = convention.system(base, "red", nil, patient)
  convention.watch(red)
  local port, finish = proxy(red.port, seed)
  -- Only the member connects, so there is no way around the proxy.
  patient["Outbound Only"] = true
  local green = convention.system(base, "green", "127.0.0.1:" .. port, patient)
  convention.joins(red, green)

  check.test("every message arrives once, in order, seed " .. seed, function()
    local here = red.asys:createActor(Counter)
    local there = red.asys:createActor(Counter, { Colour = "green" })
    red.asys:tell(here, { to = there, count = count })
    red.asys:tell(there, { to = here, count = count })
    for _ = 1, 2 do
      check.equal(convention.listen(red, "the count", function(message)
        return type(message) == "string"
      end), "all")
    end
  end)

  green.asys:shutdown()
  local counts = finish()
  local closed, reset = counts:match("(%d+) closed, (%d+) reset")
  print(("seed %d: %s"):format(seed, counts))
  check.ok(tonumber(closed) > 3 and tonumber(reset) > 3, counts)
  red.asys:shutdown()
end
