-- types: what a value is.

local core = require "thespian.core"
local class = require "thespian.class"

local classes = class.classes
local error, getmetatable, rawget, require, type = error, getmetatable, rawget, require, type

---@class thespian.types
local types = {}

--- True for classes; not for their instances.
---@param value any
---@return boolean
local function isclass(value) return type(value) == "table" and getmetatable(value) == classes end
types.isclass = isclass

--- The metatable of an instance of a class of ours.
local function metaof(value)
  local meta = getmetatable(value)
  if type(meta) == "table" and rawget(meta, "__thespian") == true then return meta end
end

--- True when meta's class is this one, or derives from it. Classes that could not be loaded here
--- are told by their names.
---@param meta table
---@param wanted thespian.Class
---@return boolean
function types.derives(meta, wanted)
  repeat
    if meta.__class == wanted then return true end
    local foreign = meta.__foreign
    if foreign and require("thespian.naming").qualified(wanted.__meta) == foreign then
      return true
    end
    meta = meta.__base
  until not meta
  return false
end

--- True when value is an instance of the class or of one that derives from it.
---@param value any
---@param wanted thespian.Class
---@return boolean
function types.isinstance(value, wanted)
  if not isclass(wanted) then
    error("actors.isinstance: the second argument is no class but a " .. type(wanted), 2)
  end
  local meta = metaof(value)
  return meta ~= nil and types.derives(meta, wanted)
end

--- The short name of an instance's class, "integer" or "float" for numbers, "ActorAddress" for
--- addresses, else what Lua's type says.
---@param value any
---@return string
function types.typename(value)
  local kind = type(value)
  if kind == "number" then return math.type(value) end
  if kind == "userdata" and core.isAddress(value) then return "ActorAddress" end
  local meta = kind == "table" and metaof(value)
  return meta and meta.__name or kind
end

return types
