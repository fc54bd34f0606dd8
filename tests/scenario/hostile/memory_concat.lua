--> memory
local piece = ("x"):rep(1 << 20)
table.concat(setmetatable({}, { __len = function() return 1 << 40 end, __index = function() return piece end }))
