-- lib_check: what the tests of the Lua library are written with.
--
--   local check <close> = require "lib_check"
--   check.test("what it shows", function() check.equal(1 + 1, 2) end)
--
-- A test that fails does not stop the others. When the file ends, check raises an error if a test
-- failed or if nothing was checked: a file that was cut short does not pass.

local check = {}

local checks, failures = 0, {}

local function show(value)
  return type(value) == "string" and ("%q"):format(value) or tostring(value)
end

local function fail(level, words) error(words, level + 1) end

--- Runs one test.
function check.test(name, run)
  local before = checks
  local well, why = xpcall(run, debug.traceback)
  if well and checks == before then
    well, why = false, "nothing was checked"
  end
  if not well then
    failures[#failures + 1] = name
    io.stderr:write("FAILED: ", name, "\n  ", tostring(why), "\n")
  end
end

function check.ok(value, words)
  checks = checks + 1
  if not value then fail(2, words or "expected a true value, got " .. tostring(value)) end
end

function check.equal(got, wanted)
  checks = checks + 1
  if not rawequal(got, wanted) and got ~= wanted or math.type(got) ~= math.type(wanted) then
    fail(2, ("expected %s, got %s"):format(show(wanted), show(got)))
  end
end

--- Compares tables by their contents.
function check.same(got, wanted)
  local function text(value)
    if type(value) ~= "table" then return show(value) end
    local parts = {}
    for key, item in pairs(value) do
      parts[#parts + 1] = "[" .. show(key) .. "] = " .. text(item)
    end
    table.sort(parts)
    return "{" .. table.concat(parts, ", ") .. "}"
  end
  checks = checks + 1
  local one, other = text(got), text(wanted)
  if one ~= other then fail(2, "expected " .. other .. ", got " .. one) end
end

--- Checks that text contains part, as it is.
function check.contains(text, part)
  checks = checks + 1
  if not tostring(text):find(part, 1, true) then
    fail(2, ("expected %s somewhere in %s"):format(show(part), show(text)))
  end
end

--- Checks that run raises an error whose text contains part; gives the error.
function check.raises(part, run, ...)
  checks = checks + 1
  local well, raised = pcall(run, ...)
  if well then fail(2, "expected an error with " .. show(part)) end
  if not tostring(raised):find(part, 1, true) then
    fail(2, ("expected an error with %s, got %s"):format(show(part), show(tostring(raised))))
  end
  return raised
end

--- The line from which this is called, or one that many lines further on, as errors name it.
function check.here(further)
  local info = debug.getinfo(2, "Sl")
  return info.short_src .. ":" .. info.currentline + (further or 0) .. ":"
end

-- ---- folders and programs -----------------------------------------------------------------------

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local folders = {}

--- Makes a folder of its own with these files, {[path] = text}; it is removed when the test file
--- ends.
function check.folder(files)
  local made = assert(io.popen("mktemp -d")):read("l")
  folders[#folders + 1] = made
  for path, text in pairs(files) do check.write(made .. "/" .. path, text) end
  return made
end

function check.write(path, text)
  assert(os.execute("mkdir -p " .. quote(path:match("^(.*)/"))))
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

--- Runs a program in a folder as this one is run (by thespian-host or by lua5.4); gives what it
--- wrote to standard output and standard error, and whether it ended well.
function check.run(folder, ...)
  local words = {}
  for number = -1, -9, -1 do
    if not arg[number] then break end
    table.insert(words, 1, quote(arg[number]))
  end
  for _, word in ipairs { ... } do words[#words + 1] = quote(word) end
  local command = table.concat(words, " ") .. " 2>&1"
  local pipe = assert(io.popen("cd " .. quote(folder) .. " && " .. command))
  local text = pipe:read("a")
  return text, pipe:close() == true
end

return setmetatable(check, {
  __close = function(_, raised)
    for _, folder in ipairs(folders) do os.execute("rm -rf " .. quote(folder)) end
    if raised ~= nil then return end
    if #failures > 0 then error(#failures .. " failed: " .. table.concat(failures, "; "), 0) end
    if checks == 0 then error("nothing was checked", 0) end
    print(checks .. " checks passed")
  end,
})
