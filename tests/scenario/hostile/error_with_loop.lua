--> table
local t = {}
t.t = t
error(setmetatable(t, { __index = t, __name = "table with a loop" }))
