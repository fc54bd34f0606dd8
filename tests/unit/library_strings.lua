-- Made-up calls of ours.string and string must give the same.

local stock, mine = string, ours.string
local calls = 0

local function show(packed)
  local parts = {}
  for i = 1, packed.n do parts[i] = math.type(packed[i]) == "float" and "float" or "" end
  for i = 1, packed.n do
    parts[i] = parts[i] .. (type(packed[i]) == "string" and ("%q"):format(packed[i]) or tostring(packed[i]))
  end
  return table.concat(parts, ", ")
end

-- Errors name a function by the library that package.loaded has it in.
local function try(library, name, ...)
  package.loaded.string = library
  return table.pack(pcall(library[name], ...))
end

local function compare(name, ...)
  calls = calls + 1
  local wanted, got = try(stock, name, ...), try(mine, name, ...)
  local one, other = show(wanted), show(got)
  if one ~= other then
    error(("%s(%s)\n  stock: %s\n  ours:  %s"):format(name, show(table.pack(...)), one, other), 2)
  end
end

local function all_matches(library, ...)
  local found = {}
  package.loaded.string = library
  for a, b, c in library.gmatch(...) do
    found[#found + 1] = show(table.pack(a, b, c))
  end
  return table.concat(found, ";")
end

local function compare_matches(...)
  calls = calls + 1
  local wanted, got = show(table.pack(pcall(all_matches, stock, ...))), show(table.pack(pcall(all_matches, mine, ...)))
  if wanted ~= got then
    error(("gmatch(%s)\n  stock: %s\n  ours:  %s"):format(show(table.pack(...)), wanted, got), 2)
  end
end

math.randomseed(5, 4)
local function pick(list) return list[math.random(#list)] end

local letters = { "a", "b", "c", "x", "A", "1", "0", " ", ".", "-", "%", "]", "[", "(", ")", "\0", "\n", "\xe9", "_", "^" }
local function subject()
  local parts = {}
  for i = 1, math.random(0, 12) do parts[i] = pick(letters) end
  return table.concat(parts)
end

local singles = { "a", "b", "x", "1", ".", "%a", "%d", "%s", "%w", "%p", "%l", "%u", "%c", "%x", "%g", "%A", "%D", "%S", "%W",
  "%P", "%L", "%U", "%C", "%X", "%G", "[abc]", "[^abc]", "[a-c]", "[%a_]", "[^%s]", "[]]", "[^]]", "[a-]", "[-a]", "[%-x]",
  "[a-%]]", "[%]]", "%.", "%%", "%-", "%(", "%[", " ", "\0", "\xe9", "[\0-\x20]", "_", "%z", "[^^]", "[^-b]" }
local suffixes = { "", "", "", "*", "+", "-", "?" }
local odd = { "%b()", "%bab", "%f[%a]", "%f[^%w]", "%f[%z]", "%1", "%2", "()", "^", "$", "(", ")", "[", "%", "%b", "%ba", "%f", "%fa",
  "%0", "%9", "[a", "[%", "[^", "]", "*", "(()", "[]", "[^]", "[a-" }

local function pattern()
  local parts, open = {}, 0
  if math.random(6) == 1 then parts[1] = "^" end
  for _ = 1, math.random(0, 6) do
    local kind = math.random(20)
    if kind <= 13 then parts[#parts + 1] = pick(singles) .. pick(suffixes)
    elseif kind <= 15 then parts[#parts + 1], open = "(", open + 1
    elseif kind <= 17 and open > 0 then parts[#parts + 1], open = ")", open - 1
    elseif kind <= 19 then parts[#parts + 1] = pick(odd)
    else parts[#parts + 1] = pick(letters) end
  end
  if math.random(10) > 1 then parts[#parts + 1] = (")"):rep(open) end
  if math.random(6) == 1 then parts[#parts + 1] = "$" end
  return table.concat(parts)
end

local replacements = { "", "x", "<%0>", "<%1>", "%2-%1", "%%", "%", "%a", "%9", 17, 1.5,
  { a = "A", b = 1, c = false, ["1"] = true }, { [1] = "one", [2] = 2.5 },
  function(...) return select("#", ...) .. tostring((...)) end,
  function() end, function() return false end, function() return {} end, function(a) return a end }
local offsets = { nil, nil, 1, 2, 5, -1, -3, -100, 0, 100, math.mininteger, math.maxinteger, "2", 1.0, 1.5, "x" }
local counts = { nil, nil, 0, 1, 2, 100, -1, "1", "x" }

for _ = 1, 15000 do
  local s, p = subject(), pattern()
  local at = offsets[math.random(16)]
  compare("find", s, p, at)
  compare("match", s, p, at)
  compare("find", s, p, at, true)
  compare("gsub", s, p, pick(replacements), counts[math.random(9)])
  compare_matches(s, p, at)
end

-- By hand: what chance does not come to.
for _, arguments in ipairs {
  { "hello world", "o w" }, { "", "" }, { "abc", "" }, { "abc", "", 4 }, { "abc", "", 5 }, { "a\0b", "\0" }, { "a\0b", "%z" },
  { 123, 2 }, { "x" }, {}, { {}, "x" }, { "x", {} }, { "aaa", ("a?"):rep(3) .. "aaa" },
  { ("x"):rep(300), ("x?"):rep(300) }, { ("x"):rep(300), ("x?"):rep(190) }, { "x", ("("):rep(33) .. "x" .. (")"):rep(33) },
  { "x", ("("):rep(32) .. "x" .. (")"):rep(32) }, { "x", ("()"):rep(32) }, { "x", ("()"):rep(33) },
  { "THE (quick) fox", "%((%a+)%)" }, { "THE (quick) fox", "%f[%a]%a+%f[%A]" }, { "((a)(b))c", "%b()" }, { "f(a(b)c)d)", "%b()()" },
  { "aXbXc", "(.-)X()" }, { "key = value", "^(%w+)%s*=%s*(%w+)$" }, { "abcabc", "(abc)%1" }, { "abcabd", "(abc)%1" },
  { "2024-01-31", "(%d+)-(%d+)-(%d+)" }, { "  trim  ", "^%s*(.-)%s*$" }, { "a,b,,c", "([^,]*)" }, { "abc", "^" }, { "abc", "$" },
  { "abc", "^$" }, { "a$c", "a$c" }, { "a^c", "a^c" }, { "]", "[]]" }, { "^", "[%^]" }, { "abc", "b()" }, { "abc", "(b)(" },
  { "abc", "b)" }, { "x", "[[:alpha:]]" }, { "\xff\xfe", "[\xf0-\xff]+" }, { "a-z", "[a%-z]+" }, { "m", "[a-z-9]" },
} do
  compare("find", table.unpack(arguments))
  compare("match", table.unpack(arguments))
  compare_matches(table.unpack(arguments))
  for _, replacement in ipairs(replacements) do compare("gsub", arguments[1], arguments[2], replacement) end
end
compare("gsub", "x", "x")
compare("gsub", "x", "x", nil)
compare("gsub", "x", "x", true)
compare("gsub", "abc", "%w", "%0%0", 2)
compare("gsub", "abc", "", "-")
compare("gsub", "abc", "^", "-")
compare("gsub", "hello", "l", setmetatable({}, { __index = function(_, key) return key:upper() end }))
compare("gsub", "hello", "(l)(.)", error)
compare("find", "abc", "b", nil, nil)
compare("find", "a.c", ".", 1, true)
compare("find", "abc", "", 10, true)
compare("find", "abc", "", 4, true)
compare("gsub", "abc def", "(%w+) (%w+)", "%2 %1 %3")
compare("gsub", ("x"):rep(5000), "x", "yy")
compare("gsub", ("x y "):rep(2000), "%w", { x = ("z"):rep(100) })

for _ = 1, 2000 do
  compare("rep", subject(), math.random(-2, 40), math.random(2) == 1 and subject() or nil)
end
compare("rep", "x", "3")
compare("rep", "x", 2.5)
compare("rep", "x")
compare("rep")
compare("rep", "ab", 3, 7)
compare("pack", "i4c5z", 7, "abc", "de")
compare("pack", "c2", "abc")
compare("pack", "!8 i1 Xd d", 1, 2)
compare("pack", 7)

-- An iterator goes on in another coroutine, and is garbage with what it holds.
local next_word = mine.gmatch("one two three", "%a+")
assert(next_word() == "one")
assert(coroutine.wrap(function() collectgarbage() return next_word() end)() == "two")
collectgarbage()
assert(next_word() == "three" and next_word() == nil)

assert(calls > 75000, calls)
