--> time limit
table.insert(setmetatable({}, { __len = function() return 1 << 60 end, __index = type, __newindex = type }), 1, 1)
