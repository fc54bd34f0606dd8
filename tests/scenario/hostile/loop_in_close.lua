--> .
local _ <close> = setmetatable({}, { __close = function() while true do end end })
error "on the way out"
