-- queue: first in, first out, each step in constant time.

---@class thespian.Queue
---@field size integer
---@field private _first integer
local Queue = {}
Queue.__index = Queue

--- Puts an item, not nil, behind all others.
---@param item any
function Queue:push(item)
  self[self._first + self.size] = item
  self.size = self.size + 1
end

--- Puts an item, not nil, before all others.
---@param item any
function Queue:pushFront(item)
  self._first = self._first - 1
  self[self._first] = item
  self.size = self.size + 1
end

--- The first, which stays; nil when there is none.
---@return any
function Queue:first() return self[self._first] end

--- Takes the first; nil when there is none.
---@return any
function Queue:pop()
  local first = self._first
  local item = self[first]
  if item == nil then return nil end
  self[first] = nil
  self._first, self.size = first + 1, self.size - 1
  return item
end

---@return thespian.Queue
return function() return setmetatable({ size = 0, _first = 1 }, Queue) end
