--> nested
local self, sender = ...
local t
for _ = 1, 50000 do t = { t } end
self:send(sender, t)
