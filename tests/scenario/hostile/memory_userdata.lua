--> memory
local all = {}
while true do all[#all + 1] = ("x"):gmatch("x") end
