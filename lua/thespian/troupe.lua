-- troupe: the decorator troupe, for several actors behind one address.

local layers = require "thespian.layers"
local troupemessages = require "thespian.troupemessages"

local require = require

---@class thespian.troupe
local troupe = {}

---@class thespian.TroupeSettings
---@field max_count? integer members at most; 10 when left out
---@field idle_count? integer members kept when they have nothing to do; 2 when left out

---@class thespian.Actor
---@field troupe_work_in_progress? boolean of a troupe's member: it is not done yet

--- Lets one address stand for several actors of a class, created on demand. Each message is handled
--- by one of them, which sees it as it was sent. A member that has more to do when its handler
--- returns sets self.troupe_work_in_progress, and gets no further message from the troupe until a
--- later handler sets it to false.
---@param settings thespian.TroupeSettings
---@return fun(class: thespian.Class): any decorator
function troupe.troupe(settings)
  troupemessages.check("actors.troupe", settings, 2)
  local max_count, idle_count = settings.max_count or 10, settings.idle_count or 2
  local function wrap(birth, inner)
    if birth.leader then return require "thespian.troupemember"(birth, inner) end
    return require "thespian.troupeleader"(birth, max_count, idle_count)
  end
  return layers.decorator { kind = "troupe", wrap = wrap }
end

return troupe
