--> memory
local all = {}
while true do
  local one = coroutine.create(function() coroutine.yield() end)
  coroutine.resume(one)
  all[#all + 1] = one
end
