--> memory
local self, sender = ...
local all = {}
for i = 1, 100000 do all[i] = ("x"):rep(1000) .. i end
self:send(sender, all)
