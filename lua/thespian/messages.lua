-- messages: what the system sends to actors, and what it understands when it is sent to it. A
-- program that makes one gives its fields as one table.

local core = require "thespian.core"
local class = require "thespian.class"

local getmetatable, next, require, setmetatable = getmetatable, next, require, setmetatable
local kinds, make = core.kinds, class.make
local LIBRARY = "thespian.actors"
local BASE = LIBRARY .. ".ActorSystemMessage"

--- The base of all of them.
---@class thespian.ActorSystemMessage: thespian.Class
local ActorSystemMessage = make("ActorSystemMessage", nil, LIBRARY)

---@param fields? table
function ActorSystemMessage:init(fields)
  if fields == nil then return end
  require("thespian.messagetext").check(getmetatable(self), fields, 3)
  for key, value in next, fields do self[key] = value end
end

do -- set by hand, since the way through the class would load thespian.metamethods into every actor
  local meta = ActorSystemMessage.__meta
  meta.__kind = kinds.SYSTEM
  meta.__special = { __tostring = true }
  meta.__tostring = class.lazy("thespian.messagetext", "tostring")
  meta.__index.__tostring = meta.__tostring
end

--- The fields of the other classes, where they are known, in the order in which people read them.
local FIELDS = {
  --- Asks an actor to exit. Its children exit too, unless it is not recursive.
  ---@class thespian.ActorExitRequest: thespian.ActorSystemMessage
  ---@field isRecursive boolean
  ---@field notRecursive fun(self): thespian.ActorExitRequest lets the children live on as orphans
  ---@overload fun(fields?: { isRecursive?: boolean }): thespian.ActorExitRequest
  ActorExitRequest = "isRecursive",

  --- To the parent of an actor that is gone.
  ---@class thespian.ChildActorExited: thespian.ActorSystemMessage
  ---@field childAddress thespian.ActorAddress
  ---@field reason string "exit", "failed to start: ...", "system lost" or "killed: ..."
  ---@overload fun(fields?: table): thespian.ChildActorExited
  ChildActorExited = "childAddress reason",

  --- To the sender of a message at which its receiver failed twice.
  ---@class thespian.PoisonMessage: thespian.ActorSystemMessage
  ---@field poisonMessage any the message
  ---@field details string? how the receiver failed, a traceback
  ---@overload fun(fields?: table): thespian.PoisonMessage
  PoisonMessage = "poisonMessage details",

  --- To the handlers of dead letters: a message that found nobody.
  ---@class thespian.DeadEnvelope: thespian.ActorSystemMessage
  ---@field deadMessage any
  ---@field deadAddress thespian.ActorAddress
  ---@overload fun(fields?: table): thespian.DeadEnvelope
  DeadEnvelope = "deadMessage deadAddress",

  --- What Actor.wakeupAfter asked for.
  ---@class thespian.WakeupMessage: thespian.ActorSystemMessage
  ---@field delayPeriod thespian.Period as it was given
  ---@field payload any as it was given
  ---@overload fun(fields?: table): thespian.WakeupMessage
  WakeupMessage = "delayPeriod payload",

  --- A system has joined or left the convention.
  ---@class thespian.ActorSystemConventionUpdate: thespian.ActorSystemMessage
  ---@field remoteAdminAddress thespian.ActorAddress
  ---@field remoteCapabilities table
  ---@field remoteAdded boolean
  ---@overload fun(fields?: table): thespian.ActorSystemConventionUpdate
  ActorSystemConventionUpdate = "remoteAdminAddress remoteCapabilities remoteAdded",

  --- To the source authority: a source that is to be loaded.
  ---@class thespian.ValidateSource: thespian.ActorSystemMessage
  ---@field sourceHash string
  ---@field sourceData string the bytes that were loaded
  ---@field sourceInfo string where they came from
  ---@overload fun(fields?: table): thespian.ValidateSource
  ValidateSource = "sourceHash sourceData sourceInfo",

  --- The source authority's answer.
  ---@class thespian.ValidatedSource: thespian.ActorSystemMessage
  ---@field sourceHash string
  ---@field sourceZip string? the bundle to use under that hash; nil rejects
  ---@field sourceInfo string?
  ---@overload fun(fields?: table): thespian.ValidatedSource
  ValidatedSource = "sourceHash sourceZip sourceInfo",

  --- A source can be used from now on.
  ---@class thespian.LoadedSource: thespian.ActorSystemMessage
  ---@field sourceHash string
  ---@field sourceInfo string
  ---@overload fun(fields?: table): thespian.LoadedSource
  LoadedSource = "sourceHash sourceInfo",

  --- A source can no longer be used.
  ---@class thespian.UnloadedSource: thespian.ActorSystemMessage
  ---@field sourceHash string
  ---@field sourceInfo string
  ---@overload fun(fields?: table): thespian.UnloadedSource
  UnloadedSource = "sourceHash sourceInfo",

  --- Asks an actor, or the admin for the whole system, how it is.
  ---@class thespian.Thespian_StatusReq: thespian.ActorSystemMessage
  ---@overload fun(): thespian.Thespian_StatusReq
  Thespian_StatusReq = "",

  --- The admin's answer. Its fields are those that `thespian-host status --json` prints.
  ---@class thespian.Thespian_SystemStatusResponse: thespian.ActorSystemMessage
  ---@field convention? thespian.ConventionStatus nil where there is no other system
  ---@field peers thespian.LinkStatus[] the systems that messages were exchanged with
  ---@overload fun(fields?: table): thespian.Thespian_SystemStatusResponse
  Thespian_SystemStatusResponse = false,

  --- An actor's answer. Its fields are those that `thespian-host status ADDRESS --json` prints.
  ---@class thespian.Thespian_ActorStatusResponse: thespian.ActorSystemMessage
  ---@overload fun(fields?: table): thespian.Thespian_ActorStatusResponse
  Thespian_ActorStatusResponse = false,
}

---@class thespian.ConventionStatus
---@field leader? thespian.ActorAddress the admin of the leader that counts
---@field isLeader boolean whether that is this system
---@field leaders thespian.LeaderStatus[] those that it seeks
---@field members thespian.MemberStatus[] of a leader

---@class thespian.LeaderStatus
---@field place string
---@field admin? thespian.ActorAddress
---@field state string "sought", "greeted", "registered", or "own" for this system itself
---@field age? number seconds since it last answered a check-in

---@class thespian.MemberStatus
---@field admin? thespian.ActorAddress nil where it was pre-registered, at place, and has not come
---@field place? string
---@field capabilities? table
---@field age? number seconds since its last check-in
---@field preregistered boolean

---@class thespian.LinkStatus
---@field admin thespian.ActorAddress
---@field isUp boolean
---@field upFor number seconds
---@field silentFor number seconds
---@field sent integer messages, as are the next four
---@field received integer
---@field acknowledged integer
---@field repeated integer
---@field waiting integer
---@field connections integer how often it was connected

--- Which kind of message (message/message.h) some of them are; the others are of kind SYSTEM.
local KINDS = {
  ActorExitRequest = "EXIT_REQUEST", ChildActorExited = "CHILD_EXITED", PoisonMessage = "POISON",
  DeadEnvelope = "DEAD_ENVELOPE", WakeupMessage = "WAKEUP", Thespian_StatusReq = "STATUS_REQUEST",
}

local function init_exit_request(self, fields)
  self.isRecursive = true
  return ActorSystemMessage.init(self, fields) -- a tail call: the line that init names is counted
end

local function not_recursive(self)
  self.isRecursive = false
  return self
end

local function define(name)
  local made = make(name, ActorSystemMessage, LIBRARY)
  local meta = made.__meta
  meta.__kind = kinds[KINDS[name] or "SYSTEM"]
  meta.__fields = FIELDS[name] or nil
  -- What thespian.naming would give, which need not be loaded for it.
  meta.__names = core.packNames { LIBRARY .. "." .. name, name, BASE, "ActorSystemMessage" }
  if name == "ActorExitRequest" then
    made.init = init_exit_request
    made.notRecursive = not_recursive
  end
  return made
end

--- The classes by their names; each is made when it is first asked for.
---@type table<string, thespian.ActorSystemMessage>
return setmetatable({ ActorSystemMessage = ActorSystemMessage }, {
  __index = function(self, name)
    if FIELDS[name] == nil then return nil end
    local made = define(name)
    self[name] = made
    if core.actor then core.notePart("thespian.messages " .. name) end
    return made
  end,
})
