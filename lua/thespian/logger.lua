-- logger: what Actor.logger gives.

local core = require "thespian.core"

--- Writes to the system's log, with the address and class of this actor.
---@class thespian.Logger
---@field name string
local Logger = {}
Logger.__index = Logger

--- The text of a line. A format that does not fit its values must not fail the actor that logs.
local function text_of(format, ...)
  if select("#", ...) == 0 then return tostring(format) end
  local fits, text = pcall(string.format, format, ...)
  if fits then return text end
  local parts = table.pack(tostring(format), ...)
  for number = 2, parts.n do parts[number] = tostring(parts[number]) end
  return table.concat(parts, " ")
end

---@param format any as for string.format when values follow; else the text itself
function Logger:debug(format, ...) core.log(0, self.name, text_of(format, ...)) end

---@param format any
function Logger:info(format, ...) core.log(1, self.name, text_of(format, ...)) end

---@param format any
function Logger:warning(format, ...) core.log(2, self.name, text_of(format, ...)) end

---@param format any
function Logger:error(format, ...) core.log(3, self.name, text_of(format, ...)) end

---@param format any
function Logger:critical(format, ...) core.log(4, self.name, text_of(format, ...)) end

---@param name string
---@return thespian.Logger
return function(name) return setmetatable({ name = name }, Logger) end
