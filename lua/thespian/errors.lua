-- errors: what the library raises. Each error is an instance of one of these classes; its field
-- words says what happened, and tostring gives "Name: words".

local core = require "thespian.core"
local class = require "thespian.class"

local make, error, pcall, tostring = class.make, error, pcall, tostring
local LIBRARY = "thespian.actors"

---@class thespian.errors
local errors = {}

--- The base of all of them.
---@class thespian.ActorSystemException: thespian.Class
---@field words string what happened
---@overload fun(words?: string): thespian.ActorSystemException
local ActorSystemException = make("ActorSystemException", nil, LIBRARY)

---@param words? string
function ActorSystemException:init(words) self.words = words == nil and "" or tostring(words) end

function ActorSystemException:__tostring()
  local name, words = require("thespian.types").typename(self), tostring(self.words or "")
  return words == "" and name or name .. ": " .. words
end

--- The other classes, and what each derives from.
local BASES = {
  ---@class thespian.InvalidActorAddress: thespian.ActorSystemException
  InvalidActorAddress = "ActorSystemException",
  ---@class thespian.NoCompatibleSystemForActor: thespian.ActorSystemException
  NoCompatibleSystemForActor = "ActorSystemException",
  ---@class thespian.InvalidActorSourceHash: thespian.ActorSystemException
  InvalidActorSourceHash = "ActorSystemException",
  ---@class thespian.InvalidActorSpecification: thespian.ActorSystemException
  InvalidActorSpecification = "ActorSystemException",
  ---@class thespian.CannotSend: thespian.ActorSystemException
  CannotSend = "ActorSystemException",
  ---@class thespian.ActorSystemFailure: thespian.ActorSystemException
  ActorSystemFailure = "ActorSystemException",
  ---@class thespian.ActorSystemStartupFailure: thespian.ActorSystemFailure
  ActorSystemStartupFailure = "ActorSystemFailure",
  ---@class thespian.ActorSystemRequestTimeout: thespian.ActorSystemFailure
  ActorSystemRequestTimeout = "ActorSystemFailure",
}

--- The classes by their names; each is made when it is first asked for.
---@type table<string, thespian.ActorSystemException>
local classes = setmetatable({ ActorSystemException = ActorSystemException }, {
  __index = function(self, name)
    local base = BASES[name]
    if not base then return nil end
    local made = make(name, self[base], LIBRARY)
    self[name] = made
    return made
  end,
})
errors.classes = classes

--- Raises an error whose words begin with the line at level.
---@param name string of the class
---@param level integer as for error: 1 is the caller of this function, 2 the caller's caller
---@param words string
function errors.raise(name, level, words)
  -- error itself knows how to name a line; pcall and this function stand between it and the caller.
  local _, where = pcall(error, "", level + 2)
  error(classes[name](where .. words))
end

--- What the names of the library's chunks begin with, where they are files.
local HOME = debug.getinfo(1, "S").source:gsub("errors%.lua$", "")

--- True for a chunk of the library; built in, they are named for their modules or stripped.
local function isours(source)
  return source == "=?" or source:find("^=thespian%.") or source:sub(1, #HOME) == HOME
end

--- The nearest line on the stack that is the user's, as errors begin; "" for none.
local function place()
  local level = 3 -- above this function and the one that asks
  local info = debug.getinfo(level, "Sl")
  while info and (info.currentline < 1 or isours(info.source)) do
    level = level + 1
    info = debug.getinfo(level, "Sl")
  end
  return info and ("%s:%d: "):format(info.short_src, info.currentline) or ""
end

-- What C raises, it raises on behalf of the user's line.
core.setRaise(function(name, words)
  return (classes[name] or ActorSystemException)(place() .. words)
end)

return errors
