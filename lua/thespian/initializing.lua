-- initializing: the decorator initializing_messages, for actors that need some messages before they
-- can handle others.

local core = require "thespian.core"
local layers = require "thespian.layers"
local messages = require "thespian.messages"
local new_queue = require "thespian.queue"
local types = require "thespian.types"

local isinstance, typename = types.isinstance, types.typename
local error, getmetatable, ipairs, rawget, tostring, type, xpcall =
  error, getmetatable, ipairs, rawget, tostring, type, xpcall

---@class thespian.initializing
local initializing = {}

local NAME = "actors.initializing_messages"

---@class thespian.InitializingMessage
---@field [1] string the attribute that the message is stored in
---@field [2] thespian.Class|string its class, or the name of its type
---@field [3]? boolean true: its sender is stored in <attribute>_sender

--- Checks one of the list; words for what is wrong with it.
local function fault(number, entry)
  local words
  if type(entry) ~= "table" or types.isclass(entry) then
    words = "is " .. tostring(entry)
  elseif type(entry[1]) ~= "string" or entry[1] == "" then
    words = "has no attribute: its first is " .. tostring(entry[1])
  elseif not types.isclass(entry[2]) and type(entry[2]) ~= "string" then
    words = "has no type: its second is " .. tostring(entry[2])
  elseif entry[3] ~= nil and type(entry[3]) ~= "boolean" then
    words = "wants its sender or not: its third is " .. tostring(entry[3])
  end
  return words and ("%s: entry %d %s; an entry is {\"attribute\", Class or \"type\" [, true]}")
    :format(NAME, number, words)
end

--- Refuses what the decorator cannot use. level counts from the function that calls this one.
local function check(list, done, passthru, level)
  local words
  if type(list) ~= "table" or types.isclass(list) or #list == 0 then
    words = NAME .. " takes a list {{\"attribute\", Class or \"type\" [, true]}, ...} and gives a "
      .. "function that takes the class; got " .. tostring(list)
  elseif done ~= nil and type(done) ~= "function" and type(done) ~= "string" then
    words = NAME .. ": what is called when all came is a function, the name of a method, or nil; "
      .. "got " .. type(done)
  elseif passthru ~= nil and type(passthru) ~= "boolean" then
    words = NAME .. ": the third is true, to pass the messages on, or false; got " .. type(passthru)
  else
    for number, entry in ipairs(list) do words = words or fault(number, entry) end
  end
  if words then error(words, level + 1) end
end

--- True when a message is of a type: a class, or a name as in receiveMsg_NAME.
local function is_of(message, wanted)
  if type(wanted) ~= "string" then return isinstance(message, wanted) end
  if typename(message) == wanted or type(message) == "number" and wanted == "number" then
    return true
  end
  local meta = type(message) == "table" and getmetatable(message)
  if type(meta) ~= "table" or rawget(meta, "__thespian") ~= true then return false end
  repeat
    if meta.__name == wanted then return true end
    meta = meta.__base
  until not meta
  return false
end

--- The place in the list of a message: of those for its type one that none came for, if there is.
local function place_of(list, came, message)
  local first
  for number, entry in ipairs(list) do
    if is_of(message, entry[2]) then
      if not came[number] then return number end
      first = first or number
    end
  end
  return first
end

local function call_done(self, done)
  if done == nil then return end
  if type(done) == "function" then return done(self) end
  local method = self[done]
  if method == nil then error(("%s: %s has no method '%s'"):format(NAME, typename(self), done)) end
  method(self)
end

local function with_traceback(raised) return debug.traceback(tostring(raised), 2) end

--- Handles a message that waited as the runtime would have: twice at most, then it goes back.
local function handle(self, inner, waiting)
  local message, sender = waiting.message, waiting.sender
  local well, why = xpcall(inner, with_traceback, message, sender)
  if well then return end
  core.log(2, typename(self), "failed, trying once more: " .. why)
  well, why = xpcall(inner, with_traceback, message, sender)
  if well then return end
  core.log(3, typename(self), "failed again: " .. why)
  core.send(self, sender, messages.PoisonMessage { poisonMessage = message, details = why })
end

local function wrap(list, done, passthru, birth, inner)
  local self, queue, came, missing = birth.self, new_queue(), {}, #list

  --- Stores a message; true when it was the last that was missing.
  local function store(number, message, sender)
    local entry = list[number]
    self[entry[1]] = message
    if entry[3] then self[entry[1] .. "_sender"] = sender end
    if not came[number] then missing = missing - 1 end
    came[number] = true
    return missing == 0
  end

  local function replay()
    local waiting = queue:pop()
    while waiting do
      handle(self, inner, waiting)
      waiting = queue:pop()
    end
  end

  --- What waits for an actor that exits becomes dead letters: its address is nobody's now.
  local function give_up()
    local waiting = queue:pop()
    while waiting do
      core.send(self, self.myAddress, waiting.message)
      waiting = queue:pop()
    end
  end

  local ready = false
  return function(message, sender)
    if ready then return inner(message, sender) end
    local number = place_of(list, came, message)
    if number then
      if store(number, message, sender) then
        call_done(self, done)
        ready = true
      end
    elseif isinstance(message, messages.ActorSystemMessage) then
      if isinstance(message, messages.ActorExitRequest) then give_up() end
      return inner(message, sender)
    end
    if not number or passthru then queue:push { message = message, sender = sender } end
    if ready then replay() end
  end
end

--- Lets an actor handle messages only when one of each type in a list has come; these are stored in
--- attributes of the actor. Until then messages of the system are handled, and others wait. Then
--- done is called, and what waited is handled in the order in which it came.
---@param list thespian.InitializingMessage[]
---@param done? string|fun(self: thespian.Actor) a function or the name of a method
---@param passthru? boolean true: receiveMessage gets the initializing messages, too
---@return fun(class: thespian.Class): any decorator
function initializing.initializing_messages(list, done, passthru)
  check(list, done, passthru, 2)
  return layers.decorator {
    kind = "initializing_messages",
    wrap = function(birth, inner) return wrap(list, done, passthru, birth, inner) end,
    excludes = { troupe = "such a message would reach one member only" },
  }
end

return initializing
