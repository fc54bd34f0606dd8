-- specification: what createActor is told to create.

local core = require "thespian.core"
local finding = require "thespian.finding"
local types = require "thespian.types"

local require = require

---@class thespian.specification
local specification = {}

local KIND = "InvalidActorSpecification"

local function refuse(level, words)
  require("thespian.errors").raise(KIND, level + 2, "createActor: " .. words)
end

local function check_class(value, level)
  local Actor = require "thespian.actor"
  if not types.derives(value.__meta, Actor) then
    refuse(level + 1, value.name .. " is no actor class: it does not derive from actors.Actor")
  end
end

--- The qualified name of what is to be created, and the class when it was given as one.
---@param value any a class or "module.Class"
---@param level integer of the line that an error names: 1 is the caller, 2 the caller's caller
---@return string name
---@return thespian.Class|nil
function specification.read(value, level)
  if type(value) == "string" then
    if not finding.isname(value) then
      refuse(level, ('%q is no name of a class; one is "module.Class"'):format(value))
    end
    return value
  end
  if not types.isclass(value) then
    local got = type(value)
    if got == "table" and types.typename(value) ~= got then
      got = "an instance of " .. types.typename(value)
    end
    refuse(level, 'expected an actor class or its name "module.Class", got ' .. got)
  end
  check_class(value, level)
  local name = require("thespian.naming").qualified(value.__meta)
  if core.actor and name == value.name and package.loaded[name] ~= value then
    refuse(level, "class " .. name .. " was made by no module's file, so no other actor can find it")
  end
  return name, value
end

--- Checks what else createActor is given, but for the requirements: they may be any message.
---@param level integer as above
function specification.check(global_name, source_hash, level)
  local arguments = require "thespian.arguments"
  if global_name ~= nil then
    arguments.name(global_name, "createActor", "a global name", level + 1, KIND)
  end
  if source_hash ~= nil then arguments.hash(source_hash, "createActor", level + 1, KIND) end
end

return specification
