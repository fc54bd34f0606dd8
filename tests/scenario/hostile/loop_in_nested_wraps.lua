--> time limit
local function deeper(n)
  if n == 0 then while true do end end
  while true do pcall(coroutine.wrap(deeper), n - 1) end
end
deeper(30)
