-- requests: the methods of actors that ask something of their system. This file puts them in the
-- place of the stubs that loaded it.

local core = require "thespian.core"

local require, type = require, type

---@class thespian.Actor
local Actor = require "thespian.actor"

--- Creates an actor, whose address can be used at once. When it cannot start, the messages sent to
--- it become dead letters and this actor gets a ChildActorExited. Raises InvalidActorSpecification
--- for what is neither a class nor a name of one.
---@param class thespian.Class|string an actor class or "module.Class"
---@param requirements? any for the class's actorSystemCapabilityCheck, and its init
---@param globalName? string at most one actor has it; when there is one, its address is the result
---@param sourceHash? string of the source to take it from; nil: where this actor's own code is from
---@return thespian.ActorAddress
function Actor:createActor(class, requirements, globalName, sourceHash)
  local specification = require "thespian.specification"
  local name = specification.read(class, 2)
  specification.check(globalName, sourceHash, 2)
  return core.createActor(name, requirements, globalName, sourceHash)
end

--- Sends this actor a WakeupMessage after a time. It cannot be taken back; ignore it when it comes.
---@param period thespian.Period given back as the message's delayPeriod
---@param payload? any given back as the message's payload
function Actor:wakeupAfter(period, payload)
  core.wakeup(require("thespian.period").seconds(period, "wakeupAfter", 2), period, payload)
end

--- Lets this actor get what found nobody, as DeadEnvelope messages; or, with false, no longer.
---@param start? boolean true when left out
function Actor:handleDeadLetters(start)
  core.handleDeadLetters(require("thespian.arguments").start(start, "handleDeadLetters", 2))
end

--- Lets this actor hear of loaded and unloaded sources by LoadedSource and UnloadedSource messages;
--- or, with false, no longer.
---@param start? boolean true when left out
function Actor:notifyOnSourceAvailability(start)
  core.notifySources(require("thespian.arguments").start(start, "notifyOnSourceAvailability", 2))
end

--- Lets this actor hear of systems that come to the convention, change their capabilities or are
--- gone, by ActorSystemConventionUpdate messages, first of those that are there; or, with false, no
--- longer.
---@param start? boolean true when left out
function Actor:notifyOnSystemRegistrationChanges(start)
  core.notifySystems(
    require("thespian.arguments").start(start, "notifyOnSystemRegistrationChanges", 2))
end

--- Makes a system known before it checks in: it is connected to, and invited to register with this
--- one, until it is de-registered.
---@param address thespian.SystemPlace
---@param capabilities? table what it is known to have
function Actor:preRegisterRemoteSystem(address, capabilities)
  local arguments = require "thespian.arguments"
  local place = arguments.place(address, "preRegisterRemoteSystem", 2)
  if capabilities ~= nil and type(capabilities) ~= "table" then
    arguments.refuse("preRegisterRemoteSystem", 2,
      "capabilities are a table, got " .. arguments.got(capabilities))
  end
  core.preRegister(place, capabilities or {})
end

--- Lets a system go that was pre-registered, or has registered here. It may register again.
---@param address thespian.SystemPlace
function Actor:deRegisterRemoteSystem(address)
  core.deRegister(require("thespian.arguments").place(address, "deRegisterRemoteSystem", 2))
end

--- Loads a bundle into this system. Raises ActorSystemException when it is not a usable one.
---@param file thespian.SourceFile a path, or anything with :read
---@return string hash the SHA-256 of the file
function Actor:loadActorSource(file)
  local data, info = require("thespian.sourcefile").read(file, 2)
  return core.loadSource(data, info)
end

--- Lets no more actors be created from a bundle; those that run stay.
---@param hash string
function Actor:unloadActorSource(hash)
  require("thespian.arguments").hash(hash, "unloadActorSource", 2)
  core.unloadSource(hash)
end

--- Makes this actor the system's source authority, in the place of any other: whatever is loaded from
--- now on comes to it as a ValidateSource{sourceHash, sourceData, sourceInfo}, and only what it sends
--- back to the sender as a ValidatedSource{sourceHash, sourceZip, sourceInfo} can be used. With a
--- sourceZip of nil the source is refused; so it is when no answer comes within 45 seconds (the
--- system's capability "Source Validation Time").
function Actor:registerSourceAuthority() core.registerAuthority() end

--- Sets a capability of this system; with nil removes it.
---@param name string
---@param value? any
function Actor:updateCapability(name, value)
  require("thespian.arguments").name(name, "updateCapability", "the name of a capability", 2)
  core.updateCapability(name, value)
end

--- Shuts this system down.
function Actor:actorSystemShutdown() core.shutdown() end

--- A logger, whose lines carry this actor's address and class.
---@param name? string stands in its lines, too
---@return thespian.Logger
function Actor:logger(name)
  if name ~= nil then
    require("thespian.arguments").name(name, "logger", "the name of a logger", 2)
  end
  return require "thespian.logger"(name)
end

return Actor
