-- values: what can be a message arrives as it was, on every base.

local actors = require "thespian.actors"

local Point = actors.class("Point")
function Point:init(x, y) self.x, self.y = x, y end
function Point:sum() return self.x + self.y end
function Point.__eq(one, other) return one.x == other.x and one.y == other.y end

local Point3 = actors.class("Point3", Point)
function Point3:init(x, y, z)
  Point.init(self, x, y)
  self.z = z
end

local Echo = actors.class("Echo", actors.Actor)
function Echo:receiveMessage(message, sender) self:send(sender, message) end

-- Says how what it gets looks to it.
local Inspector = actors.class("Inspector", actors.Actor)
function Inspector:receiveMessage(message, sender)
  local seen = { typename = actors.typename(message), same = message == self.kept }
  if type(message) == "userdata" then
    self.table = self.table or {}
    seen.known = self.table[message]
    self.table[message] = "seen before"
    seen.text = tostring(message)
    seen.mine = message == self.myAddress
  elseif actors.isinstance(message, Point) then
    seen.sum = message:sum()
    seen.isPoint3 = actors.isinstance(message, Point3)
  elseif message == "grow" then
    local sent, raised = pcall(self.send, self, sender, ("x"):rep(65534))
    seen.refused = not sent and tostring(raised)
  elseif type(message) == "table" then
    seen.shared = message.one ~= nil and message.one == message.other
    seen.cycle = message.me == message
  end
  self:send(sender, seen)
end

-- A message to oneself is a copy, too.
local Selfish = actors.class("Selfish", actors.Actor)
function Selfish:receiveMessage(message, sender)
  if message == "go" then
    self.asker, self.sent = sender, { 1 }
    self:send(self.myAddress, self.sent)
  else
    self:send(self.asker, { own = message == self.sent, value = message[1], from_me = sender == self.myAddress })
  end
end

if actors.main(...) then
  local scenario = require "lib_scenario"
  local check <close> = require "lib_check"
  local asys = scenario.system()
  local echo = asys:createActor(Echo)
  local inspector = asys:createActor(Inspector)
  local function back(value) return scenario.ask(asys, echo, value) end

  local datagrams = scenario.base == "multiprocUDPBase"

  check.test("plain values come back as they were", function()
    local longest = datagrams and 65533 or 70000 -- 65536 bytes with their head
    local values = { true, false, 0, -1, 127, 128, -33, 2 ^ 53, math.maxinteger, math.mininteger, 1.0, -0.5,
      1e308, math.huge, -math.huge, "", "text", "any\0bytes\xff", ("x"):rep(longest) }
    for _, value in ipairs(values) do check.equal(back(value), value) end
    check.equal(1 / back(-0.0), -math.huge)
    local nan = back(0 / 0)
    check.ok(nan ~= nan)
    check.equal(back(nil), nil)
  end)

  check.test("integers and floats stay distinct", function()
    check.equal(math.type(back(3)), "integer")
    check.equal(math.type(back(3.0)), "float")
    check.equal(scenario.ask(asys, inspector, 3).typename, "integer")
    check.equal(scenario.ask(asys, inspector, 3.0).typename, "float")
  end)

  check.test("tables keep their shape", function()
    check.same(back {}, {})
    check.same(back { 1, 2, 3 }, { 1, 2, 3 })
    check.same(back { 1, nil, 3 }, { 1, nil, 3 })
    check.same(back { 1, 2, x = { y = { [1.5] = "z", [true] = false } } },
      { 1, 2, x = { y = { [1.5] = "z", [true] = false } } })
    check.same(back { [10] = 1, [20] = 2, [-3] = 3 }, { [10] = 1, [20] = 2, [-3] = 3 })
  end)

  check.test("shared tables and cycles survive", function()
    local shared, ring = { 1 }, {}
    ring.me = ring
    local seen = scenario.ask(asys, inspector, { one = shared, other = shared })
    check.equal(seen.shared, true)
    check.equal(scenario.ask(asys, inspector, { one = { 1 }, other = { 1 } }).shared, false)
    check.equal(scenario.ask(asys, inspector, ring).cycle, true)
    local answer = back { ring, ring, shared }
    check.ok(answer[1] == answer[2] and answer[1].me == answer[1])
  end)

  check.test("instances arrive as instances of their class", function()
    local seen = scenario.ask(asys, inspector, Point(3, 4))
    check.equal(seen.typename, "Point")
    check.equal(seen.sum, 7)
    check.equal(seen.isPoint3, false)
    check.equal(scenario.ask(asys, inspector, Point3(1, 2, 3)).isPoint3, true)
    local answer = back(Point(5, 6))
    check.ok(actors.isinstance(answer, Point))
    check.equal(answer, Point(5, 6))
    local nested = back { list = { Point(1, 2) } }
    check.equal(nested.list[1]:sum(), 3)
  end)

  check.test("addresses are one value in a state, and opaque", function()
    check.equal(back(echo), echo)
    check.equal(({ [echo] = "found" })[back(echo)], "found")
    check.equal(scenario.ask(asys, inspector, echo).known, nil)
    check.equal(scenario.ask(asys, inspector, echo).known, "seen before")
    check.equal(scenario.ask(asys, inspector, inspector).mine, true)
    check.equal(scenario.ask(asys, inspector, echo).text, tostring(echo))
    check.equal(actors.typename(echo), "ActorAddress")
  end)

  check.test("what cannot travel is refused with the path to it", function()
    local jobs = { {}, {}, { callback = print } }
    local raised = check.raises("message.jobs[3].callback is a function",
      asys.tell, asys, echo, { jobs = jobs })
    check.ok(actors.isinstance(raised, actors.CannotSend))
    check.raises("CannotSend: ", asys.tell, asys, echo, coroutine.create(print))
    check.raises("CannotSend: ", asys.tell, asys, echo, io.stdout)
    check.equal(back("still there"), "still there")
  end)

  -- The largest message has 64 KiB where it must fit into datagrams, so more is only refused there.
  if datagrams then
    check.test("a message past the limit is refused to its sender", function()
      local raised = check.raises("65536", asys.tell, asys, echo, ("x"):rep(65534))
      check.ok(actors.isinstance(raised, actors.CannotSend))
      check.contains(scenario.ask(asys, inspector, "grow").refused, "CannotSend: ")
      check.equal(back("still there"), "still there")
    end)
  end

  check.test("an address is needed to send", function()
    local raised = check.raises("InvalidActorAddress: ", asys.tell, asys, "nobody", 1)
    check.ok(actors.isinstance(raised, actors.InvalidActorAddress))
    check.ok(actors.isinstance(raised, actors.ActorSystemException))
  end)

  check.test("a message to oneself is a copy", function()
    check.same(scenario.ask(asys, asys:createActor(Selfish), "go"),
      { own = false, value = 1, from_me = true })
  end)

  asys:shutdown()
end

return { Point = Point, Point3 = Point3, Echo = Echo, Inspector = Inspector, Selfish = Selfish }
