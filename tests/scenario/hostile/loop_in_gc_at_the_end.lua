--> gone
kept = setmetatable({}, { __gc = function() while true do end end })
local self, _, actors = ...
self:send(self.myAddress, actors.ActorExitRequest())
