local check <close> = require "lib_check"
local actors = require "thespian.actors"
local core = require "thespian.core"

-- Programs lack what an actor's thespian.core has; here each function remembers what it got.
local got
for _, name in ipairs {
  "createActor", "wakeup", "handleDeadLetters", "notifySources", "shutdown", "loadSource",
  "unloadSource", "updateCapability", "log", "notifySystems", "preRegister", "deRegister",
} do
  core[name] = function(...)
    got = table.pack(name, ...)
    return name == "createActor" and "address" or name == "loadSource" and "hash" or nil
  end
end

local unwanted = false
function core.logs() return not unwanted end

local Worker = actors.class("Worker", actors.Actor)
local worker = Worker()

local function check_got(...) check.same(got, table.pack(...)) end

check.test("an actor's first request loads the methods of all", function()
  check.equal(package.loaded["thespian.requests"], nil)
  check.equal(rawget(actors.Actor.__meta.__index, "actorSystemShutdown"), nil)
  check.equal(worker.shutdown, nil)
  check.equal(package.loaded["thespian.requests"], nil)
  worker:actorSystemShutdown()
  check_got "shutdown"
  local loaded = rawget(actors.Actor.__meta.__index, "actorSystemShutdown")
  check.ok(loaded and rawequal(actors.Actor.actorSystemShutdown, loaded))
  check.equal(getmetatable(actors.Actor.__meta.__index), nil)
end)

check.test("createActor takes a class or its name", function()
  check.equal(worker:createActor(Worker, { n = 1 }, "name", "hash"), "address")
  check_got("createActor", "test_requests.Worker", { n = 1 }, "name", "hash")
  worker:createActor "pkg.mod.Class"
  check_got("createActor", "pkg.mod.Class", nil, nil, nil)
  worker:createActor(actors.Actor)
  check.equal(got[2], "thespian.actors.Actor")
end)

check.test("createActor refuses anything else at the caller's line", function()
  for _, wrong in ipairs { 5, {}, true, "", ".", worker, actors.class "Job", print } do
    local where = check.here(1)
    local function misuse() local _ = worker:createActor(wrong) end
    local raised = check.raises("InvalidActorSpecification: ", misuse)
    check.ok(actors.isinstance(raised, actors.InvalidActorSpecification))
    check.contains(raised, where)
  end
  check.raises("got nil", worker.createActor, worker)
end)

check.test("createActor refuses a class that no other actor could find", function()
  local Loose = load [[
    local actors = require "thespian.actors"
    local made = actors.class("Loose", actors.Actor)
    return made
  ]]()
  core.actor = true
  local raised = check.raises("was made by no module's file", worker.createActor, worker, Loose)
  core.actor = false
  check.ok(actors.isinstance(raised, actors.InvalidActorSpecification))
end)

check.test("wakeupAfter gives seconds, the period as it was, and the payload", function()
  worker:wakeupAfter({ minutes = 1 }, "payload")
  check_got("wakeup", 60.0, { minutes = 1 }, "payload")
  worker:wakeupAfter(5)
  check_got("wakeup", 5.0, 5, nil)
  local where = check.here(1)
  local function misuse() worker:wakeupAfter "soon" end
  check.contains(check.raises("wakeupAfter: a period is", misuse), where)
end)

check.test("registrations start unless they are told to end", function()
  for method, name in pairs {
    handleDeadLetters = "handleDeadLetters",
    notifyOnSourceAvailability = "notifySources",
    notifyOnSystemRegistrationChanges = "notifySystems",
  } do
    worker[method](worker)
    check_got(name, true)
    worker[method](worker, true)
    check_got(name, true)
    worker[method](worker, false)
    check_got(name, false)
  end
end)

check.test("sources and capabilities", function()
  local folder = check.folder { ["a.zip"] = "zip bytes" }
  check.equal(worker:loadActorSource(folder .. "/a.zip"), "hash")
  check_got("loadSource", "zip bytes", folder .. "/a.zip")
  worker:unloadActorSource "hash"
  check_got("unloadSource", "hash")
  worker:updateCapability("light", 3)
  check_got("updateCapability", "light", 3)
  worker:updateCapability "light"
  check_got("updateCapability", "light", nil)
  local where = check.here(1)
  local function misuse() local _ = worker:loadActorSource(5) end
  check.contains(check.raises("loadActorSource: expected a path", misuse), where)
end)

check.test("a system is named by text, by a pair, or by an address", function()
  worker:preRegisterRemoteSystem("far:1900", { light = 1 })
  check_got("preRegister", "far:1900", { light = 1 })
  worker:preRegisterRemoteSystem({ "10.0.0.1", 1900 })
  check_got("preRegister", "10.0.0.1:1900", {})
  worker:preRegisterRemoteSystem({ "10.0.0.1", "1900" })
  check_got("preRegister", "10.0.0.1:1900", {})
  worker:deRegisterRemoteSystem "far:1900"
  check_got("deRegister", "far:1900")
end)

check.test("loggers format, and never fail their actor", function()
  worker:logger():info("%d of %s", 3, "four")
  check_got("log", 1, nil, "3 of four")
  local logger = worker:logger "mine"
  for level, name in pairs { [0] = "debug", "info", "warning", "error", "critical" } do
    logger[name](logger, "100%%")
    check_got("log", level, "mine", "100%%")
  end
  logger:error("%d", "no number")
  check_got("log", 3, "mine", "%d no number")
  logger:info(nil)
  check_got("log", 1, "mine", "nil")
  logger:info({ 1 }, nil)
  check.contains(got[4], "nil")
  local hidden = setmetatable({}, { __tostring = function() error "no" end })
  logger:info("%d", hidden)
  check_got("log", 1, "mine", "%d (table that cannot be shown)")
  got = nil
  unwanted = true
  logger:info("%s", hidden)
  check.equal(got, nil)
  unwanted = false
end)

check.test("the base class ignores messages", function()
  check.equal(select("#", worker:receiveMessage("hello", "sender")), 0)
end)

check.test("actors load no more than they need", function()
  local folder = check.folder {
    ["loads.lua"] = [[
      local actors = require "thespian.actors"
      local names = {}
      for name in pairs(package.loaded) do names[#names + 1] = name:match "^thespian%.(.*)" end
      table.sort(names)
      io.write(table.concat(names, " "), "\n")
    ]],
  }
  check.same({ check.run(folder, "loads.lua") }, { "actors core\n", true })
end)
