-- troupeleader: the actor behind a troupe's address. It handles nothing itself, but gives each
-- message to a member: an idle one, or a new one, or the first that becomes idle.
--
-- A member has one piece of work at a time, and the leader keeps it until the member is ready or
-- the work came back as poison. So what is lost with a member is here to be given to another.
-- An idle member is in the queue of idle ones once. A member that the leader let go, or that is
-- gone, is taken out of it when its turn comes.

local core = require "thespian.core"
local messages = require "thespian.messages"
local new_queue = require "thespian.queue"
local troupemessages = require "thespian.troupemessages"
local types = require "thespian.types"

local getmetatable, next, pcall, setmetatable, tostring, type =
  getmetatable, next, pcall, setmetatable, tostring, type
local isinstance = types.isinstance
local PoisonMessage, TroupeWork = messages.PoisonMessage, troupemessages.TroupeWork
local UpdateTroupeSettings = troupemessages.UpdateTroupeSettings

--- How long members stay that are too many, in seconds: until then there may be work again.
local PATIENCE = 2

--- What the leader's own wakeups carry.
local MARK = "thespian.troupe"

--- How many members are lost at one piece of work before it goes back to its sender: it may be what
--- they die of.
local MOST_LOST = 3

---@class thespian.TroupeWorkItem
---@field message any
---@field sender thespian.ActorAddress
---@field lost integer members lost at it

---@class thespian.TroupeMember
---@field address thespian.ActorAddress
---@field item? thespian.TroupeWorkItem what it is at
---@field number? integer of that work
---@field proven boolean it has done work, so it has started
---@field idle boolean
---@field leaving boolean asked to exit

---@class thespian.TroupeLeader
---@field self thespian.Actor
---@field specified string
---@field requirements table for members
---@field max_count integer
---@field idle_count integer
---@field members table<thespian.ActorAddress, thespian.TroupeMember>
---@field count integer of members
---@field leaving integer of those that were asked to exit
---@field proven integer of those that have done work
---@field idle integer of those that are idle
---@field least_idle? integer how few were idle since the leader began to wait; nil: it does not
---@field rest thespian.Queue of idle members
---@field work thespian.Queue of items
---@field number integer of the last work given
local Leader = {}
Leader.__index = Leader

local function send(leader, address, message) core.send(leader.self, address, message) end

-- ---- what comes back ----------------------------------------------------------------------------

--- Kinds of messages that nobody could make use of when they come back, as for the runtime.
local function returns(message)
  return not (isinstance(message, PoisonMessage) or isinstance(message, messages.ActorExitRequest)
    or isinstance(message, messages.ChildActorExited) or isinstance(message, messages.DeadEnvelope))
end

--- Sends an item back to its sender as poison. One that is too deep or too big for that goes back
--- without its content.
local function send_back(leader, item, details)
  if not returns(item.message) then return end
  local poison = PoisonMessage { poisonMessage = item.message, details = details }
  if pcall(send, leader, item.sender, poison) then return end
  send(leader, item.sender, PoisonMessage { details = details })
end

-- ---- members ------------------------------------------------------------------------------------

--- Begins to wait for members to be too many, if they are.
local function watch(leader)
  if leader.least_idle or leader.idle <= leader.idle_count then return end
  leader.least_idle = leader.idle
  core.wakeup(PATIENCE, PATIENCE, MARK)
end

local function put_to_rest(leader, member)
  member.idle = true
  leader.idle = leader.idle + 1
  leader.rest:push(member)
  watch(leader)
end

--- Notes that an idle member is that no longer.
local function count_out(leader, member)
  member.idle = false
  leader.idle = leader.idle - 1
  local least = leader.least_idle
  if least and leader.idle < least then leader.least_idle = leader.idle end
end

--- The member that has been idle for longest; nil when there is none.
local function take_idle(leader)
  local member = leader.rest:pop()
  while member and not member.idle do member = leader.rest:pop() end
  if member then count_out(leader, member) end
  return member
end

local function prove(leader, member)
  if member.proven then return end
  member.proven = true
  leader.proven = leader.proven + 1
end

local function let_go(leader, member)
  member.leaving = true
  leader.leaving = leader.leaving + 1
  send(leader, member.address, messages.ActorExitRequest())
end

--- Creates a member; nil when there are enough, and why when that is not the reason.
local function hire(leader)
  if leader.count >= leader.max_count then return nil end
  local created, address = pcall(core.createActor, leader.specified, leader.requirements)
  if not created then return nil, tostring(address) end
  local member = { address = address, proven = false, idle = false, leaving = false }
  leader.members[address] = member
  leader.count = leader.count + 1
  return member
end

local function give(leader, member, item)
  leader.number = leader.number + 1
  -- Made by hand, as init's checks would cost as much as all the rest.
  local work = { message = item.message, sender = item.sender, number = leader.number }
  setmetatable(work, TroupeWork.__meta)
  local sent, why = pcall(send, leader, member.address, work)
  if sent then
    member.item, member.number = item, leader.number
  else
    put_to_rest(leader, member)
    send_back(leader, item, tostring(why))
  end
end

--- Gives work to members while there are both.
local function distribute(leader)
  while leader.work.size > 0 do
    local member, why = take_idle(leader), nil
    if not member then member, why = hire(leader) end
    if member then
      give(leader, member, leader.work:pop())
    elseif why and leader.count == 0 then
      send_back(leader, leader.work:pop(), "no member of the troupe can be created: " .. why)
    else
      return
    end
  end
end

--- A member is at nothing any more: it gets more work, or rests, or is one too many.
local function release(leader, member)
  member.item, member.number = nil, nil
  prove(leader, member)
  if leader.count - leader.leaving > leader.max_count then return let_go(leader, member) end
  if leader.work.size > 0 then return give(leader, member, leader.work:pop()) end
  put_to_rest(leader, member)
end

-- ---- messages of members and the system ---------------------------------------------------------

--- The member that sent a message about the work that it is at.
local function at_work(leader, sender, number)
  local member = leader.members[sender]
  return member and member.item and member.number == number and member or nil
end

function Leader:ready(message, sender)
  local member = at_work(self, sender, message.number)
  if member then
    release(self, member)
    distribute(self)
  elseif not self.members[sender] then
    -- Of a leader before this one, whose state was lost: it gets no more work.
    send(self, sender, messages.ActorExitRequest())
  end
end

--- Poison of a member; anybody else's is work.
function Leader:poison(message, sender)
  local work = message.poisonMessage
  if not isinstance(work, TroupeWork) then return self:accept(message, sender) end
  local member = at_work(self, sender, work.number)
  if not member then return end
  local item = member.item
  release(self, member)
  send_back(self, item, message.details)
  distribute(self)
end

--- Takes an item back from a member that is gone: for another one, unless it looks as if no member
--- could do it.
local function take_back(leader, item, reason)
  item.lost = item.lost + 1
  local hopeless = reason:find("^failed to start") and leader.proven == 0
  if hopeless or item.lost >= MOST_LOST then
    local words = hopeless and "a member of the troupe " or "troupe members were lost at it: "
    return send_back(leader, item, words .. reason)
  end
  leader.work:pushFront(item)
end

function Leader:lose(message)
  local member = self.members[message.childAddress]
  if not member then return end
  self.members[message.childAddress] = nil
  self.count = self.count - 1
  if member.leaving then self.leaving = self.leaving - 1 end
  if member.proven then self.proven = self.proven - 1 end
  if member.idle then count_out(self, member) end
  if self.exiting then return end
  if member.item then take_back(self, member.item, tostring(message.reason)) end
  distribute(self)
end

--- Dismisses as many members as there were too many all the time.
function Leader:wake(message, sender)
  if sender ~= self.self.myAddress or message.payload ~= MARK then
    return self:accept(message, sender)
  end
  local surplus = (self.least_idle or 0) - self.idle_count
  self.least_idle = nil
  for _ = 1, surplus do
    local member = take_idle(self)
    if not member then break end
    let_go(self, member)
  end
  watch(self)
end

--- The members get exit requests from the runtime. What waits becomes dead letters: the leader's
--- address is nobody's now.
function Leader:exit()
  self.exiting = true
  local item = self.work:pop()
  while item do
    send(self, self.self.myAddress, item.message)
    item = self.work:pop()
  end
end

-- ---- settings -----------------------------------------------------------------------------------

local function apply(leader, settings)
  leader.max_count = settings.max_count or leader.max_count
  leader.idle_count = settings.idle_count or leader.idle_count
  for _ = 1, leader.count - leader.leaving - leader.max_count do
    local member = take_idle(leader)
    if not member then break end
    let_go(leader, member)
  end
  watch(leader)
  distribute(leader)
end

function Leader:update(message, sender)
  local settings = { max_count = message.max_count, idle_count = message.idle_count }
  troupemessages.check("actors.UpdateTroupeSettings", settings, 1)
  apply(self, settings)
  send(self, sender, UpdateTroupeSettings {
    max_count = self.max_count, idle_count = self.idle_count,
  })
end

local function describe(leader)
  local names = {}
  for address in next, leader.members do names[#names + 1] = tostring(address) end
  table.sort(names)
  local extra = math.max(leader.idle - leader.idle_count, 0)
  return ("Idle=%d, Max=%d, Troupers [%d, %d idle, %d extra]: [%s], Pending=%d"):format(
    leader.idle_count, leader.max_count, leader.count, leader.idle, extra,
    table.concat(names, " "), leader.work.size)
end

--- Answers a command that is text, as it comes from a command line; false when it is none.
function Leader:command(text, sender)
  if text == "troupe:status?" then
    send(self, sender, describe(self))
    return true
  end
  local key, value = text:match("^troupe:set_(%l+_count)=(.*)$")
  if not key then return false end
  local settings = { [key] = math.tointeger(tonumber(value)) or value }
  local fine, why = pcall(troupemessages.check, "troupe:set_" .. key, settings, -1)
  if fine then apply(self, settings) end
  send(self, sender, fine and ("Set troupe %s to %s"):format(key, value) or why)
  return true
end

-- ---- work ---------------------------------------------------------------------------------------

function Leader:accept(message, sender)
  self.work:push { message = message, sender = sender, lost = 0 }
  distribute(self)
end

--- What the leader does with messages of some classes.
local HANDLERS = {
  [troupemessages.TroupeReady.__meta] = Leader.ready,
  [PoisonMessage.__meta] = Leader.poison,
  [messages.ChildActorExited.__meta] = Leader.lose,
  [messages.WakeupMessage.__meta] = Leader.wake,
  [messages.ActorExitRequest.__meta] = Leader.exit,
  [UpdateTroupeSettings.__meta] = Leader.update,
}

---@param message any
---@param sender thespian.ActorAddress
function Leader:receive(message, sender)
  local kind = type(message)
  if kind == "table" then
    local handler = HANDLERS[getmetatable(message)]
    if handler then return handler(self, message, sender) end
  elseif kind == "string" and message:sub(1, 7) == "troupe:" then
    if self:command(message, sender) then return end
  end
  self:accept(message, sender)
end

--- The layer of a troupe's leader, the lowest: below it is no actor's own receiveMessage.
---@param birth thespian.Birth
---@param max_count integer
---@param idle_count integer
---@return thespian.Receive
return function(birth, max_count, idle_count)
  local leader = setmetatable({
    self = birth.self, specified = birth.specified, max_count = max_count,
    idle_count = idle_count, members = {}, count = 0, leaving = 0,
    proven = 0, idle = 0, number = 0,
    rest = new_queue(), work = new_queue(),
    requirements = { ["thespian.troupe"] = birth.self.myAddress,
      requirements = birth.requirements },
  }, Leader)
  return function(message, sender) return leader:receive(message, sender) end
end
