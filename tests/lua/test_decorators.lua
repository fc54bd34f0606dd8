local check <close> = require "lib_check"
local actors = require "thespian.actors"
local layers = require "thespian.layers"
local naming = require "thespian.naming"

local function worker(name, base) return actors.class(name or "Worker", base or actors.Actor) end

--- What a class's actor does with a message; its layers make no use of the runtime.
local function receive(Class, message, more)
  local birth = { self = setmetatable({}, Class.__meta) }
  for key, value in pairs(more or {}) do birth[key] = value end
  return (layers.dress(birth)):receiveMessage(message, "sender")
end

--- A decorator that writes down what passes.
local function tracing(kind, log)
  return layers.decorator {
    kind = kind,
    wrap = function(_, inner)
      return function(message, sender)
        log[#log + 1] = kind
        return inner(message, sender)
      end
    end,
  }
end

check.test("a decorated class is the same class", function()
  local Worker = worker()
  function Worker.__eq() return true end
  for _, decorator in ipairs {
    actors.requireCapability "x", actors.transient(1), actors.transient_idle(1),
    actors.initializing_messages { { "count", "integer" } },
  } do
    check.ok(rawequal(decorator(Worker), Worker))
  end
  check.ok(rawequal(actors.troupe {}(worker()).super, actors.Actor))
  check.equal(Worker.name, "Worker")
  check.equal(naming.qualified(Worker.__meta), "test_decorators.Worker")
  check.equal(Worker(), Worker())
end)

check.test("the decorator that was applied last sees a message first", function()
  local log, Worker = {}, worker()
  function Worker:receiveMessage(message) log[#log + 1] = message end
  tracing("outer", log)(tracing("inner", log)(Worker))
  receive(Worker, "message")
  check.same(log, { "outer", "inner", "message" })
end)

check.test("methods may be assigned before and after, and super has no layers", function()
  local log = {}
  local Base = tracing("base", log)(worker "Base")
  function Base:receiveMessage(message) log[#log + 1] = "Base " .. message end
  local Sub = tracing("sub", log)(worker("Sub", Base))
  function Sub:receiveMessage(message)
    log[#log + 1] = "Sub " .. message
    Sub.super.receiveMessage(self, message)
  end
  receive(Sub, "x")
  check.same(log, { "sub", "base", "Sub x", "Base x" })
  log[1], log[2], log[3], log[4] = nil, nil, nil, nil
  receive(Base, "y")
  check.same(log, { "base", "Base y" })
end)

check.test("an actor may change its receiveMessage", function()
  local log, Worker = {}, worker()
  function Worker:receiveMessage(message)
    log[#log + 1] = message
    self.receiveMessage = function(_, later) log[#log + 1] = "now " .. later end
  end
  tracing("layer", log)(Worker)
  local actor = layers.dress { self = setmetatable({}, Worker.__meta) }
  actor:receiveMessage "one"
  actor:receiveMessage "two"
  check.same(log, { "layer", "one", "layer", "now two" })
end)

check.test("a derived class's layer replaces its base's of the same kind", function()
  local one, other = {}, {}
  local Base = tracing("kind", one)(worker "Base")
  receive(tracing("kind", other)(worker("Sub", Base)), 1)
  check.equal(#one, 0)
  check.equal(#other, 1)
  receive(worker("Heir", Base), 1)
  check.equal(#one, 1)
end)

check.test("required capabilities are stacked on the class's own check", function()
  local Worker = worker()
  function Worker.actorSystemCapabilityCheck(capabilities, requirements)
    return capabilities.own == requirements
  end
  actors.requireCapability "one"(actors.requireCapability("two", { 5, 4 })(Worker))
  local fits = Worker.actorSystemCapabilityCheck
  check.equal(fits({ one = 1, two = { 5, 4 }, own = 7 }, 7), true)
  check.equal(fits({ one = 1, two = { 5, 4 }, own = 7 }, 8), false)
  check.equal(fits({ one = 0, two = { 5, 4 } }), true) -- 0 is true in Lua
  for _, capabilities in ipairs {
    { two = { 5, 4 } }, { one = false, two = { 5, 4 } }, { one = 1, two = { 5 } },
    { one = 1, two = { 5, 4, 3 } }, { one = 1 }, { one = 1, two = 5 },
  } do
    check.equal(fits(capabilities), false)
  end
end)

check.test("a check that is assigned later is asked with the capabilities", function()
  local Worker = actors.requireCapability("one", false)(worker())
  check.equal(Worker.actorSystemCapabilityCheck { one = false }, true)
  check.equal(Worker.actorSystemCapabilityCheck {}, false)
  function Worker.actorSystemCapabilityCheck(capabilities) return capabilities.two end
  check.equal(Worker.actorSystemCapabilityCheck { one = false, two = 2 }, 2)
  check.equal(Worker.actorSystemCapabilityCheck { one = true, two = 2 }, false)
  check.equal(Worker.actorSystemCapabilityCheck { one = false }, nil)
end)

check.test("an inherited check holds, too", function()
  local Base = actors.requireCapability "base"(worker "Base")
  local Sub = actors.requireCapability "sub"(worker("Sub", Base))
  local fits = Sub.actorSystemCapabilityCheck
  check.equal(fits { base = 1, sub = 1 }, true)
  check.equal(fits { sub = 1 }, false)
  check.equal(fits { base = 1 }, false)
  check.equal(Base.actorSystemCapabilityCheck { base = 1 }, true)
end)

--- Checks that what a chunk does is refused with the line of it, and these words.
local function refused(part, text)
  local chunk = assert(load("local actors, Worker, Plain, Crew, Init = ...\n" .. text, "=chunk"))
  local Crew = actors.troupe {}(worker "Crew")
  local Init = actors.initializing_messages { { "a", "string" } }(worker "Init")
  local raised = check.raises(part, chunk, actors, worker(), actors.class "Plain", Crew, Init)
  check.contains(raised, "chunk:2:")
end

check.test("misuse is refused at the line of the caller", function()
  local needs_table = "actors.troupe takes a table such as {max_count = 10, idle_count = 2}; got "
  refused(needs_table .. "nil", "local _ = actors.troupe()")
  refused(needs_table .. "class Worker", "local _ = actors.troupe(Worker)")
  refused(needs_table .. "5", "local _ = actors.troupe(5)")
  refused("max_count is an integer of at least 1, got 0", "local _ = actors.troupe{max_count = 0}")
  refused("max_count is an integer of at least 1, got 2.5",
    "local _ = actors.troupe{max_count = 2.5}")
  refused("idle_count is an integer of at least 0, got -1",
    "local _ = actors.troupe{idle_count = -1}")
  refused("has no 'max'; it has max_count and idle_count", "local _ = actors.troupe{max = 3}")
  refused("max_count is an integer", "local _ = actors.UpdateTroupeSettings{max_count = 'x'}")

  refused("takes the name of a capability", "local _ = actors.requireCapability(Worker)")
  refused("actors.transient takes a period", "local _ = actors.transient(Worker)")
  refused("actors.transient takes a period", "local _ = actors.transient()")
  refused("actors.transient_idle: a period is not negative, got -1",
    "local _ = actors.transient_idle(-1)")
  refused("actors.transient: a period is not negative, got -2",
    "local _ = actors.transient{minutes = -2}")
  refused("a period has no 'second'", "local _ = actors.transient{second = 1}")
  refused("got the string \"5\"", "local _ = actors.transient '5'")
end)

check.test("initializing messages are checked", function()
  local function init(part, text)
    refused(part, "local _ = actors.initializing_messages(" .. text .. ")")
  end
  init("takes a list", "")
  init("takes a list", "{}")
  init("takes a list", "Worker")
  init("entry 1 is attribute; an entry is", '{"attribute", "string"}')
  init("entry 2 has no attribute", '{{"a", "string"}, {1, "string"}}')
  init("entry 1 has no type: its second is nil", '{{"a"}}')
  init("its third is sender", '{{"a", Plain, "sender"}}')
  init("a function, the name of a method, or nil; got boolean", '{{"a", Plain}}, true')
  init("the third is true, to pass the messages on, or false; got string",
    '{{"a", Plain}}, nil, "yes"')
end)

check.test("what is decorated is a class of actors", function()
  for _, decorator in ipairs {
    'troupe{}', 'requireCapability"x"', 'transient(1)', 'transient_idle(1)',
    'initializing_messages{{"a", "string"}}',
  } do
    local what = "actors." .. decorator:match "^[%a_]+" .. " decorates a class that derives from"
    refused(what, "local _ = actors." .. decorator .. "(Plain)")
    refused(what, "local _ = actors." .. decorator .. "()")
    refused(what, "local _ = actors." .. decorator .. "'Worker'")
  end
end)

check.test("decorators that make no sense together are refused", function()
  refused("Crew has actors.troupe already; for another variant decorate a class that derives",
    "local _ = actors.troupe{}(Crew)")
  local words = "cannot be combined in"
  refused(words, 'local _ = actors.initializing_messages{{"a", "string"}}(Crew)')
  refused(words, "local _ = actors.troupe{}(Init)")
  refused(words, 'local _ = actors.troupe{}(actors.class("Sub", Init))')
end)

check.test("a missing method for done is named", function()
  local Worker = actors.initializing_messages({ { "a", "string" } }, "finish")(worker())
  check.raises("Worker has no method 'finish'", receive, Worker, "text")
end)

check.test("two initializing messages of one type are two", function()
  local Worker = worker()
  local seen
  actors.initializing_messages({ { "a", "string" }, { "b", "string" }, { "c", "table" } },
    function(self) seen = self.a .. self.b end)(Worker)
  local actor = layers.dress { self = setmetatable({}, Worker.__meta) }
  for _, message in ipairs { "one", "two", {} } do actor:receiveMessage(message, "sender") end
  check.equal(seen, "onetwo")
end)
