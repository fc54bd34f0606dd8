--> answered
for _ = 1, 500 do setmetatable({}, { __gc = function() error "in __gc" end }) end
collectgarbage()
