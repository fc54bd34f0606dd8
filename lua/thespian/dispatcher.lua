-- dispatcher: actors whose messages go to a method for their type.

local core = require "thespian.core"
local class = require "thespian.class"
local Actor = require "thespian.actor"

local getmetatable, mathtype, rawget, type = getmetatable, math.type, rawget, type

--- What a handler returns to pass its message on.
local SUPER = setmetatable({}, { __tostring = function() return "ActorTypeDispatcher.SUPER" end })

--- An actor that calls receiveMsg_TYPE(self, message, sender). TYPE is the short name of the
--- message's class, then of each base in turn; for plain values "string", "boolean", "integer" or
--- "float" then "number", "ActorAddress", "table", "nil". A handler that returns self.SUPER passes
--- the message on: to the handler for the same type that it overrides, then to the next type.
---@class thespian.ActorTypeDispatcher: thespian.Actor
---@field SUPER any what a handler returns to pass the message on
---@field receiveUnrecognizedMessage? fun(self, message, sender) gets what no handler took
local ActorTypeDispatcher = class.make("ActorTypeDispatcher", Actor, "thespian.actors")

ActorTypeDispatcher.SUPER = SUPER

--- Calls a handler that overrides others, and these one after the other while each passes the
--- message on. True when one of them kept it.
local function pass_up(self, key, handler, message, sender)
  local meta = getmetatable(self)
  local tried
  while true do
    if handler ~= nil and handler ~= tried then
      if handler(self, message, sender) ~= SUPER then return true end
      tried = handler
    end
    if not meta then return false end
    handler = rawget(meta.__index, key)
    meta = meta.__base
  end
end

--- Offers the message to the handlers for one type. True when one of them kept it.
local function offer(self, name, message, sender)
  local key = "receiveMsg_" .. name
  local handler = self[key]
  return handler ~= nil and pass_up(self, key, handler, message, sender)
end

--- Offers an instance under the names of its class and of those it derives from.
local function offer_instance(self, meta, message, sender)
  repeat
    if offer(self, meta.__name, message, sender) then return true end
    meta = meta.__base
  until not meta
  return false
end

local function offer_message(self, message, sender)
  local kind = type(message)
  if kind == "table" then
    local meta = getmetatable(message)
    if type(meta) == "table" and rawget(meta, "__thespian") == true then
      return offer_instance(self, meta, message, sender)
    end
  elseif kind == "number" then
    return offer(self, mathtype(message), message, sender) or offer(self, kind, message, sender)
  elseif kind == "userdata" and core.isAddress(message) then
    kind = "ActorAddress"
  end
  return offer(self, kind, message, sender)
end

--- Dispatches a message. One who overrides this calls it for what is to be dispatched.
---@param message any
---@param sender thespian.ActorAddress
function ActorTypeDispatcher:receiveMessage(message, sender)
  if offer_message(self, message, sender) then return end
  local unrecognized = self.receiveUnrecognizedMessage
  if unrecognized ~= nil then unrecognized(self, message, sender) end
end

return ActorTypeDispatcher
