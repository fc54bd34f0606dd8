-- What a user gives by mistake: every error names the method or the argument, and the line.
local actors = require "thespian.actors"

local Worker = actors.class("Worker", actors.Actor)

--- Runs a call that an actor is told in text, and answers with the error.
function Worker:receiveMessage(message, sender)
  local call = assert(load("local self, f = ...; " .. message, "=user.lua"))
  local well, raised = pcall(call, self, print)
  self:send(sender, well and "it was taken" or tostring(raised))
end

if not actors.main(...) then return { Worker = Worker } end

local check <close> = require "lib_check"

local NO_TEXT = { "nil", "5", "{}", "true", "f" }
local NO_TEXT_OR_NIL = { "5", "{}", "true", "f" }
local NO_NAME = { "nil", "5", "{}", "true", "f", "''", "'\\255'", "'a\\nb'", "('x'):rep(2000)" }
local NO_ADDRESS = { "nil", "5", "{}", "true", "f", "'a'" }
local NO_TABLE = { "5", "true", "f", "'a'" }
local NO_PERIOD = { "true", "f", "'soon'", "0/0", "{weeks = 1}", "{days = f}" }
local NO_FILE = { "nil", "5", "{}", "true", "f", "''", "'/no/such/file'" }
local NO_CLASS = { "nil", "5", "{}", "true", "f", "''", "'..'", "'\\255.X'" }

--- For programs: {call with V, wrong values, words}.
local SYSTEM = {
  { "asys:tell(V, 1)", NO_ADDRESS, "tell: " },
  { "asys:tell(worker, V)", { "f" }, "message is a function" },
  { "asys:ask(V, 1, 0)", NO_ADDRESS, "ask: " },
  { "asys:ask(worker, {a = {V}}, 0)", { "f" }, "message.a[1] is a function" },
  { "asys:ask(worker, 1, V)", NO_PERIOD, "ask: " },
  { "asys:listen(V)", NO_PERIOD, "listen: " },
  { "asys:createActor(V)", NO_CLASS, "createActor: " },
  { "asys:createActor('a.B', V)", { "f" }, "requirements is a function" },
  { "asys:createActor('a.B', {V})", { "f" }, "requirements[1] is a function" },
  { "asys:createActor('a.B', nil, V)", { table.unpack(NO_NAME, 2) }, "createActor: a global name" },
  { "asys:createActor('a.B', nil, nil, V)", { table.unpack(NO_TEXT, 2) },
    "createActor: a source hash" },
  { "asys:createActor('a.B', nil, nil, '')", { "" }, "createActor: a source hash" },
  { "asys:updateCapability(V, 1)", NO_NAME, "updateCapability: the name of a capability" },
  { "asys:updateCapability('x', V)", { "f" }, "value is a function" },
  { "asys:loadActorSource(V)", NO_FILE, "loadActorSource: " },
  { "asys:unloadActorSource(V)", NO_TEXT, "unloadActorSource: a source hash" },
  { "asys:unloadActorSource('')", { "" }, "unloadActorSource: a source hash" },
  { "asys.tell(V)", { "nil", "5", "{}", "worker, 1" }, "with a colon" },
  { "asys.shutdown(V)", { "nil", "5", "{}" }, "with a colon" },
  { "actors.ActorSystem(V)", { "5", "{}", "true", "f" }, "ActorSystem: the base" },
  { "actors.ActorSystem(V)", { "''", "'noBase'" },
    "use simpleSystemBase, multiprocQueueBase, multiprocTCPBase or multiprocUDPBase" },
  { "actors.ActorSystem(nil, V)", NO_TABLE, "ActorSystem: capabilities" },
  { "actors.ActorSystem(nil, nil, V)", NO_TABLE, "ActorSystem: logDefs" },
  { "actors.ActorSystem('simpleSystemBase', {x = V}, nil, true)", { "f" }, "capabilities.x is a function" },
  { "actors.ActorSystem('simpleSystemBase', {['Admin Port'] = V}, nil, true)", { "{}", "f", "-1" },
    "'Admin Port'" },
  { "actors.class(V)", { "nil", "5", "{}", "f", "''" }, "actors.class: the name" },
  { "actors.class('X', V)", { "5", "{}", "f", "''" }, "actors.class: the base of X" },
  { "actors.isinstance(1, V)", { "nil", "5", "{}", "f" }, "actors.isinstance: the second" },
  { "actors.ActorExitRequest(V)", { "5", "f", "'a'" }, "ActorExitRequest takes one table" },
  { "actors.ActorExitRequest(V)", { "{x = 1}" }, "ActorExitRequest has no field 'x'" },
  { "actors.DeadEnvelope(V)", { "5", "f", "'a'" }, "DeadEnvelope takes one table" },
  { "local _ = actors.V", { "Aktor", "main_" }, "thespian.actors has no '" },
}

--- What a program says about the log: {a setting with V, wrong values, words}.
local LOG = {
  { "level = V", { "5", "{}", "f" }, "logDefs.level is a string, got " },
  { "file = V", { "''", "'a\\0b'" }, "logDefs.file is " },
  { "lvel = V", { "'info'" },
    "logDefs: no setting 'lvel'; there are: level, file, format, handlers" },
  { "handlers = V", { "5", "true", "'a'" },
    "logDefs.handlers is a table of handlers { level =, file =, format = }, got " },
  { "handlers = V", { "f", "{f}", "{a = f}" },
    "give a handler a file and format = \"json\", and have the program read that" },
  { "handlers = V", { "{audit = 5}", "{audit = f}" },
    "logDefs.handlers.audit is a table { level =, file =, format = }, got " },
  { "handlers = V", { "{audit = {lvel = 'info'}}" },
    "logDefs.handlers.audit: no setting 'lvel'; there are: level, file, format" },
  { "handlers = V", { "{audit = {handlers = {}}}" },
    "logDefs.handlers.audit: no setting 'handlers'" },
  { "handlers = {audit = {level = V}}", { "5", "{}", "f", "''" },
    "logDefs.handlers.audit.level is " },
  { "handlers = {{file = '/dev/null'}, {format = V}}", { "5", "{}", "f", "''" },
    "logDefs.handlers[2].format is " },
  { "handlers = {['two words'] = V}", { "{file = 5}" },
    'logDefs.handlers["two words"].file is a string, got number' },
}
local NO_PLACE = { "nil", "5", "true", "f", "{}", "'host'", "'host:'", "':1'", "'host:0'",
  "'host:65536'", "'a b:1'", "{'host'}", "{'host', 'x'}", "{'a:b', 1}", "{1900, 'host'}" }

--- The same for actors.
local ACTOR = {
  { "self:send(V, 1)", NO_ADDRESS, "send: " },
  { "self:send(self.myAddress, V)", { "f" }, "message is a function" },
  { "self:createActor(V)", NO_CLASS, "createActor: " },
  { "self:createActor('a.B', V)", { "f" }, "requirements is a function" },
  { "self:createActor('a.B', {V})", { "f" }, "requirements[1] is a function" },
  { "self:createActor('a.B', nil, V)", { table.unpack(NO_NAME, 2) }, "createActor: a global name" },
  { "self:createActor('a.B', nil, nil, V)", NO_TEXT_OR_NIL, "createActor: a source hash" },
  { "self:wakeupAfter(V)", NO_PERIOD, "wakeupAfter: " },
  { "self:wakeupAfter(1, V)", { "f" }, "payload is a function" },
  { "self:wakeupAfter(1, {a = V})", { "f" }, "payload.a is a function" },
  { "self:handleDeadLetters(V)", { "5", "{}", "f", "'no'" }, "handleDeadLetters: start" },
  { "self:notifyOnSourceAvailability(V)", { "5", "{}", "f", "'no'" },
    "notifyOnSourceAvailability: start" },
  { "self:loadActorSource(V)", NO_FILE, "loadActorSource: " },
  { "self:unloadActorSource(V)", NO_TEXT, "unloadActorSource: a source hash" },
  { "self:updateCapability(V, 1)", NO_NAME, "updateCapability: the name of a capability" },
  { "self:updateCapability('x', V)", { "f" }, "value is a function" },
  { "self:notifyOnSystemRegistrationChanges(V)", { "5", "{}", "f", "'no'" },
    "notifyOnSystemRegistrationChanges: start" },
  { "self:preRegisterRemoteSystem(V, {})", NO_PLACE,
    "preRegisterRemoteSystem: a system is named by" },
  { "self:preRegisterRemoteSystem('127.0.0.1:1', V)", { "5", "f", "'x'", "true" },
    "preRegisterRemoteSystem: capabilities are a table" },
  { "self:preRegisterRemoteSystem('127.0.0.1:1', {a = V})", { "f" }, "capabilities.a is a function" },
  { "self:preRegisterRemoteSystem(V, {})", { "'no..such:1'" }, "is not known here" },
  { "self:deRegisterRemoteSystem(V)", NO_PLACE, "deRegisterRemoteSystem: a system is named by" },
  { "self:logger(V)", { "5", "{}", "true", "f", "''" }, "logger: the name of a logger" },
}

--- Calls run with every wrong value of every line of a table.
local function each(cases, run)
  for _, case in ipairs(cases) do
    for _, value in ipairs(case[2]) do
      local text = case[1]:gsub("V", (value:gsub("%%", "%%%%")))
      local raised = run(text)
      local begins = raised:match("^%a*:? ?(user%.lua:1: )")
      if not begins then raised = text .. " gave an error without the line: " .. raised end
      check.contains(raised, case[3])
      check.equal(begins, "user.lua:1: ")
    end
  end
end

local asys = actors.ActorSystem("multiprocQueueBase", nil, false)
local worker = asys:createActor(Worker)

check.test("misuse by a program names the argument and the line", function()
  each(SYSTEM, function(text)
    local call = assert(load("local asys, actors, worker, f = ...; " .. text, "=user.lua"))
    local well, raised = pcall(call, asys, actors, worker, print)
    return well and text .. " was taken" or tostring(raised)
  end)
end)

check.test("what is wrong with logDefs is named by its place", function()
  each(LOG, function(text)
    local call = "actors.ActorSystem('simpleSystemBase', nil, {" .. text .. "}, true)"
    local well, raised = pcall(assert(load("local actors, f = ...; " .. call, "=user.lua")), actors, print)
    return well and call .. " was taken" or tostring(raised)
  end)
end)

check.test("misuse by an actor names the argument and the line", function()
  each(ACTOR, function(text) return tostring(asys:ask(worker, text, 20)) end)
end)

check.test("misuse leaves everything as it was", function()
  check.equal(rawequal(actors.ActorSystem(), asys), true)
  check.equal(asys:ask(worker, "error 'still there'", 20), "user.lua:1: still there")
end)
asys:shutdown()
