-- naming: the names that classes travel by.
--
-- A message that is an instance carries [qualified, short, base's qualified, base's short, ...]. A
-- qualified name is "module.Key" where a loaded module's table has the class under Key, "module"
-- where the module returns the class itself, else "module.Short" after the module whose file made
-- the class, else "Short".

local core = require "thespian.core"

local next, rawget, type = next, rawget, type
local loaded = core.loaded

---@class thespian.naming
local naming = {}

--- The codec takes no more names for one class; of a longer chain of bases the end is left out.
local MOST_NAMES = 256

--- Modules that are Lua's own; nothing of a program's travels by their names.
local STANDARD = {
  _G = true, package = true, coroutine = true, table = true, io = true, os = true, string = true,
  math = true, utf8 = true, debug = true,
}

--- True for modules that are everywhere: Lua's and the library's.
---@param module string
---@return boolean
function naming.iseverywhere(module)
  return STANDARD[module] or module == "thespian" or module:find("^thespian%.") ~= nil
end

--- True for what a class can travel as in a module's table: a dot would be read as the module's
--- end.
local function iskey(key) return type(key) == "string" and not key:find(".", 1, true) end

--- The key under which a table has the class; of several the short name, else the first.
local function key_in(found, made, short)
  if type(found) ~= "table" then return nil end
  if rawget(found, short) == made then return short end
  local least
  for key, value in next, found do
    if value == made and iskey(key) and (not least or key < least) then least = key end
  end
  return least
end

--- The name that a module gives the class; nil when it gives none.
---@param module string
---@param meta table
---@return string|nil
local function name_in(module, meta)
  local found, made = loaded[module], meta.__class
  if found == made then return module end
  local key = key_in(found, made, meta.__name)
  return key and module .. "." .. key
end
naming.name_in = name_in

--- The name that the first of all loaded modules gives the class.
local function name_anywhere(meta)
  local least
  for module in next, loaded do
    if type(module) == "string" and (not least or module < least)
      and not naming.iseverywhere(module) and name_in(module, meta)
    then
      least = module
    end
  end
  return least and name_in(least, meta)
end

--- The qualified name of the class that meta belongs to.
---@param meta table
---@return string
function naming.qualified(meta)
  local module, short = meta.__module, meta.__name
  if meta.__foreign then return meta.__foreign end
  local made_there = module and module .. "." .. short
  if module == "thespian.actors" then return made_there end
  return module and name_in(module, meta) or name_anywhere(meta) or made_there or short
end

--- For the codec: the packed names of the class that meta belongs to.
---@param meta table
---@return string
function naming.names(meta)
  local list = {}
  repeat
    list[#list + 1] = naming.qualified(meta)
    list[#list + 1] = meta.__name
    meta = meta.__base
  until not meta or #list == MOST_NAMES
  return core.packNames(list)
end

return naming
