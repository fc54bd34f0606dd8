-- w8: a nested record is sent to an actor and comes back, COUNT times.

local actors = require "thespian.actors"

local monotonic = actors.monotonic

local Echo = actors.class("Echo", actors.Actor)

function Echo:receiveMessage(message, sender)
  if message.tags then self:send(sender, message) end
end

local function record()
  local made = { id = 0, name = "a name of 24 characters.", tags = {}, attrs = {},
    pos = { x = 1.5, y = -2.25, z = 1e-3 } }
  for i = 1, 10 do made.tags[i], made.attrs["key" .. i] = "tag" .. i, i * i end
  return made
end

local function is_equal(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b and math.type(a) == math.type(b) end
  for key, value in pairs(a) do
    if not is_equal(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

local Driver = actors.class("Driver", actors.Actor)

function Driver:receiveMessage(message, sender)
  if message.tags then
    local id = message.id
    self.sum = self.sum + id
    if id < self.count then
      self.record.id = id + 1
      self:send(sender, self.record)
    else
      self:report(message)
    end
  elseif message.echo then
    self.asker, self.count, self.sum = sender, message.count, 0
    self.record = record()
    self.start = monotonic()
    self.record.id = 1
    self:send(message.echo, self.record)
  end
end

function Driver:report(message)
  self:send(self.asker, { seconds = monotonic() - self.start, total = self.sum,
    whole = is_equal(message, self.record) })
end

if actors.main(...) then
  local bench = require "lib_bench"
  bench.run(function(asys, count)
    local driver, echo = asys:createActor(Driver), asys:createActor(Echo)
    local report = bench.ask(asys, driver, { echo = echo, count = count })
    bench.check("the sum", report.total, count * (count + 1) // 2)
    bench.check("a record that is whole", report.whole, true)
    bench.print("W8", "round-trips/s", count / report.seconds)
  end, bench.counts(100000))
end

return { Driver = Driver, Echo = Echo }
