-- requiring: the decorator requireCapability.

local layers = require "thespian.layers"

local error, next, rawget, type = error, next, rawget, type

---@class thespian.requiring
local requiring = {}

local CHECK = "actorSystemCapabilityCheck"

--- True when the two are equal, tables by their contents: a capability is always a copy.
local function equal(one, other)
  if type(one) ~= "table" or type(other) ~= "table" then return one == other end
  for key, value in next, one do
    if not equal(value, other[key]) then return false end
  end
  for key in next, other do
    if one[key] == nil then return false end
  end
  return true
end

--- Nil when the capabilities have what is needed, else words for it.
local function lacking(need, capabilities)
  local value = capabilities[need.name]
  if need.value == nil then
    return not value and ("it requires the capability %q"):format(need.name) or nil
  end
  if equal(value, need.value) then return nil end
  return ("it requires the capability %q to be %s, and it is %s"):format(need.name,
    tostring(need.value), tostring(value))
end

--- Makes the class's check one that looks at the needs first, then asks the class's own, be it
--- there already or assigned later, or the one that it inherits.
---@return table needs
local function needs_of(meta)
  local needs = meta.__needs
  if needs then return needs end
  local methods = meta.__index
  needs = {}
  local own = rawget(methods, CHECK)
  meta.__needs = needs
  meta.__watch = { [CHECK] = function(value) own = value end }
  methods[CHECK] = function(capabilities, requirements)
    for number = 1, #needs do
      local why = lacking(needs[number], capabilities)
      if why then return false, why end
    end
    local check = own
    if check == nil and meta.__base then check = meta.__base.__index[CHECK] end
    if check == nil then return true end
    return check(capabilities, requirements)
  end
  return needs
end

--- Lets the actors of a class live only in systems that have a capability: of this value, or of any
--- but nil and false when no value is given. Repeated, all must hold; the class's own
--- actorSystemCapabilityCheck is asked too.
---@param name string of the capability
---@param value? any
---@return fun(class: thespian.Class): any decorator
function requiring.requireCapability(name, value)
  if type(name) ~= "string" then
    error("actors.requireCapability takes the name of a capability, a string, and gives a function "
      .. "that takes the class; got " .. type(name), 2)
  end
  return function(made)
    layers.check("requireCapability", made, 2)
    local needs = needs_of(made.__meta)
    needs[#needs + 1] = { name = name, value = value }
    return made
  end
end

return requiring
