-- load, loadfile and dofile of ours must give what the stock ones give, but for compiled Lua and excess.

local mine = ours.base

local function text(packed)
  local parts = {}
  for i = 1, packed.n do parts[i] = tostring(packed[i]):gsub("0x%x+", "") end
  return table.concat(parts, " | ")
end

local function run(load, ...)
  local made, why = load(...)
  if not made then return made, why end
  return "function", pcall(made, "argument")
end

local function compare(name, ...)
  local arguments = { n = select("#", ...), ... }
  local results = {}
  for _, load in ipairs { _G[name], mine[name] } do
    local given = {}
    for i = 1, arguments.n do
      given[i] = type(arguments[i]) == "table" and arguments[i].make and arguments[i].make() or arguments[i]
    end
    results[#results + 1] = text(table.pack(pcall(run, load, table.unpack(given, 1, arguments.n))))
  end
  if results[1] ~= results[2] then error(("%s\n  stock: %s\n  ours:  %s"):format(name, results[1], results[2]), 2) end
end

local function pieces(...)
  local all = { ... }
  return { make = function()
    local i = 0
    return function() i = i + 1 return all[i] end
  end }
end

compare("load", "return 1, ...")
compare("load", "return 1, ...", "=name")
compare("load", "error 'x'", "@name.lua")
compare("load", "syntax error here")
compare("load", "syntax\nerror", "@name.lua")
compare("load", "return x", "x", "t", { x = 7 })
compare("load", "return x", "x", "bt", nil)
compare("load", "return 1", "x", "b")
compare("load", "", "x", "b")
compare("load", 7)
compare("load")
compare("load", nil)
compare("load", {})
compare("load", pieces("return ", "1", " + 2"))
compare("load", pieces("return ", "", "nonsense"))
compare("load", pieces("return ", 5))
compare("load", pieces("return ", {}))
compare("load", pieces(), "=empty")
compare("load", function() error "from within" end)
compare("load", function() error { } end)

local path = os.tmpname()
local function with_file(content, act)
  local file = assert(io.open(path, "wb"))
  file:write(content)
  file:close()
  act()
end
for _, content in ipairs { "return 1, ...", "#!shebang\nreturn 1", "\xef\xbb\xbfreturn 2", "\xef\xbb\xbf#x\nerror 'line 2'", "return return", "",
  "#only a comment" } do
  with_file(content, function()
    compare("loadfile", path)
    compare("loadfile", path, "t", {})
    compare("loadfile", path, "b")
    local wanted, got = text(table.pack(pcall(dofile, path))), text(table.pack(pcall(mine.dofile, path)))
    assert(wanted == got, wanted .. " / " .. got)
  end)
end
compare("loadfile", "/no/such/file.lua")
compare("loadfile", "/")
assert(text(table.pack(pcall(dofile, "/no/such.lua"))) == text(table.pack(pcall(mine.dofile, "/no/such.lua"))))

-- What is refused, and in which words.
local function refused(part, ...)
  local made, why = mine.load(...)
  assert(not made and why:find(part, 1, true), why)
end
refused("[string \"\27Lua", string.dump(function() end))
refused("mine: compiled Lua is not loaded by actors", string.dump(function() end), "=mine")
refused("mine: compiled Lua is not loaded by actors", string.dump(function() end), "=mine", "b")
local large = ("-"):rep(9 << 20)
refused("large.lua: the source has 9437184 bytes; the limit is 8388608", large, "@large.lua")
refused("the limit is 8388608", function() return large end)
local endless = 0
refused("the limit is 8388608", function() endless = endless + 1 return ("-"):rep(1 << 20) end)
assert(endless < 20)
with_file(large, function()
  local made, why = mine.loadfile(path)
  assert(not made and why:find(path .. ": the source has", 1, true), why)
  assert(not pcall(mine.dofile, path))
end)
refused("[string \"return a.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x...\"]: an expression indexes 200000 times in a row; the limit is 1000",
  "return a" .. (".x"):rep(200000))
refused("in a row", "return a" .. ("[1]"):rep(200000))
refused("in a row", "return a" .. ("[f()]"):rep(200000))
refused("in a row", "return " .. ("("):rep(100) .. "a" .. ((".x"):rep(20) .. ")"):rep(100))
assert(mine.load("return a" .. (".x"):rep(1000)))
assert(mine.load("x = {" .. ("{a.x, b[1]},\n"):rep(100000) .. "}"))
assert(mine.load(("f(a.x) g(b.y)\n"):rep(10000)))
os.remove(path)
