local check <close> = require "lib_check"
local actors = require "thespian.actors"
local core = require "thespian.core"

local NAMES = {
  "ActorExitRequest", "ChildActorExited", "PoisonMessage", "DeadEnvelope", "WakeupMessage",
  "ActorSystemConventionUpdate", "ValidateSource", "ValidatedSource", "LoadedSource",
  "UnloadedSource", "Thespian_StatusReq", "Thespian_SystemStatusResponse",
  "Thespian_ActorStatusResponse",
}

check.test("every system message derives from ActorSystemMessage", function()
  for _, name in ipairs(NAMES) do
    check.equal(actors[name].name, name)
    check.ok(actors.isinstance(actors[name](), actors.ActorSystemMessage))
    check.ok(rawequal(actors[name], actors[name]))
  end
end)

check.test("each has the kind that the runtime knows it by", function()
  local kinds = core.kinds
  local function kind(name) return getmetatable(actors[name]()).__kind end
  check.equal(kind "ActorExitRequest", kinds.EXIT_REQUEST)
  check.equal(kind "ChildActorExited", kinds.CHILD_EXITED)
  check.equal(kind "PoisonMessage", kinds.POISON)
  check.equal(kind "DeadEnvelope", kinds.DEAD_ENVELOPE)
  check.equal(kind "WakeupMessage", kinds.WAKEUP)
  check.equal(kind "Thespian_StatusReq", kinds.STATUS_REQUEST)
  check.equal(kind "LoadedSource", kinds.SYSTEM)
  check.equal(kind "ActorSystemMessage", kinds.SYSTEM)
end)

check.test("classes of users that derive from them are of their kind", function()
  local Mine = actors.class("Mine", actors.ActorSystemMessage)
  check.equal(getmetatable(Mine()).__kind, core.kinds.SYSTEM)
  local Stop = actors.class("Stop", actors.ActorExitRequest)
  check.equal(getmetatable(Stop()).__kind, core.kinds.EXIT_REQUEST)
  check.equal(Stop().isRecursive, true)
  check.equal(getmetatable(actors.class("Plain")()).__kind, nil)
end)

check.test("fields are given as one table", function()
  local message = actors.ValidatedSource { sourceHash = "abc", sourceZip = "zip" }
  check.equal(message.sourceHash, "abc")
  check.equal(message.sourceZip, "zip")
  check.equal(message.sourceInfo, nil)
  check.equal(actors.WakeupMessage { payload = false }.payload, false)
end)

check.test("an exit request is recursive unless it says otherwise", function()
  check.equal(actors.ActorExitRequest().isRecursive, true)
  check.equal(actors.ActorExitRequest({}).isRecursive, true)
  check.equal(actors.ActorExitRequest({ isRecursive = false }).isRecursive, false)
  local request = actors.ActorExitRequest()
  check.ok(rawequal(request:notRecursive(), request))
  check.equal(request.isRecursive, false)
end)

check.test("unknown fields are refused at the caller's line", function()
  local function misuse() local _ = actors.ChildActorExited { raison = "exit" } end
  local raised = check.raises("ChildActorExited has no field 'raison'", misuse)
  check.contains(raised, check.here(-2))
  check.contains(raised, "it has: childAddress, reason")
  check.raises("Thespian_StatusReq has no field 'x'; it has: none",
    function() local _ = actors.Thespian_StatusReq { x = 1 } end)
  check.raises("WakeupMessage takes one table of fields, got number",
    function() local _ = actors.WakeupMessage(5) end)
end)

check.test("they read well", function()
  check.equal(tostring(actors.ActorExitRequest()), "ActorExitRequest{isRecursive = true}")
  check.equal(tostring(actors.ChildActorExited { reason = "killed: a\nb" }),
    'ChildActorExited{childAddress = nil, reason = "killed: a\\nb"}')
  check.equal(tostring(actors.PoisonMessage { poisonMessage = "hi", details = "why" }),
    'PoisonMessage{"hi"}: why')
  local long = actors.ValidateSource { sourceData = ("x"):rep(1000) }
  check.contains(tostring(long), "sourceData = (1000 bytes)")
  local Mine = actors.class("Mine", actors.ActorSystemMessage)
  check.equal(tostring(Mine { b = 2, a = 1 }), "Mine{a = 1, b = 2}")
end)

check.test("status responses are formatted for people", function()
  local text = tostring(actors.Thespian_SystemStatusResponse {
    base = "multiprocTCPBase", version = "1", pid = 7, host = "127.0.0.1", port = 1900,
    uptime = 2.5, workers = 2, names = {},
    capabilities = { ["Lua Version"] = { 5, 4, 6 }, b = 1, a = 2, e = 3, d = 4, c = 5 },
    actors = { { address = "a5", class = "m.C", state = "running", waiting = 0, handled = 3,
      failed = 1, memory = 9000, name = "boss" } },
  })
  check.contains(text, "multiprocTCPBase at 127.0.0.1:1900")
  check.equal(text:find "Convention", nil)
  check.contains(text, "  Capabilities [6]:\n    Lua Version: {5, 4, 6}\n    a: 2\n    b: 1\n    c")
  check.contains(text, "a5  m.C  @boss  running  0 waiting  3 handled  1 failed  9000 bytes")
  local convention = { isLeader = true, leaders = {},
    members = { { admin = "a1.cd", age = 2.5, capabilities = { Printer = true } },
      { place = "10.0.0.7:1900" } } }
  text = tostring(actors.Thespian_SystemStatusResponse { convention = convention,
    peers = { { admin = "a1.cd", isUp = true, upFor = 3.25, sent = 4, waiting = 0 } } })
  check.contains(text, "  Convention led by: this system\n  Members [2]:\n" ..
    "    a1.cd  checked in 2.5 s ago  {Printer = true}\n    10.0.0.7:1900  checked in never  {}\n" ..
    "  Links [1]:\n    a1.cd  up for 3.2 s  4 sent  0 waiting")
  text = tostring(actors.Thespian_SystemStatusResponse { convention = { isLeader = false,
    leaders = { { place = "10.0.0.1:1900", state = "sought" } } } })
  check.contains(text, "  Convention led by: nobody at the moment\n  Leaders [1]:\n" ..
    "    10.0.0.1:1900  sought  answered never")
  check.contains(tostring(actors.Thespian_ActorStatusResponse { address = "a5", class = "m.C" }),
    "Status of actor a5  m.C")
end)
