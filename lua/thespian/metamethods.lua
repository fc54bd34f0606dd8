-- metamethods: what is assigned to a class under a name that begins with __.

local error, next, type = error, next, type

---@class thespian.metamethods
local metamethods = {}

--- What is found in the metatable of instances, so that Lua uses it.
local USED = {
  __tostring = true, __eq = true, __lt = true, __le = true, __len = true, __call = true,
  __concat = true, __close = true, __gc = true, __pairs = true, __unm = true, __add = true,
  __sub = true, __mul = true, __div = true, __mod = true, __pow = true, __idiv = true,
  __band = true, __bor = true, __bxor = true, __bnot = true, __shl = true, __shr = true,
}

--- What would break how instances find their methods.
local REFUSED = { __newindex = true, __mode = true, __metatable = true }

--- Copies a metamethod from the methods, where what is inherited is found, to the instances'
--- metatable; in subclasses too.
local function spread(meta, key)
  local special = { [key] = true }
  for other in next, meta.__special or special do special[other] = true end
  meta.__special = special
  meta[key] = meta.__index[key]
  local link = meta.__link
  if not link then return end
  for number = 1, #link do spread(link[number], key) end
end

--- Takes note of what was just assigned to the class of meta; called by the class's __newindex.
---@param meta table
---@param key string
function metamethods.set(meta, key)
  local methods = meta.__index
  -- `Class.__index = Class` is a habit that does no harm.
  if REFUSED[key] or key == "__index" and type(methods[key]) ~= "table" then
    methods[key] = nil
    error("class " .. meta.__name .. " cannot have " .. key, 3)
  end
  if USED[key] then spread(meta, key) end
end

return metamethods
