-- layers: what decorators put between the runtime and an actor's receiveMessage.
--
-- A decorated class has a list of layers in its meta, the innermost first. When an actor is made,
-- each layer makes a function of the one below it; the lowest calls the actor's own receiveMessage,
-- looked up anew for each message. So it makes no difference whether methods are assigned to a
-- class before or after it is decorated, and self:receiveMessage and Class.super.receiveMessage
-- are what the class says, without layers.
--
--   kind      name of the decorator; a class has at most one layer of a kind
--   wrap      function(birth, inner) that gives the function around inner
--   excludes  kinds that this layer cannot be combined with: {[kind] = why}
--
-- A birth is {self =, specified =, requirements =, leader =}: the instance, what createActor was
-- told, and for members of troupes their leader's address.

local class = require "thespian.class"
local types = require "thespian.types"

local getmetatable, setmetatable, type = getmetatable, setmetatable, type
local error, next = error, next

---@alias thespian.Receive fun(message: any, sender: thespian.ActorAddress)

---@class thespian.Birth
---@field self thespian.Actor
---@field specified string
---@field requirements any
---@field leader? thespian.ActorAddress

---@class thespian.Layer
---@field kind string
---@field wrap fun(birth: thespian.Birth, inner: thespian.Receive): thespian.Receive
---@field excludes? table<string, string>

---@class thespian.layers
local layers = {}

--- The layers of a class and its bases, the innermost first: a base's lie below those of the
--- classes that derive from it, and of two of a kind the derived class's replaces the other.
local function layers_of(meta)
  local all, places = {}, {}
  local function collect(from)
    if from.__base then collect(from.__base) end
    for _, layer in next, from.__layers or {} do
      local place = places[layer.kind] or #all + 1
      all[place], places[layer.kind] = layer, place
    end
  end
  collect(meta)
  return all
end

--- What the runtime calls in the place of an instance: only its receiveMessage is another.
local function shell(instance, receive)
  local function receiveMessage(_, message, sender) return receive(message, sender) end
  local meta = getmetatable(instance)
  return setmetatable({ receiveMessage = receiveMessage },
    { __index = instance, __name = meta.__name, __class = meta.__class })
end

--- Dresses a new actor; its class has this as _dress.
---@param birth thespian.Birth
---@return table shell what the runtime is given in its place
---@return boolean leads true for the leader of a troupe, which has no init
function layers.dress(birth)
  local self = birth.self
  local function receive(message, sender) return self:receiveMessage(message, sender) end
  local all = layers_of(getmetatable(self))
  local leads = false
  for number = 1, #all do
    -- Of a troupe's members those that lie outside are its leader's.
    if birth.leader and all[number].kind == "troupe" then
      return shell(self, all[number].wrap(birth, receive)), false
    end
    leads = leads or all[number].kind == "troupe"
    receive = all[number].wrap(birth, receive)
  end
  return shell(self, receive), leads
end

--- Refuses what is no class of actors. level counts from the function that calls this one.
---@param what string the decorator
---@param made any
---@param level integer of the line that an error names: 1 is the caller
function layers.check(what, made, level)
  if types.isclass(made) and types.derives(made.__meta, require "thespian.actor") then return end
  local got = types.isclass(made) and "class " .. made.name .. ", which does not"
    or type(made) .. "; nothing that does"
  error(("actors.%s decorates a class that derives from actors.Actor, got %s"):format(what, got),
    level + 1)
end

local function conflict(meta, layer)
  local kind = layer.kind
  for _, other in next, meta.__layers or {} do
    if other.kind == kind then
      return ("%s has actors.%s already; for another variant decorate a class that derives from it")
        :format(meta.__name, kind)
    end
  end
  for _, other in next, layers_of(meta) do
    local why = layer.excludes and layer.excludes[other.kind]
      or other.excludes and other.excludes[kind]
    if why then
      return ("actors.%s and actors.%s cannot be combined in %s: %s"):format(kind, other.kind,
        meta.__name, why)
    end
  end
end

--- The function from class to class of a decorator: it puts the layer around the class that it is
--- given, and gives the same class.
---@param layer thespian.Layer
---@return fun(class: thespian.Class): any
function layers.decorator(layer)
  return function(made)
    layers.check(layer.kind, made, 2)
    local meta = made.__meta
    local why = conflict(meta, layer)
    if why then error(why, 2) end
    meta.__layers = meta.__layers or {}
    meta.__layers[#meta.__layers + 1] = layer
    meta.__index._dress = layers.dress
    return made
  end
end

return layers
