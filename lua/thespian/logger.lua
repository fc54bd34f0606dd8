-- logger: what Actor.logger gives.

local core = require "thespian.core"

--- Writes to the system's log, with the class and the address of this actor.
---@class thespian.Logger
---@field name? string
local Logger = {}
Logger.__index = Logger

local function text_of_one(value)
  local shown, text = pcall(tostring, value)
  return shown and text or "(" .. type(value) .. " that cannot be shown)"
end

--- The text of a line. A format that does not fit its values must not fail the actor that logs.
local function text_of(format, ...)
  if select("#", ...) == 0 then return text_of_one(format) end
  local fits, text = pcall(string.format, format, ...)
  if fits then return text end
  local parts = table.pack(format, ...)
  for number = 1, parts.n do parts[number] = text_of_one(parts[number]) end
  return table.concat(parts, " ")
end

--- What nobody will read is not formatted.
local function write(self, level, ...)
  if core.logs(level) then core.log(level, self.name, text_of(...)) end
end

---@param format any as for string.format when values follow; else the text itself
function Logger:debug(format, ...) write(self, 0, format, ...) end

---@param format any
function Logger:info(format, ...) write(self, 1, format, ...) end

---@param format any
function Logger:warning(format, ...) write(self, 2, format, ...) end

---@param format any
function Logger:error(format, ...) write(self, 3, format, ...) end

---@param format any
function Logger:critical(format, ...) write(self, 4, format, ...) end

---@param name? string
---@return thespian.Logger
return function(name) return setmetatable({ name = name }, Logger) end
