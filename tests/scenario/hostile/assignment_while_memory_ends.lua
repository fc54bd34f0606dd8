--> memory
-- Where Lua 5.4.4 is refused memory for an assignment through a metatable it goes on with a table that the
-- collector has taken.
local kept = {}
for i = 1, math.huge do
  local target = setmetatable({}, setmetatable({ __mode = "k" }, { __mode = "kv" }))
  setmetatable(target, { __newindex = setmetatable({}, { __mode = "kv" }) })
  for j = 1, 64 do target[{}] = { ("%d"):format(j):rep(j) } end
  local meta = setmetatable({}, { __mode = "k" })
  meta.__newindex = meta
  setmetatable(meta, meta)
  for j = 1, 64 do rawset(meta, {}, j) end
  kept[i] = { target, meta }
end
