--> too many nested calls to close
local one
for _ = 1, 5000 do
  local before = one
  one = coroutine.create(function()
    local _ <close> = setmetatable({}, { __close = function() if before then assert(coroutine.close(before)) end end })
    coroutine.yield()
  end)
  coroutine.resume(one)
end
assert(coroutine.close(one))
