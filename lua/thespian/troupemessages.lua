-- troupemessages: what a troupe's leader, its members and others tell each other.

local class = require "thespian.class"
local messages = require "thespian.messages"

local error, getmetatable, next, tostring, type = error, getmetatable, next, tostring, type
local LIBRARY = "thespian.actors"

---@class thespian.troupemessages
local troupemessages = {}

--- From the leader to a member: a message that the member is to handle as if it came from the
--- sender. A program meets it only in the dead letter of a member that was gone; the leader has
--- given the message to another then.
---@class thespian.TroupeWork: thespian.ActorSystemMessage
---@field message any
---@field sender thespian.ActorAddress
---@field number integer of the leader's
troupemessages.TroupeWork = class.make("TroupeWork", messages.ActorSystemMessage, LIBRARY)

--- The member's answer: that work is done.
---@class thespian.TroupeReady: thespian.ActorSystemMessage
---@field number integer
troupemessages.TroupeReady = class.make("TroupeReady", messages.ActorSystemMessage, LIBRARY)

local LEAST = { max_count = 1, idle_count = 0 }

--- Refuses settings of a troupe that are none. level counts from the function that calls this one.
---@param what string who is given them
---@param settings any
---@param level integer of the line that an error names: 1 is the caller; -1: no line
function troupemessages.check(what, settings, level)
  if type(settings) ~= "table" or getmetatable(settings) ~= nil then
    error(("%s takes a table such as {max_count = 10, idle_count = 2}; got %s"):format(what,
      tostring(settings)), level + 1)
  end
  for key, value in next, settings do
    local least = LEAST[key]
    if not least then
      error(("%s has no '%s'; it has max_count and idle_count"):format(what, tostring(key)),
        level + 1)
    end
    if math.type(value) ~= "integer" or value < least then
      error(("%s: %s is an integer of at least %d, got %s"):format(what, key, least,
        tostring(value)), level + 1)
    end
  end
end

--- Changes the settings of a running troupe; what is left out stays. The troupe answers with one
--- that has the settings which now hold.
---@class thespian.UpdateTroupeSettings: thespian.Class
---@field max_count? integer
---@field idle_count? integer
---@overload fun(settings: thespian.TroupeSettings): thespian.UpdateTroupeSettings
local UpdateTroupeSettings = class.make("UpdateTroupeSettings", nil, LIBRARY)
troupemessages.UpdateTroupeSettings = UpdateTroupeSettings

function UpdateTroupeSettings:init(settings)
  troupemessages.check("actors.UpdateTroupeSettings", settings, 3)
  self.max_count, self.idle_count = settings.max_count, settings.idle_count
end

return troupemessages
