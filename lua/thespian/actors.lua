-- actors: the library as users see it, `require "thespian.actors"`. What not every actor needs is
-- loaded when it is first asked for.

local core = require "thespian.core"
local class = require "thespian.class"
local Actor = require "thespian.actor"

local error, rawset, require, tostring, type = error, rawset, require, tostring, type

---@class thespian.actors
---@field isinstance fun(value: any, class: thespian.Class): boolean see thespian.types
---@field typename fun(value: any): string see thespian.types
---@field ActorSystem fun(base?, capabilities?, logDefs?, transientUnique?): thespian.ActorSystem
---@field ActorTypeDispatcher thespian.ActorTypeDispatcher
---@field requireCapability fun(name: string, value?: any): fun(class): any see thespian.requiring
---@field troupe fun(settings: thespian.TroupeSettings): fun(class): any see thespian.troupe
---@field transient fun(period: thespian.Period): fun(class): any see thespian.transience
---@field transient_idle fun(period: thespian.Period): fun(class): any see thespian.transience
---@field initializing_messages fun(list, done?, passthru?): fun(class): any
---@field compileSource fun(zip: string, options?: thespian.CompileOptions): string see thespian.compiling
---@field UpdateTroupeSettings thespian.UpdateTroupeSettings
---@field ActorSystemMessage thespian.ActorSystemMessage
---@field ActorExitRequest thespian.ActorExitRequest
---@field ChildActorExited thespian.ChildActorExited
---@field PoisonMessage thespian.PoisonMessage
---@field DeadEnvelope thespian.DeadEnvelope
---@field WakeupMessage thespian.WakeupMessage
---@field ActorSystemConventionUpdate thespian.ActorSystemConventionUpdate
---@field ValidateSource thespian.ValidateSource
---@field ValidatedSource thespian.ValidatedSource
---@field LoadedSource thespian.LoadedSource
---@field UnloadedSource thespian.UnloadedSource
---@field Thespian_StatusReq thespian.Thespian_StatusReq
---@field Thespian_SystemStatusResponse thespian.Thespian_SystemStatusResponse
---@field Thespian_ActorStatusResponse thespian.Thespian_ActorStatusResponse
---@field ActorSystemException thespian.ActorSystemException
---@field InvalidActorAddress thespian.InvalidActorAddress
---@field NoCompatibleSystemForActor thespian.NoCompatibleSystemForActor
---@field InvalidActorSourceHash thespian.InvalidActorSourceHash
---@field InvalidActorSpecification thespian.InvalidActorSpecification
---@field CannotSend thespian.CannotSend
---@field ActorSystemFailure thespian.ActorSystemFailure
---@field ActorSystemStartupFailure thespian.ActorSystemStartupFailure
---@field ActorSystemRequestTimeout thespian.ActorSystemRequestTimeout
local actors = {
  Actor = Actor,
  class = class.class,
  --- Seconds on a clock that never goes back.
  ---@type fun(): number
  monotonic = core.monotonic,
  ---@type string
  version = core.version,
}

--- Called at a file's top level as `actors.main(...)`: true only when that file is the program
--- being run. So one file can hold actors and the program that uses them; in the actors' own states
--- it is a module.
---@return boolean
function actors.main(...)
  return not core.actor and require("thespian.origin").isprogram(2)
end

return setmetatable(actors, {
  __index = function(self, key)
    local found
    -- What most actors ask for are messages: these do without the rest.
    if type(key) == "string" and key:find "^%u" then found = require("thespian.messages")[key] end
    if found == nil then found = require("thespian.library").offer(key) end
    -- What is misspelt must not become a class without a base, or a check against nothing.
    if found == nil then error("thespian.actors has no '" .. tostring(key) .. "'", 2) end
    rawset(self, key, found)
    return found
  end,
})
