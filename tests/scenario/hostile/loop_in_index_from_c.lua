--> time limit
table.concat(setmetatable({}, { __len = function() return 9 end, __index = function() while true do end end }))
