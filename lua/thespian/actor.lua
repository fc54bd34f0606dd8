-- actor: the class that all actors derive from. What most actors never call lies in
-- thespian.requests and is loaded at the first call.

local core = require "thespian.core"
local class = require "thespian.class"

---@class thespian.ActorAddress: userdata

---@class thespian.Actor: thespian.Class
---@field myAddress thespian.ActorAddress this actor's own address, set before init runs
---@field globalName string? its global name, if it has one
---@field init? fun(self: thespian.Actor, capabilities: table, requirements: any)
---@field actorSystemCapabilityCheck? fun(capabilities: table, requirements: any): boolean static
local Actor = class.make("Actor", nil, "thespian.actors")

--- Handles one message; overridden by actors. An error raised here makes the runtime call it once
--- more with the same message, and then send the message back to its sender as a PoisonMessage.
---@param message any
---@param sender thespian.ActorAddress
function Actor:receiveMessage(message, sender) end

--- Sends a message. Raises InvalidActorAddress for what is no address, and CannotSend, with the
--- path to it, for a value that cannot travel.
---@type fun(self: thespian.Actor, address: thespian.ActorAddress, message: any)
Actor.send = core.send

for _, name in
  next,
  {
    "createActor", "wakeupAfter", "handleDeadLetters", "notifyOnSourceAvailability",
    "notifyOnSystemRegistrationChanges", "loadActorSource", "unloadActorSource",
    "registerSourceAuthority", "updateCapability", "preRegisterRemoteSystem", "deRegisterRemoteSystem",
    "actorSystemShutdown", "logger",
  }
do
  Actor[name] = class.lazy("thespian.requests", name)
end

return Actor
