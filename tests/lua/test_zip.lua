-- thespian.zip: archives are read as strictly as bundles, and written so that they are accepted;
-- and actors.compileSource, which makes one from another.
local actors = require "thespian.actors"
local zip = require "thespian.zip"

local Packer = actors.class("Packer", actors.Actor)

function Packer:receiveMessage(message, sender)
  if type(message) ~= "string" then return end
  local files, why = require("thespian.zip").read(message)
  self:send(sender, files and actors.compileSource(message) or why)
end

if not actors.main(...) then return { Packer = Packer } end

local check <close> = require "lib_check"

local FILES = {
  ["app.lua"] = "return { text = 'app' }\n", ["pkg/init.lua"] = "", ["data.bin"] = "\0\1\2\255",
  ["ordner/\u{e4}.txt"] = "umlaut",
}

local function replaced(text, old, new)
  local made, count = text:gsub(old, (new:gsub("%%", "%%%%")))
  assert(count > 0)
  return made
end

check.test("what is written is read again", function()
  check.same(zip.read(zip.write(FILES)), FILES)
  check.same(zip.read(zip.write {}), {})
end)

check.test("equal files give equal bytes, whatever order they came in", function()
  local first, second = {}, {}
  for number = 1, 100 do first["f" .. number] = tostring(number) end
  for number = 100, 1, -1 do second["f" .. number] = tostring(number) end
  check.equal(zip.write(first), zip.write(second))
end)

check.test("a system takes what is written", function()
  local asys = actors.ActorSystem("simpleSystemBase", nil, false, true)
  local archive = zip.write(FILES)
  local hash = asys:loadActorSource { read = function() return archive end }
  check.equal(#hash, 64)
  asys:shutdown()
end)

check.test("what is wrong with an archive is told, not raised", function()
  local good = zip.write(FILES)
  for archive, words in pairs {
    [""] = "not a zip archive",
    [good:sub(1, -2)] = "the archive is cut off: its end is missing",
    [good .. "x"] = "bytes follow the end of the archive",
    ["x" .. good] = "bytes stand before the archive, or between its directory and its end",
    [replaced(good, "app%.lua", "../.lua")] = 'entry "../.lua": the name leaves the archive',
    [replaced(good, "app%.lua", "a\\p.lua")] = 'entry "a\\p.lua": the name contains a backslash',
  } do
    local files, why = zip.read(archive)
    check.equal(files, nil)
    check.equal(why, words)
  end
end)

check.test("one byte changed is found, wherever it changes a file", function()
  local good = zip.write { ["a.lua"] = ("return 'some text'\n"):rep(20) }
  local accepted = 0
  for at = 1, #good do
    local byte = good:byte(at)
    local files = zip.read(good:sub(1, at - 1) .. string.char(byte ~ 1) .. good:sub(at + 1))
    if files then
      accepted = accepted + 1 -- a date, a version: nothing of the file
      local name, data = next(files)
      check.equal(data, ("return 'some text'\n"):rep(20))
      check.equal(#name, 5)
    end
  end
  check.ok(accepted < #good / 4, accepted)
end)

check.test("limits are those of bundles, or those that are given", function()
  local archive = zip.write { a = ("-"):rep(100), b = "", c = "", ["name"] = "" }
  for limit, words in pairs {
    entries = "the archive has more than 3 entries", name = 'entry "name": the name is too long',
  } do
    local files, why = zip.read(archive, { [limit] = 3 })
    check.equal(files, nil)
    check.equal(why, words)
  end
  check.equal(select(2, zip.read(archive, { size = 99 })), "the archive unpacks to more than 99 bytes")
  check.ok(zip.read(archive, { size = 100, entries = 4, name = 4 }))
  local long = { [("n"):rep(201)] = "" }
  check.raises("the name is too long", zip.write, long)
  local written = zip.write(long, { name = 201 })
  check.equal(zip.read(written), nil)
  check.same(zip.read(written, { name = 201 }), long)
  local bomb = { bomb = ("-"):rep(1 << 20) }
  check.raises("more than 200 times its size", zip.write, bomb)
  check.same(zip.read(zip.write(bomb, { ratio = 2000 }), { ratio = 2000 }), bomb)
end)

check.test("files that no archive may hold are refused by name", function()
  for name, words in pairs {
    ["/etc/passwd"] = "the name is absolute", ["../up"] = "the name leaves the archive",
    [""] = "the name is empty", ["a\0b"] = 'entry "a\\x00b": the name contains a zero byte',
    ["a//b"] = "the name has an empty part", ["\xff"] = "the name is not UTF-8",
  } do
    local raised = check.raises(words, zip.write, { [name] = "", ["good.lua"] = "" })
    check.ok(actors.isinstance(raised, actors.ActorSystemException))
  end
  check.raises("the name is there twice", zip.write, { a = "", A = "" })
end)

check.test("misuse names the caller's line and the remedy", function()
  for words, run in pairs {
    ["zip.read: an archive is a string, got nil"] = function() zip.read() end,
    ["zip.read: limits are a table, got number"] = function() zip.read("", 5) end,
    ["there is no limit 'bytes'; use entries, size, ratio or name"] = function()
      zip.read("", { bytes = 5 })
    end,
    ["the limit 'size' is no whole number from 1 on"] = function() zip.read("", { size = 0 }) end,
    ["zip.write: files are a table, contents by name, got string"] = function() zip.write "x" end,
    ["files are strings by names, got a number by a string (a)"] = function() zip.write { a = 1 } end,
    ["files are strings by names, got a string by a number (1)"] = function() zip.write { "a" } end,
    ["the limit 'ratio' is no whole number from 1 on"] = function()
      zip.write({}, { ratio = 1.5 })
    end,
    ["compileSource: a bundle is a string of its bytes, got nil"] = function()
      actors.compileSource()
    end,
    ["there is no option 'strip'; use keepDebug"] = function()
      actors.compileSource("", { strip = true })
    end,
    ["the option 'keepDebug' is true or false, got string"] = function()
      actors.compileSource("", { keepDebug = "no" })
    end,
  } do
    local raised = check.raises(words, run)
    check.contains(raised, "test_zip.lua:")
    check.ok(actors.isinstance(raised, actors.ActorSystemException))
  end
end)

-- ---- compileSource --------------------------------------------------------------------------------

check.test("compileSource compiles Lua files, and keeps the others", function()
  local files = zip.read(actors.compileSource(zip.write(FILES)))
  local names = {}
  for name in pairs(files) do names[#names + 1] = name end
  table.sort(names)
  check.same(names, { "app.luac", "data.bin", "ordner/\u{e4}.txt", "pkg/init.luac" })
  check.equal(load(files["app.luac"], "=app", "b")().text, "app")
  check.equal(files["data.bin"], FILES["data.bin"])
end)

check.test("debug information is left out, or kept", function()
  local archive = zip.write { ["pkg/fail.lua"] = "\nerror 'on purpose'" }
  local function words(options)
    local files = zip.read(actors.compileSource(archive, options))
    return select(2, pcall(load(files["pkg/fail.luac"], "=other", "b")))
  end
  check.equal(words { keepDebug = true }, "pkg/fail.lua:2: on purpose")
  check.equal(words(), words { keepDebug = false })
  check.ok(not words():find("pkg/fail.lua", 1, true))
end)

check.test("what cannot be compiled is told by file and line", function()
  local raised = check.raises("pkg/bad.lua:3: ", actors.compileSource,
    zip.write { ["good.lua"] = "", ["pkg/bad.lua"] = "\n\nlocal = 1" })
  check.ok(actors.isinstance(raised, actors.ActorSystemException))
  check.raises("not a zip archive", actors.compileSource, "no")
  check.raises("compiled Lua is refused", actors.compileSource,
    actors.compileSource(zip.write(FILES)))
end)

-- ---- in actors ------------------------------------------------------------------------------------

check.test("actors have both, too", function()
  local asys = actors.ActorSystem("multiprocQueueBase", nil, false, true)
  local packer = asys:createActor(Packer)
  local archive = zip.write(FILES)
  check.equal(asys:ask(packer, archive, 30), actors.compileSource(archive))
  check.equal(asys:ask(packer, "x", 30), "not a zip archive")
  asys:shutdown()
end)
