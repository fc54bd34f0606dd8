-- finding: from the names of classes to the classes.

local core = require "thespian.core"
local class = require "thespian.class"
local library = require "thespian.library"
local types = require "thespian.types"

local next, rawget, tostring, type, xpcall = next, rawget, tostring, type, xpcall
local isclass, recorded, loaded = types.isclass, class.recorded, core.loaded
local require = require

--- Programs show the tracebacks of all errors themselves.
local traceback = core.actor and core.traceback or debug.traceback

---@class thespian.finding
local finding = {}

--- "module" and "Key" of "module.Key"; nil and the whole where there is no dot.
---@param name string
---@return string|nil module, string key
local function split(name)
  local module, key = name:match("^(.*)%.([^.]*)$")
  return module, key or name
end

--- True for what can be a qualified name; require makes the names of files of it.
---@param name any
---@return boolean
function finding.isname(name)
  return type(name) == "string" and name ~= "" and utf8.len(name) and not name:find("[%c/\\?;]")
    and not name:find("^%.") and not name:find("%.$") and not name:find("..", 1, true)
end

--- The class of that name among those that are already here.
local function present(name)
  local module, key = split(name)
  if module == library.NAME then return library.class(key) end
  local found = module and loaded[module]
  if type(found) == "table" and not isclass(found) then
    found = rawget(found, key)
    if isclass(found) then return found end
  end
  if isclass(loaded[name]) then return loaded[name] end
  return recorded[name]
end

--- True when what require raised says that there is no such module; whoever wraps require may have
--- put a position before it.
---@param raised any
---@param module string
---@return boolean
local function ismissing(raised, module)
  local first = type(raised) == "string" and raised:match("^[^\n]*") or ""
  return first:find("module '" .. module .. "' not found:", 1, true) ~= nil
end
finding.ismissing = ismissing

--- Loads a module. True, or false and why not, and whether that is because there is none.
---@return boolean loads, string|nil why, boolean|nil missing
local function load_module(module)
  -- The program's own file has run, or runs: it is not run again.
  if not core.actor and module == require("thespian.origin").program() then
    return false, "module '" .. module .. "' is the program", true
  end
  local missing = false
  local loads, why = xpcall(require, function(raised)
    missing = ismissing(raised, module)
    return missing and raised or traceback(tostring(raised))
  end, module)
  if loads then return true end
  return false, why, missing
end

--- Why a module that was loaded does not do; key is nil when it is not itself a class.
local function no_class(module, key)
  local name_in = require("thespian.naming").name_in
  local known = {}
  for name, made in next, recorded do
    local meta = made.__meta
    if meta.__module == module then known[#known + 1] = name_in(module, meta) or name end
  end
  table.sort(known)
  local words = key and ("module '%s' has no class '%s'"):format(module, key)
    or ("module '%s' is no class"):format(module)
  return #known > 0 and words .. "; there is " .. table.concat(known, ", ") or words
end

--- Finds the class of a qualified name, loading its module where that is needed.
---@param name string for which isname holds
---@return thespian.Class|nil
---@return string|nil why words that say why there is none
---@return boolean|nil broken true when its module is there but could not be loaded
function finding.find(name)
  local found = present(name)
  if found then return found end
  local module, key = split(name)
  local loads, why, missing
  if module then
    loads, why, missing = load_module(module)
    found = (loads or missing) and present(name)
    if found or not loads and not missing then return found or nil, why, not found end
  end
  local loads_itself, why_itself, missing_itself = load_module(name)
  if not loads_itself and not missing_itself then return nil, why_itself, true end
  if loads_itself then return present(name), no_class(name) end
  return nil, loads and no_class(module, key) or why or why_itself
end

--- The same for what a user wrote.
---@param specified string
---@return thespian.Class|nil
---@return string|nil why
function finding.search(specified)
  if not finding.isname(specified) then
    return nil, ('%q is no name of a class; one is "module.Class"'):format(specified)
  end
  return finding.find(specified)
end

--- The class of a name in a message; nil when it cannot be found.
local function lookup(name)
  if not finding.isname(name) then return nil end
  local found, why, broken = finding.find(name)
  if broken and core.log then
    core.log(2, "thespian", ("class %s of a message cannot be loaded: %s"):format(name, why))
  end
  -- A file that fails half way may have made the class before.
  return found or recorded[name]
end

--- Stands for a class that cannot be loaded here.
local function foreign(name, short, base)
  local made = class.make(short, base)
  made.__meta.__foreign = name
  return made
end

--- For the codec, by way of the library: the metatable for instances of the class with these names.
--- For a class that cannot be loaded here it is one that knows its names, and derives from the
--- first of its bases that can; sent on, it carries the same names.
---@param packed string
---@param names string[] at least one pair, which the codec sees to
---@return table meta
function finding.resolve(packed, names)
  local made
  local number = 1
  while number < #names and not made do
    made = lookup(names[number])
    number = number + 2
  end
  local unknown = made and number - 4 or number - 2
  for position = unknown, 1, -2 do made = foreign(names[position], names[position + 1], made) end
  local meta = made.__meta
  if meta.__foreign then meta.__names = packed end
  return meta
end

return finding
