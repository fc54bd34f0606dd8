-- transience: the decorators transient and transient_idle, for actors that end by themselves.

local core = require "thespian.core"
local layers = require "thespian.layers"
local messages = require "thespian.messages"
local period = require "thespian.period"
local types = require "thespian.types"

local isinstance = types.isinstance
local error, next, tostring, type = error, next, tostring, type

---@class thespian.transience
local transience = {}

local function quit(self) core.send(self, self.myAddress, messages.ActorExitRequest()) end

--- True for the wakeup that a layer with this mark asked for.
local function is_due(self, message, sender, mark)
  return sender == self.myAddress and isinstance(message, messages.WakeupMessage)
    and message.payload == mark
end

--- Refuses a count of seconds or of another unit that lies below zero.
local function refuse_negative(what, count, level)
  if type(count) == "number" and count < 0 then
    error(("actors.%s: a period is not negative, got %s"):format(what, count), level + 1)
  end
end

--- Reads a decorator's period. level counts from the function that calls this one.
local function read(what, value, level)
  if value == nil or types.isclass(value) then
    error(("actors.%s takes a period, such as 10 or {minutes = 5}, and gives a function that takes "
      .. "the class; got %s"):format(what, tostring(value)), level + 1)
  end
  refuse_negative(what, value, level + 1)
  if type(value) == "table" then
    for _, count in next, value do refuse_negative(what, count, level + 1) end
  end
  -- Not a tail call, which would be missing when levels are counted.
  local seconds = period.seconds(value, "actors." .. what, level + 1)
  return seconds
end

--- Lets an actor exit when the period is over that begins with its first message. What is in its
--- mailbox by then is handled before.
---@param value thespian.Period
---@return fun(class: thespian.Class): any decorator
function transience.transient(value)
  local seconds = read("transient", value, 2)
  local mark = "thespian.transient"
  local function wrap(birth, inner)
    local self, started = birth.self, false
    return function(message, sender)
      if started and is_due(self, message, sender, mark) then return quit(self) end
      if not started then
        started = true
        core.wakeup(seconds, seconds, mark)
      end
      return inner(message, sender)
    end
  end
  return layers.decorator { kind = "transient", wrap = wrap }
end

--- Lets an actor exit when no message but the system's came for a period; the first period begins
--- with its first message.
---@param value thespian.Period
---@return fun(class: thespian.Class): any decorator
function transience.transient_idle(value)
  local seconds = read("transient_idle", value, 2)
  local mark = "thespian.transient_idle"
  local function wrap(birth, inner)
    local self, deadline = birth.self, nil

    local function look()
      local left = deadline - core.monotonic()
      if left <= 0 then return quit(self) end
      core.wakeup(left, left, mark)
    end

    return function(message, sender)
      if deadline and is_due(self, message, sender, mark) then return look() end
      if not isinstance(message, messages.ActorSystemMessage) then
        if not deadline then core.wakeup(seconds, seconds, mark) end
        deadline = core.monotonic() + seconds
      end
      return inner(message, sender)
    end
  end
  return layers.decorator { kind = "transient_idle", wrap = wrap }
end

return transience
