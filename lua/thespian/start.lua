-- start: makes the instance behind a new actor, in two steps, which the runtime calls in the actor's
-- state: the class is found, then the instance is made. Between them the state may be copied for other
-- actors of the class, so the first step is told nothing of the actor.

local core = require "thespian.core"
local class = require "thespian.class"
local Actor = require "thespian.actor"

local classes = class.classes
local getmetatable, rawget, require, setmetatable, tostring, type, xpcall =
  getmetatable, rawget, require, setmetatable, tostring, type, xpcall

local function with_traceback(raised) return core.traceback(tostring(raised)) end

local function isclass(value) return type(value) == "table" and getmetatable(value) == classes end

local function derives_from_actor(found)
  local meta = found.__meta
  while meta and meta.__class ~= Actor do meta = meta.__base end
  return meta ~= nil
end

--- The class in the table of a module with a plain name, the usual case; nil when it is not there,
--- and why when the module could not be loaded.
local function find_exported(module, key)
  local missing = false
  local loads, found = xpcall(require, function(raised)
    missing = require("thespian.finding").ismissing(raised, module)
    return with_traceback(raised)
  end, module)
  if not loads then return nil, not missing and found or nil end
  found = type(found) == "table" and not isclass(found) and rawget(found, key)
  return isclass(found) and found or nil
end

--- The class of a specification, or nil and why there is none.
local function find_class(specified)
  local module, key = specified:match("^([%w_.-]+)%.([%w_]+)$")
  local found, why
  if module then found, why = find_exported(module, key) end
  if not found and not why then found, why = require("thespian.finding").search(specified) end
  if found and not derives_from_actor(found) then
    return nil, ("%s is no actor class: it does not derive from actors.Actor"):format(specified)
  end
  return found, why
end

--- True when the class lets its actors live here, or false and why not. A check that fails says no.
local function fits(found, capabilities, requirements)
  local check = found.actorSystemCapabilityCheck
  if check == nil then return true end
  local ran, answer, why = xpcall(check, with_traceback, capabilities(), requirements)
  if ran and answer then return true end
  local words = found.name .. ".actorSystemCapabilityCheck "
  if not ran then return false, words .. "failed: " .. answer end
  return false, words .. "says no" .. (type(why) == "string" and ": " .. why or "")
end

--- What the class requires by requireCapability, as far as that is known without calling its check,
--- so that systems without it need not be tried; nil for nothing.
local function needs_of(found)
  local meta = found.__meta
  while meta and not meta.__needs and not rawget(meta.__index, "actorSystemCapabilityCheck") do
    meta = meta.__base
  end
  return meta and meta.__needs
end

--- Makes the instance: its address is known before its init runs. What decorators made of its class
--- stands in its place then.
local function make(found, birth, capabilities, global_name)
  local instance, requirements = birth.self, birth.requirements
  instance.globalName = global_name
  setmetatable(instance, found.__meta)
  local dress, dressed, leads = found._dress, instance, false
  if dress then dressed, leads = dress(birth) end
  local init = found.init
  if init ~= nil and not leads then init(instance, capabilities(), requirements) end
  return dressed
end

--- The leader of the troupe that a new actor is a member of, or nil; and the requirements that are
--- the actor's own.
local function read_membership(requirements)
  local leader = type(requirements) == "table" and rawget(requirements, "thespian.troupe")
  if not leader then return nil, requirements end
  return leader, requirements.requirements
end

--- Finds the class of a new actor.
---@param specified string "module.Class"
---@return function|nil start
---@return string|nil error "no class"
---@return string|nil words
return function(specified)
  local found, why = find_class(specified)
  if not found then return nil, "no class", why end

  --- Starts an actor of the class.
  ---@param capabilities fun(): table the system's, called when they are needed
  ---@param requirements any as given to createActor
  ---@param check boolean whether actorSystemCapabilityCheck is called
  ---@param address thespian.ActorAddress
  ---@param globalName string|nil
  ---@return thespian.Actor|nil instance
  ---@return string|function|nil error name of the class of the error; with an instance: what calls the
  --- check again, for other capabilities, and gives true, or false and why not
  ---@return string|nil words
  ---@return { name: string, value: any }[]|nil needs of a class that does not fit
  return function(capabilities, requirements, check, address, globalName)
    local leader
    leader, requirements = read_membership(requirements)
    if check then
      local fit, reason = fits(found, capabilities, requirements)
      if not fit then return nil, "NoCompatibleSystemForActor", reason, needs_of(found) end
    end
    local birth = { self = { myAddress = address }, specified = specified,
      requirements = requirements, leader = leader }
    local made, instance = xpcall(make, with_traceback, found, birth, capabilities, globalName)
    if not made then return nil, "InvalidActorSpecification", instance end
    if not check or found.actorSystemCapabilityCheck == nil then return instance end
    return instance, function() return fits(found, capabilities, requirements) end
  end
end
