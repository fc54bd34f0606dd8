--> memory
local list
while true do local next = list list = function() return next end end
