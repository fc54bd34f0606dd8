--> .
local function raise() error(setmetatable({}, { __tostring = raise })) end
xpcall(raise, raise)
error(setmetatable({}, { __tostring = function() error "again" end }))
