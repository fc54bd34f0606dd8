-- Made-up calls of ours.table and table must give the same, and leave the same tables behind.

local stock, mine = table, ours.table
local calls = 0

local function text(value, seen)
  if type(value) ~= "table" then return math.type(value) == "float" and "float " .. value or tostring(value):gsub("0x%x+", "") end
  local parts = {}
  for key, item in pairs(value) do parts[#parts + 1] = tostring(key) .. "=" .. text(item) end
  stock.sort(parts)
  return "{" .. stock.concat(parts, ",") .. "}"
end

local function proxy(made)
  return setmetatable({}, { __len = function() return #made end, __index = function(_, key) return made[key] end,
    __newindex = function(_, key, value) made[key] = value end, __pairs = function() return next, made end })
end

local function compare(name, make, ...)
  calls = calls + 1
  local results = {}
  for _, library in ipairs { stock, mine } do
    local made = make()
    package.loaded.table = library -- errors name a function by it
    local given = table.pack(pcall(library[name], made, ...))
    for i = 1, given.n do if rawequal(given[i], made) then given[i] = "itself" end end
    results[#results + 1] = text(given) .. " leaves " .. text(made)
  end
  if results[1] ~= results[2] then
    error(("%s(%s, %s)\n  stock: %s\n  ours:  %s"):format(name, text(make()), text { ... }, results[1], results[2]), 2)
  end
end

math.randomseed(5, 4)
local function size() return math.random(0, 6) end
local numbers = { -1, 0, 1, 2, 3, 5, 7, 8, "2", 2.0, 2.5, "x", math.maxinteger, math.mininteger }

for _ = 1, 5000 do
  local count, with_proxy = size(), math.random(3) == 1
  local function make()
    local made = {}
    for i = 1, count do made[i] = i * 10 end
    return with_proxy and proxy(made) or made
  end
  local function any() return numbers[math.random(#numbers)] end
  local function small() return numbers[math.random(12)] end
  compare("insert", make, any(), "new")
  compare("insert", make, "new")
  compare("remove", make, any())
  compare("remove", make)
  compare("move", make, small(), small(), small())
  compare("move", make, small(), small(), small(), { "other" })
  compare("concat", make)
  compare("concat", make, ",", small(), small())
  compare("sort", make, math.random(2) == 1 and function(a, b) return a > b end or nil)
end

local function empty() return {} end
compare("insert", empty)
compare("insert", empty, 1, 2, 3)
compare("insert", function() end, 1)
compare("insert", function() return "text" end, 1)
compare("concat", function() return { 1, {}, 3 } end)
compare("concat", function() return { 1, 2.5, "x" } end, "-", 1, 3)
compare("concat", function() return { [math.maxinteger] = "last" } end, "-", math.maxinteger, math.maxinteger)
compare("concat", function() return 7 end)
compare("move", empty, 1, math.maxinteger, 2)
compare("move", empty, -1, math.maxinteger, 2)
compare("move", empty, math.mininteger, 0, 2)
compare("move", empty, 1, 2, math.maxinteger)
compare("move", empty, 1, 2)
compare("move", function() return 1 end, 1, 2, 3)
compare("sort", function() return 1 end)
compare("sort", function() return { 3, "x" } end)
compare("sort", function() return { 3, 1, 2, 5, 4, 9, 7 } end, function() return true end)
compare("sort", empty, 1)
for i = 1, 3 do
  local fields = ({ { "__len", "__index" }, { "__len", "__newindex" }, { "__index", "__newindex" } })[i]
  local meta = {}
  for _, field in ipairs(fields) do meta[field] = function() return 3 end end
  debug.setmetatable(7, meta)
  for _, name in ipairs { "insert", "remove", "concat" } do compare(name, function() return 7 end) end
  debug.setmetatable(7, nil)
end

-- A long list, and one whose length is the largest integer.
local long = {}
for i = 1, 200000 do mine.insert(long, i) end
mine.insert(long, 1, 0)
assert(#long == 200001 and long[1] == 0 and long[200001] == 200000)
assert(mine.remove(long, 1) == 0 and #long == 200000 and long[1] == 1)
assert(mine.concat(long, ",") == stock.concat(long, ","))
local endless = setmetatable({}, { __len = function() return math.maxinteger end })
assert(not pcall(mine.insert, endless, 5) == not pcall(stock.insert, endless, 5))

assert(calls > 40000, calls)
