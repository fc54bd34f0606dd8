-- w8b: a string of SIZE bytes is sent to an actor and comes back, COUNT times.

local actors = require "thespian.actors"

local monotonic, type = actors.monotonic, type

local Echo = actors.class("Echo", actors.Actor)

function Echo:receiveMessage(message, sender)
  if type(message) == "string" then self:send(sender, message) end
end

local Driver = actors.class("Driver", actors.Actor)

function Driver:receiveMessage(message, sender)
  if type(message) == "string" then
    self.bytes, self.left = self.bytes + #message, self.left - 1
    if self.left > 0 then
      self:send(sender, self.text)
    else
      self:send(self.asker, { seconds = monotonic() - self.start, total = self.bytes,
        whole = message == self.text })
    end
  elseif message.echo then
    self.asker, self.left, self.bytes = sender, message.count, 0
    self.text = ("0123456789abcde\n"):rep(message.size // 16)
    self.start = monotonic()
    self:send(message.echo, self.text)
  end
end

if actors.main(...) then
  local bench = require "lib_bench"
  bench.run(function(asys, count, size)
    local driver, echo = asys:createActor(Driver), asys:createActor(Echo)
    local report = bench.ask(asys, driver, { echo = echo, count = count, size = size })
    bench.check("the bytes", report.total, count * size)
    bench.check("a string that is whole", report.whole, true)
    bench.print("W8b", "MB/s", 2 * count * size / report.seconds / 1e6) -- both ways
  end, bench.counts(20000, 65536))
end

return { Driver = Driver, Echo = Echo }
