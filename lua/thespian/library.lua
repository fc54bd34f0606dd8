-- library: the classes of the library by their names, and what else thespian.actors offers.

local core = require "thespian.core"
local class = require "thespian.class"

local require = require

---@class thespian.library
local library = {}

--- The module that users know all classes of the library by.
local NAME = "thespian.actors"
library.NAME = NAME

--- The modules that make further classes.
local MAKERS = {
  ActorTypeDispatcher = "thespian.dispatcher",
  UpdateTroupeSettings = "thespian.troupemessages", TroupeWork = "thespian.troupemessages",
  TroupeReady = "thespian.troupemessages",
}

--- The modules of the functions that thespian.actors offers.
local FUNCTIONS = {
  isinstance = "thespian.types", typename = "thespian.types",
  requireCapability = "thespian.requiring", troupe = "thespian.troupe",
  transient = "thespian.transience", transient_idle = "thespian.transience",
  initializing_messages = "thespian.initializing", compileSource = "thespian.compiling",
}

---@param short string
---@return thespian.Class|nil
function library.class(short)
  local maker = MAKERS[short]
  if maker then
    require(maker)
    return class.recorded[NAME .. "." .. short]
  end
  if short == "Actor" then return require "thespian.actor" end
  return require("thespian.messages")[short] or require("thespian.errors").classes[short]
    or class.recorded[NAME .. "." .. short]
end

--- In an actor's state ActorSystem is this.
local function no_system()
  require("thespian.errors").raise("ActorSystemException", 2,
    "actors.ActorSystem is for programs, and this is the state of an actor, where the file is a "
    .. "module: put the file's program part under `if actors.main(...) then`")
end

--- What thespian.actors has under a name, but for what it has from the start.
---@param key any
---@return any
function library.offer(key)
  if FUNCTIONS[key] then return require(FUNCTIONS[key])[key] end
  if key == "ActorSystem" then
    return core.actor and no_system or require("thespian.system").ActorSystem
  end
  return library.class(key)
end

--- For the codec: the metatable for instances of the class with these packed names.
---@param packed string
---@return table meta
function library.resolve(packed)
  local names = core.unpackNames(packed)
  local short = names[2]
  local found = short and names[1] == NAME .. "." .. short and library.class(short)
  return found and found.__meta or require("thespian.finding").resolve(packed, names)
end

return library
