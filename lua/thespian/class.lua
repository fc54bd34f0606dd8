-- class: how classes are made and looked into.
--
-- A class is three tables. The class itself is what users hold; it is empty but for __meta, so that
-- every access comes to the functions below. Its methods lie in meta.__index, so an instance finds
-- methods there and neither `name` nor `super` nor `new`: a message with a field `name` that is nil
-- has no name. meta is the metatable of its instances, and what the codec knows a class by
-- (bindings/codec.h):
--
--   __index     the methods; behind them, by their metatable, the base's
--   __thespian  true
--   __name      the short name, which Lua's tostring uses too
--   __class     the class
--   __base      the base's meta, or nil
--   __link      what stands behind the methods of subclasses: {__index = our methods, meta of
--               subclass, ...}
--   __special   the metamethods of instances: {[name] = true}, or nil; each is in the methods too
--   __module    name of the module that made it, or nil when that is unknown
--   __file      that module's file (in programs)
--   __kind      kind of message, for system messages (message/message.h)
--   __names     packed names, written by the codec
--   __layers    what decorators put around its actors, see layers; or nil
--   __watch     {[key] = function(value)}: who is given what is assigned under a key, or nil
--   __foreign   the qualified name of a class that could not be loaded here, see finding
--
-- Every actor has a state of its own and loads this file into it, so it holds what every actor
-- needs, and the rest is loaded by the few that need it: see lazy.

local core = require "thespian.core"

local getmetatable, setmetatable, type, error, next, require =
  getmetatable, setmetatable, type, error, next, require

--- The metatable of every class.
local classes = {}

--- Every class whose module is known, by "module.Short".
---@type table<string, thespian.Class>
local recorded = {}

---@class thespian.class
local class = { classes = classes, recorded = recorded }

---@class thespian.Class
---@field name string the short name
---@field super? thespian.Class the base
---@field new fun(self: thespian.Class, ...): any makes an instance, as calling the class does
---@overload fun(...): any

--- A function that loads its module when it is called: require(module)[key].
---@param module string
---@param key string
---@return function
function class.lazy(module, key)
  return function(...) return require(module)[key](...) end
end

--- Makes an instance and calls its init, if there is one.
---@param self thespian.Class
local function new(self, ...)
  if getmetatable(self) ~= classes then error("use Class(...) or Class:new(...)", 2) end
  local meta = self.__meta
  local instance = setmetatable({}, meta)
  local init = meta.__index.init
  if init then init(instance, ...) end
  return instance
end

function classes.__index(self, key)
  local meta = self.__meta
  local value = meta.__index[key]
  if value ~= nil then return value end
  if key == "new" then return new end
  if key == "name" then return meta.__name end
  if key == "super" then return meta.__base and meta.__base.__class end
end

function classes.__newindex(self, key, value)
  local watch = self.__meta.__watch
  if watch and watch[key] then return watch[key](value) end
  self.__meta.__index[key] = value
  if type(key) == "string" and key > "__" and key < "_`" then -- it begins with __
    require("thespian.metamethods").set(self.__meta, key)
  end
end

classes.__call = new
classes.__tostring = class.lazy("thespian.types", "tostring")
classes.__pairs = class.lazy("thespian.types", "pairs")

--- Makes a class.
---@param name string short
---@param base? thespian.Class
---@param module? string nil when it is unknown
---@return thespian.Class
function class.make(name, base, module)
  local methods = {}
  local meta = { __index = methods, __thespian = true, __name = name, __module = module }
  local made = setmetatable({ __meta = meta }, classes)
  meta.__class = made
  if module then recorded[module .. "." .. name] = made end
  if not base then return made end

  local above = base.__meta
  local link, special = above.__link, above.__special
  if not link then
    link = { __index = above.__index }
    above.__link = link
  end
  link[#link + 1] = meta
  setmetatable(methods, link)
  meta.__base = above
  meta.__kind = above.__kind
  if special then
    meta.__special = special
    for key in next, special do meta[key] = above[key] end
  end
  return made
end

--- Makes a class: a table whose functions are the methods of its instances. Instances are made by
--- `Class(...)` or `Class:new(...)`, which call `init(self, ...)` where there is one.
---@param name string the short name, without dots
---@param base? thespian.Class whose methods and metamethods it inherits
---@return any
function class.class(name, base)
  if type(name) ~= "string" or name == "" then
    local got = name == "" and "an empty one" or type(name)
    error("actors.class: the name of a class is a string, got " .. got, 2)
  end
  if base ~= nil and getmetatable(base) ~= classes then
    error("actors.class: the base of " .. name .. " is no class but a " .. type(base), 2)
  end
  if core.actor then return class.make(name, base, core.loading()) end
  local module, file = require("thespian.origin").find(2)
  local made = class.make(name, base, module)
  made.__meta.__file = file
  return made
end

core.setCodec(class.lazy("thespian.naming", "names"), class.lazy("thespian.library", "resolve"))

return class
