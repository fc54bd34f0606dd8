-- Made-up programs must do the same with ours.coroutine and coroutine. Both libraries run the same
-- function, which gives what it saw as a list.

local stock, mine = coroutine, ours.coroutine
local programs = 0

local function text(...)
  local packed = table.pack(...)
  for i = 1, packed.n do packed[i] = tostring(packed[i]):gsub("0x%x+", "") end
  return table.concat(packed, " | ")
end

local function compare(name, program)
  programs = programs + 1
  local seen = {}
  for i, library in ipairs { stock, mine } do
    local lines = {}
    package.loaded.coroutine = library -- errors name a function by it
    local function see(...) lines[#lines + 1] = text(...) end
    see("result", pcall(program, library, see))
    seen[i] = table.concat(lines, "\n")
  end
  if seen[1] ~= seen[2] then error(name .. "\n  stock:\n" .. seen[1] .. "\n  ours:\n" .. seen[2]) end
end

compare("values go both ways", function(co, see)
  local one = co.create(function(...)
    see("first", ...)
    see("second", co.yield(1, nil, 3))
    see("third", co.yield())
    return "end", nil
  end)
  for i = 1, 5 do see(co.status(one), co.resume(one, i, nil, "x")) end
  see(co.status(one))
end)

compare("errors", function(co, see)
  local one = co.create(function() error "text" end)
  see(co.resume(one))
  see(co.status(one), co.resume(one))
  see(co.close(one))
  see(co.close(one))
  local other = co.create(function() error { } end)
  see(co.resume(other))
  see(co.close(other))
end)

compare("wrap", function(co, see)
  local step = co.wrap(function(...) see(...) see(co.yield(2)) error "wrapped" end)
  see(step(1))
  see(pcall(step))
  see(pcall(step))
  see(pcall(co.wrap(function() error({}) end)))
  see(pcall(co.wrap(function() error("no place", 0) end)))
  see(pcall(co.wrap(function() local x <close> = setmetatable({}, { __close = function(_, e) see("closed", e) error "again" end }) error "first" end)))
  for value in co.wrap(function() for i = 1, 3 do co.yield(i) end end) do see(value) end
end)

compare("status", function(co, see)
  local outer, inner
  outer = co.create(function()
    inner = co.create(function() see(co.status(outer), co.status(inner)) co.yield() end)
    co.resume(inner)
    see(co.status(outer), co.status(inner))
    see(co.resume(outer))
    see(co.resume(co.running()))
    see(pcall(co.close, outer))
    local third = co.create(function() see(pcall(co.close, outer)) end)
    co.resume(third)
  end)
  see(co.status(outer))
  see(co.resume(outer))
  see(co.status(outer), co.status(inner))
end)

compare("running and isyieldable", function(co, see)
  see(select(2, co.running()), co.isyieldable())
  co.wrap(function()
    local self, is_main = co.running()
    see(is_main, co.isyieldable(), co.isyieldable(self), type(self))
    table.sort({ 2, 1 }, function() see("in sort", co.isyieldable()) return false end)
  end)()
  see(co.isyieldable(co.create(print)))
end)

compare("yield across pcall, metamethods, iterators", function(co, see)
  local step = co.wrap(function()
    see(pcall(function() co.yield "in pcall" error "after" end))
    see(xpcall(function() co.yield "in xpcall" error "after" end, function(e) return "handled " .. e end))
    local meta = setmetatable({}, { __index = function(_, k) return co.yield("index " .. k) end, __add = function() return co.yield "add" end,
      __lt = function() return co.yield "lt" end, __concat = function() return co.yield "concat" end, __eq = function() return co.yield "eq" end,
      __close = function() co.yield "close" end, __call = function() return co.yield "call" end })
    see(meta.x, meta + 1, meta < meta, meta .. "x", meta == setmetatable({}, getmetatable(meta)), meta())
    do local _ <close> = meta end
    for v in function() return co.yield "iterator" end do see("loop", v) break end
    see(pcall(table.sort, { 3, 2, 1 }, function() co.yield "across C" end))
    see(pcall(string.gsub, "x", "x", function() co.yield "across C" end))
    return "done"
  end)
  for i = 1, 14 do
    local ok, value = pcall(step, i)
    see(ok, value)
    if value == "done" then break end
  end
end)

compare("yield outside", function(co, see)
  see(pcall(co.yield))
  see(pcall(co.yield, 1, 2))
end)

compare("close", function(co, see)
  local function closing(name, fails)
    return setmetatable({}, { __close = function(_, e) see("close", name, e) if fails then error(name .. " fails", 0) end end })
  end
  local one = co.create(function() local a <close> = closing "a" local c <close> = closing("c", true) co.yield() end)
  co.resume(one)
  see(co.close(one))
  see(co.status(one), co.close(one))
  see(co.close(co.create(print)))
  see(pcall(co.close, co.running()))
end)

compare("wrong arguments", function(co, see)
  for _, name in ipairs { "create", "resume", "wrap", "status", "close", "isyieldable" } do
    see(name, pcall(co[name], 7))
    see(name, pcall(co[name]))
    see(name, pcall(co[name], "x", "y"))
  end
end)

compare("many results and arguments", function(co, see)
  local many = table.pack(table.unpack({}, 1, 5000))
  see(select("#", co.wrap(function(...) return co.yield(...) end)(table.unpack(many, 1, many.n))))
  local one = co.create(function(...) return ... end)
  see(pcall(co.resume, one, table.unpack({}, 1, 100000)))
end)

compare("nested wraps", function(co, see)
  local function deep(n)
    if n == 0 then co.yield "bottom" error "from the bottom" end
    local step = co.wrap(deep)
    co.yield(step(n - 1))
    step()
  end
  local top = co.wrap(deep)
  see(top(20))
  see(pcall(top))
end)

-- Trees of coroutines that yield, raise, and return by chance.
for seed = 1, 1000 do
  compare("seed " .. seed, function(co, see)
    math.randomseed(seed)
    local function body(depth)
      return function(...)
        see("begin", depth, ...)
        local kept = {}
        for _ = 1, math.random(4) do
          local what = math.random(9)
          if what <= 2 then see("got", co.yield(depth, what))
          elseif what == 3 and depth > 1 then error("at " .. depth)
          elseif what == 4 then return depth, "returned"
          elseif what <= 7 and depth < 5 then
            kept[#kept + 1] = co.create(body(depth + 1))
            see(co.resume(kept[#kept], depth))
          elseif what == 8 and depth < 5 then see("wrapped", pcall(co.wrap(body(depth + 1)), depth))
          elseif #kept > 0 then
            local one = kept[math.random(#kept)]
            see(co.status(one), math.random(2) == 1 and co.status(one) ~= "dead" and co.resume(one, "again"))
            see(co.close(one))
          end
        end
      end
    end
    local root = co.create(body(1))
    for i = 1, 6 do see(i, co.resume(root, i)) end
  end)
end

-- Where ours differ on purpose: closing deeper than Lua 5.4.4 survives.
local function close_chain(length)
  local one
  for _ = 1, length do
    local before = one
    one = mine.create(function()
      local _ <close> = setmetatable({}, { __close = function() if before then assert(mine.close(before)) end end })
      mine.yield()
    end)
    mine.resume(one)
  end
  return mine.close(one)
end
assert(close_chain(100))
local closed, why = close_chain(10000)
why = tostring(why)
assert(not closed and why:find("too many nested calls to close", 1, true), why:sub(-200))

assert(programs > 1000)
