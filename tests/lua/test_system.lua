local check <close> = require "lib_check"
local actors = require "thespian.actors"
local core = require "thespian.core"
local errors = require "thespian.errors"

-- A connection that remembers what it is asked, and answers as told.
local opened = {}
local sources = {} -- hashes that the system knows

local Connection = {}
Connection.__index = Connection

function Connection:request(operation, ...)
  self.requests[#self.requests + 1] = table.pack(operation, ...)
  if self.answer then return self.answer(operation, ...) end
  if operation == "CREATE" then
    local hash = select(4, ...)
    if hash and not sources[hash] then error(actors.InvalidActorSourceHash(hash)) end
    return "address"
  elseif operation == "LOAD" then
    local hash = core.sha256((...))
    sources[hash] = true
    return hash
  end
end

function Connection:ask(...)
  self.asked = table.pack(...)
  return table.unpack(self.answers, 1, self.answers.n)
end

function Connection:listen(...)
  self.listened = table.pack(...)
  return table.unpack(self.answers, 1, self.answers.n)
end

function Connection:tell(...) self.told = { ... } end
function Connection:private() return setmetatable({ requests = {}, of = self }, Connection) end
function Connection:shutdown(seconds) self.down = seconds end
function Connection:close() self.closed = true end
function Connection:endpoint() return "endpoint" end
function Connection:admin() return "admin" end
function Connection:base() return self.name end
function Connection:port() return 1900 end

function core.open(base, capabilities, options)
  local made = { requests = {}, answers = {}, name = base }
  made.capabilities, made.options = capabilities, options
  opened[#opened + 1] = made
  return setmetatable(made, Connection)
end

local function open(...)
  local system = actors.ActorSystem(...)
  return system, opened[#opened]
end

local Worker = actors.class("Worker", actors.Actor)

check.test("one system for each process, until it is shut down", function()
  local system = open()
  check.equal(system.base, "simpleSystemBase")
  check.ok(rawequal(actors.ActorSystem(), system))
  check.ok(rawequal(actors.ActorSystem("simpleSystemBase"), system))
  check.equal(#opened, 1)
  system:shutdown()
  local other = open()
  check.ok(not rawequal(other, system))
  other:shutdown()
end)

check.test("another base takes its place, and no base gives the one in use", function()
  local simple = open()
  local queue = open "multiprocQueueBase"
  check.ok(not rawequal(simple, queue))
  check.ok(rawequal(actors.ActorSystem(), queue))
  simple:shutdown()
  check.ok(rawequal(actors.ActorSystem(), queue))
  queue:shutdown()
end)

check.test("a system of one's own is not given again", function()
  local own = open("multiprocQueueBase", nil, nil, true)
  local shared = open()
  check.equal(shared.base, "simpleSystemBase")
  own:shutdown()
  check.ok(rawequal(actors.ActorSystem(), shared))
  shared:shutdown()
end)

check.test("what was given reaches the runtime", function()
  local system, connection = open("multiprocTCPBase", { ["Admin Port"] = 0 }, false)
  check.same(connection.capabilities, { ["Admin Port"] = 0 })
  check.equal(connection.options.log, false)
  check.equal(#connection.options.path, 1)
  check.equal(system.endpointAddress, "endpoint")
  check.equal(system.adminAddress, "admin")
  check.equal(system.adminPort, 1900)
  system:shutdown()
  check.ok(connection.down > 0 and connection.closed)
end)

check.test("wrong arguments are refused at the caller's line", function()
  local where = check.here(1)
  local function misuse(...) local _ = actors.ActorSystem(...) end
  local raised = check.raises("the base is a name such as", misuse, 5)
  check.ok(actors.isinstance(raised, actors.ActorSystemException))
  check.contains(raised, where)
  check.contains(check.raises("capabilities are a table, got string", misuse, nil, "x"), where)
  check.contains(check.raises("logDefs are a table or false", misuse, nil, nil, "x"), where)
end)

check.test("a class brings its code once", function()
  local system, connection = open()
  check.equal(system:createActor(Worker, { n = 1 }, "name"), "address")
  local operations = {}
  for number, request in ipairs(connection.requests) do operations[number] = request[1] end
  check.same(operations, { "CREATE", "LOAD", "CREATE" })
  local create, load = connection.requests[3], connection.requests[2]
  check.same({ create[2], create[3], create[4] }, { "test_system.Worker", { n = 1 }, "name" })
  check.equal(create[5], core.sha256(load[2]))
  check.contains(load[3], "test_system.lua")
  check.equal(load[4], true)
  check.equal(system:createActor(Worker), "address")
  check.equal(#connection.requests, 4)
  system:shutdown()
end)

check.test("a class of the library and one with a source hash bring nothing", function()
  local system, connection = open()
  system:createActor(actors.Actor)
  check.same({ table.unpack(connection.requests[1], 1, 5) }, { "CREATE", "thespian.actors.Actor" })
  connection.answer = function() return "address" end
  system:createActor(Worker, nil, nil, "abc")
  check.equal(connection.requests[2][5], "abc")
  system:shutdown()
end)

check.test("a name is looked up by the system", function()
  local system, connection = open()
  system:createActor("some.mod.Class", nil, "name")
  local request = connection.requests[1]
  check.same({ request[2], request[4] }, { "some.mod.Class", "name" })
  check.equal(request.n, 5)
  check.equal(request[5], nil)
  system:shutdown()
end)

check.test("a refused load and other errors reach the caller", function()
  local system, connection = open()
  connection.answer = function(operation)
    if operation == "LOAD" then error(actors.ActorSystemFailure "refused") end
    error(actors.InvalidActorSourceHash "unknown")
  end
  check.ok(actors.isinstance(check.raises("refused", system.createActor, system, Worker),
    actors.ActorSystemFailure))
  connection.answer = function() error(actors.NoCompatibleSystemForActor "too dark") end
  check.ok(actors.isinstance(check.raises("too dark", system.createActor, system, Worker),
    actors.NoCompatibleSystemForActor))
  connection.answer = nil
  system:shutdown()
end)

check.test("what is no actor class is refused at the caller's line", function()
  local system = open()
  local function refused(words, ...)
    local where = check.here(1)
    local function misuse(...) local _ = system:createActor(...) end
    local raised = check.raises(words, misuse, ...)
    check.ok(actors.isinstance(raised, actors.InvalidActorSpecification))
    check.contains(raised, where)
  end
  refused('expected an actor class or its name "module.Class", got nil', nil)
  refused("got an instance of Worker", Worker())
  refused("got number", 5)
  refused('".x" is no name of a class', ".x")
  refused("Job is no actor class", actors.class "Job")
  refused("a global name is a string, got integer", Worker, nil, 5)
  refused("a source hash is a string of hexadecimal digits, got integer", Worker, nil, nil, 5)
  refused("the code of class Loose cannot be found",
    load 'local a = require "thespian.actors" local c = a.class("Loose", a.Actor) return c'())
  system:shutdown()
end)

check.test("timeouts are periods", function()
  local system, connection = open()
  connection.answers = { "answer" }
  check.equal(system:ask("a", "m", { milliseconds = 500 }), "answer")
  check.same(connection.asked, { "a", "m", 0.5, n = 3 })
  system:ask("a", "m")
  check.equal(connection.asked[3], nil)
  system:listen(2)
  check.equal(connection.listened[1], 2.0)
  local function misuse() local _ = system:ask("a", "m", "soon") end
  check.contains(check.raises("ask: a period is a number", misuse), "test_system.lua:")
  check.raises("listen: a period is a number", system.listen, system, "soon")
  system:shutdown()
end)

check.test("ask and listen give what came, or why nothing did", function()
  local system, connection = open()
  local function results(...) return { n = select("#", ...), ... } end
  for _, why in ipairs { "timeout", "dead" } do
    connection.answers = { n = 2, nil, why }
    check.same(results(system:ask("a", "m")), { n = 2, [2] = why })
  end
  connection.answers = { n = 2, nil, "timeout" }
  check.same(results(system:listen(1)), { n = 2, [2] = "timeout" })
  connection.answers = { "message", "sender" }
  check.same(results(system:listen(1)), { n = 1, "message" })
  system:shutdown()
end)

check.test("tell, capabilities and sources go to the connection", function()
  local system, connection = open()
  system:tell("a", "m")
  check.same(connection.told, { "a", "m" })
  system:updateCapability("light", 3)
  system:updateCapability("light")
  check.same(connection.requests[1], { "CAPABILITY", "light", 3, n = 3 })
  check.same(connection.requests[2], { "CAPABILITY", "light", n = 3 })
  system:unloadActorSource("abc")
  check.same(connection.requests[3], { "UNLOAD", "abc", n = 2 })
  local folder = check.folder { ["a.zip"] = "zip bytes" }
  check.equal(system:loadActorSource(folder .. "/a.zip"), core.sha256 "zip bytes")
  check.same(connection.requests[4], { "LOAD", "zip bytes", folder .. "/a.zip", false, n = 4 })
  local reader = { read = function() return "read bytes" end, name = "by hand" }
  system:loadActorSource(reader)
  check.same(connection.requests[5], { "LOAD", "read bytes", "by hand", false, n = 4 })
  local file <close> = assert(io.open(folder .. "/a.zip", "rb"))
  system:loadActorSource(file)
  check.same(connection.requests[6], { "LOAD", "zip bytes", "stream", false, n = 4 })
  system:shutdown()
end)

check.test("what cannot be read is refused at the caller's line", function()
  local system = open()
  local function refused(words, file)
    local where = check.here(1)
    local function misuse() local _ = system:loadActorSource(file) end
    local raised = check.raises(words, misuse)
    check.ok(actors.isinstance(raised, actors.ActorSystemException))
    check.contains(raised, where)
  end
  refused("/no/such/file.zip: No such file", "/no/such/file.zip")
  refused("/: Is a directory", "/")
  refused("expected a path or something with :read, got nil", nil)
  refused("expected a path or something with :read, got table", {})
  refused(":read gave no string but nil: broken", { read = function() return nil, "broken" end })
  system:shutdown()
end)

check.test("a private endpoint has the same methods, and closes", function()
  local system, connection = open()
  local other
  do
    local private <close> = system:private()
    other = private
    check.equal(private._connection.of, connection)
    private:tell("a", "m")
    check.same(private._connection.told, { "a", "m" })
    check.equal(private.endpointAddress, "endpoint")
  end
  check.equal(other._connection, nil)
  check.raises("the endpoint was closed", other.tell, other, "a", "m")
  other:close()
  check.ok(not connection.closed)
  system:shutdown()
end)

check.test("after a shutdown calls are refused, and another shutdown is nothing", function()
  local system, connection = open()
  local private = system:private()
  private:shutdown()
  for _, endpoint in ipairs { system, private } do
    local function misuse() local _ = endpoint:tell("a", "m") end
    local raised = check.raises("the actor system was shut down", misuse)
    check.ok(actors.isinstance(raised, errors.classes.ActorSystemFailure))
    check.contains(raised, "test_system.lua:")
    endpoint:shutdown()
  end
  private:close()
  local again = open()
  check.ok(not rawequal(again, system))
  again:shutdown()
  check.ok(connection)
end)
