local check <close> = require "lib_check"
local new_queue = require "thespian.queue"

check.test("what was put in first comes out first", function()
  local queue = new_queue()
  check.equal(queue:pop(), nil)
  for number = 1, 5 do queue:push(number) end
  for number = 1, 3 do check.equal(queue:pop(), number) end
  queue:push(6)
  check.equal(queue.size, 3)
  for number = 4, 6 do check.equal(queue:pop(), number) end
  check.equal(queue:pop(), nil)
  check.equal(queue.size, 0)
end)

check.test("what is put in front comes out next", function()
  local queue = new_queue()
  queue:pushFront "b"
  queue:push "c"
  queue:pushFront "a"
  check.equal(queue.size, 3)
  check.equal(queue:pop() .. queue:pop() .. queue:pop(), "abc")
end)

check.test("the first can be looked at", function()
  local queue = new_queue()
  check.equal(queue:first(), nil)
  queue:push "a"
  queue:push "b"
  check.equal(queue:first() .. queue:first(), "aa")
  check.equal(queue.size, 2)
end)

check.test("false is an item", function()
  local queue = new_queue()
  queue:push(false)
  check.equal(queue:pop(), false)
  check.equal(queue.size, 0)
end)

check.test("nothing that was taken out is kept", function()
  local queue = new_queue()
  local seen = setmetatable({}, { __mode = "k" })
  for _ = 1, 100 do
    local item = {}
    seen[item] = true
    queue:push(item)
  end
  while queue:pop() do end
  collectgarbage()
  check.equal(next(seen), nil)
end)
