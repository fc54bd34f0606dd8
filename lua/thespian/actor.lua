-- actor: the class that all actors derive from. It is C (bindings/class.h); this is how programs find
-- it. What most actors never call lies in thespian.requests and is loaded at the first call.

---@class thespian.ActorAddress: userdata

---@class thespian.Actor: thespian.Class
---@field myAddress thespian.ActorAddress this actor's own address, set before init runs
---@field globalName string? its global name, if it has one
---@field init? fun(self: thespian.Actor, capabilities: table, requirements: any)
---@field actorSystemCapabilityCheck? fun(capabilities: table, requirements: any): boolean static
--- Handles one message; overridden by actors. An error raised here makes the runtime call it once
--- more with the same message, and then send the message back to its sender as a PoisonMessage.
---@field receiveMessage fun(self: thespian.Actor, message: any, sender: thespian.ActorAddress)
--- Sends a message. Raises InvalidActorAddress for what is no address, and CannotSend, with the
--- path to it, for a value that cannot travel.
---@field send fun(self: thespian.Actor, address: thespian.ActorAddress, message: any)

return require("thespian.core").openActor()
