-- period: lengths of time as users write them.

local require = require

---@class thespian.Units
---@field days? number
---@field hours? number
---@field minutes? number
---@field seconds? number
---@field milliseconds? number
---@field microseconds? number

---@alias thespian.Period number|thespian.Units seconds, or a sum of units

---@class thespian.period
local period = {}

--- Seconds in each unit.
local UNITS = {
  days = 86400, hours = 3600, minutes = 60, seconds = 1, milliseconds = 1e-3, microseconds = 1e-6,
}

--- level counts from the function that calls this one.
local function refuse(what, level, words)
  require("thespian.errors").raise("ActorSystemException", level + 1, what .. ": " .. words)
end

local function add_units(value, what, level)
  local seconds = 0.0
  for unit, count in next, value do
    local length = UNITS[unit]
    if not length then
      refuse(what, level + 1, ("a period has no '%s'; it is made of days, hours, minutes, seconds, "
        .. "milliseconds and microseconds"):format(tostring(unit)))
    end
    if type(count) ~= "number" then
      refuse(what, level + 1, ("%s of a period is a number, got %s"):format(unit, type(count)))
    end
    seconds = seconds + count * length
  end
  return seconds
end

--- Converts a period to seconds. One that lies in the past (a deadline minus now) counts as zero.
---@param value thespian.Period
---@param what string who asks, for the error's words
---@param level integer of the line that the error names: 1 is the caller, 2 the caller's caller
---@return number seconds
function period.seconds(value, what, level)
  local seconds = value
  if type(value) == "table" then
    seconds = add_units(value, what, level + 1)
  elseif type(value) ~= "number" then
    refuse(what, level + 1, "a period is a number of seconds or a table such as {minutes = 5}; got "
      .. (type(value) == "string" and ("the string %q"):format(value) or tostring(value)))
  end
  if seconds ~= seconds then refuse(what, level + 1, "a period cannot be nan") end
  return seconds > 0 and seconds + 0.0 or 0.0
end

--- The same for a timeout, where nil and infinity mean for ever.
---@param value? thespian.Period
---@param what string
---@param level integer
---@return number|nil seconds
function period.timeout(value, what, level)
  if value == nil then return nil end
  local seconds = period.seconds(value, what, level + 1)
  return seconds < math.huge and seconds or nil
end

return period
