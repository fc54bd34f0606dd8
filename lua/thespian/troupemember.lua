-- troupemember: the layer around a member of a troupe. It unwraps the work that the leader gives
-- the member, and tells the leader when that is done. Work at which the member fails comes back to
-- the leader as poison, as any message to its sender.

local core = require "thespian.core"
local troupemessages = require "thespian.troupemessages"

local getmetatable, setmetatable = getmetatable, setmetatable
local READY, WORK = troupemessages.TroupeReady.__meta, troupemessages.TroupeWork.__meta

---@param birth thespian.Birth
---@param inner thespian.Receive
---@return thespian.Receive
return function(birth, inner)
  local self, leader = birth.self, birth.leader
  local number -- of the work that the member is at, or nil

  return function(message, sender)
    if getmetatable(message) == WORK and sender == leader then
      number = message.number
      self.troupe_work_in_progress = false
      inner(message.message, message.sender)
    else
      inner(message, sender)
    end
    if number and not self.troupe_work_in_progress then
      -- Never held: it may be what makes room in a leader whose work has piled up.
      core.post(leader, setmetatable({ number = number }, READY))
      number = nil
    end
  end
end
