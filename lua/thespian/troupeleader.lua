-- troupeleader: the actor behind a troupe's address. It handles nothing itself, but gives each
-- message to a member: an idle one, or a new one, or the first that becomes idle.
--
-- A member has one piece of work at a time, and the leader keeps it until the member is ready or
-- the work came back as poison. So what is lost with a member is here to be given to another. It is
-- the message that is kept, outside this state (core.keep): here an item is its number. So it waits
-- like others in a mailbox, holds who sends too much, and survives this state.
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

---@class thespian.TroupeMember
---@field address thespian.ActorAddress
---@field item? integer number of the message that it is at
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
---@field lost table<integer, integer> how many members were lost at an item, where any was
---@field fresh? integer the item that has just arrived
---@field message any its value
---@field sender any its sender
---@field given? thespian.TroupeMember that is being given work
---@field accepted? integer the last item that came
---@field number integer of the last work given
local Leader = {}
Leader.__index = Leader

local function send(leader, address, message) core.send(leader.self, address, message) end

-- ---- items --------------------------------------------------------------------------------------

--- The sender and the message of an item; nothing when it is not kept any more.
local function read(leader, item)
  if item == leader.fresh then return leader.sender, leader.message end
  return core.kept(item)
end

local function conclude(leader, item)
  leader.lost[item] = nil
  core.done(item)
end

--- Sends an item back to its sender as poison.
local function send_back(leader, item, details)
  leader.lost[item] = nil
  core.giveBack(item, details)
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
  core.post(member.address, messages.ActorExitRequest())
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

--- Sends an item to a member. False when that cannot be, and why when the item is still there.
local function pass_on(leader, member, item)
  local sender, message = read(leader, item)
  if not sender then return false end
  -- Made by hand, as init's checks would cost as much as all the rest.
  local work = setmetatable({ message = message, sender = sender, number = leader.number },
    TroupeWork.__meta)
  return pcall(core.post, member.address, work)
end

--- Gives the first item to a member. Where that is stopped half-way nothing is lost: the item is
--- still the first.
local function give(leader, member)
  local item = leader.work:first()
  leader.given, leader.number = member, leader.number + 1
  local passed, why = pass_on(leader, member, item)
  if passed then
    core.lend(item, true)
    member.item, member.number = item, leader.number
  else
    if why then send_back(leader, item, tostring(why)) end
    put_to_rest(leader, member)
  end
  leader.work:pop()
  leader.given = nil
end

--- Gives work to members while there are both.
local function distribute(leader)
  while leader.work.size > 0 do
    local member, why = take_idle(leader), nil
    if not member then member, why = hire(leader) end
    if member then
      give(leader, member)
    elseif why and leader.count == 0 then
      send_back(leader, leader.work:pop(), "no member of the troupe can be created: " .. why)
    else
      return
    end
  end
end

--- After a handler that was stopped while it gave a member work.
local function recover(leader)
  local member = leader.given
  leader.given = nil
  if leader.members[member.address] == member and not member.idle then
    member.item, member.number = nil, nil
    put_to_rest(leader, member)
  end
  distribute(leader)
end

--- A member is at nothing any more: it gets more work, or rests, or is one too many.
local function release(leader, member)
  member.item, member.number = nil, nil
  prove(leader, member)
  if leader.count - leader.leaving > leader.max_count then return let_go(leader, member) end
  if leader.work.size > 0 then return give(leader, member) end
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
    conclude(self, member.item)
    release(self, member)
    distribute(self)
  elseif not self.members[sender] then
    -- Of a leader before this one, whose state was lost: it gets no more work.
    core.post(sender, messages.ActorExitRequest())
  end
end

--- Poison of a member; anybody else's is work.
function Leader:poison(message, sender)
  local work = message.poisonMessage
  if not isinstance(work, TroupeWork) then return self:accept(message, sender) end
  local member = at_work(self, sender, work.number)
  if not member then return end
  send_back(self, member.item, tostring(message.details))
  release(self, member)
  distribute(self)
end

--- Takes an item back from a member that is gone: for another one, unless it looks as if no member
--- could do it.
local function take_back(leader, item, reason)
  local lost = (leader.lost[item] or 0) + 1
  local hopeless = reason:find("^failed to start") and leader.proven == 0
  if hopeless or lost >= MOST_LOST then
    local words = hopeless and "a member of the troupe " or "troupe members were lost at it: "
    return send_back(leader, item, words .. reason)
  end
  leader.lost[item] = lost
  core.lend(item, false)
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

--- The runtime asks the members to exit, and makes dead letters of what waits.
function Leader:exit() self.exiting = true end

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
  local item = core.keep()
  -- At a second try it is there already.
  if item ~= self.accepted then self.work:push(item) end
  self.accepted, self.fresh, self.message, self.sender = item, item, message, sender
  distribute(self)
  self.fresh, self.message, self.sender = nil, nil, nil
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
  if self.given then recover(self) end
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
    rest = new_queue(), work = new_queue(), lost = {},
    requirements = { ["thespian.troupe"] = birth.self.myAddress,
      requirements = birth.requirements },
  }, Leader)
  return function(message, sender) return leader:receive(message, sender) end
end
