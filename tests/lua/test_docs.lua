-- The examples of README.md and docs/actors.md print what stands below them. An example is a block
-- of Lua; what it prints stands indented behind its command. Its file's name is that of its first
-- line, a comment, or that of the command where this is a file of ours; then the file holds the
-- block. Blocks without a command are no programs: they compile.
local check <close> = require "lib_check"

local function examples(path)
  local list, example, output = {}, nil, nil
  for line in assert(io.open(path)):lines() do
    local name = line:match "^    %$ thespian%-host run (%S+)$"
    if line == "```lua" then
      example = { lines = {} }
      list[#list + 1] = example
    elseif line == "```" then
      example = nil
    elseif example then
      example.name = example.name or line:match "^%-%- (%S+%.lua)$"
      table.insert(example.lines, line)
    elseif name then
      local last = list[#list]
      last.kept = not last.name and name
      last.name = last.name or name
      assert(last.name == name, name .. " is run, which is not the example above it")
      output = {}
      last.output = output
    elseif output and line:find "^    " then
      table.insert(output, line:sub(5))
    else
      output = nil
    end
  end
  for _, found in ipairs(list) do found.text = table.concat(found.lines, "\n") .. "\n" end
  return list
end

local root = assert(os.getenv "SOURCE", "SOURCE is not set: run this by ctest")

local function read(path)
  local file <close> = assert(io.open(root .. "/" .. path, "rb"))
  return file:read("a")
end

local function prints(example, page)
  check.test(("%s prints what %s says"):format(example.name, page), function()
    local text = example.text
    if example.kept then
      text = read(example.kept)
      check.contains(text, example.text)
    end
    local folder = check.folder { [example.name] = text }
    local printed, well = check.run(folder, example.name)
    check.equal(printed, table.concat(example.output, "\n") .. "\n")
    check.ok(well)
  end)
end

local function compiles(example, page)
  check.test("a block of " .. page .. " compiles", function()
    check.ok(load(example.text, "=" .. page))
  end)
end

for page, runs in pairs { ["README.md"] = 2, ["docs/actors.md"] = 6 } do
  local count = 0
  for _, example in ipairs(examples(root .. "/" .. page)) do
    if example.output then
      count = count + 1
      prints(example, page)
    else
      compiles(example, page)
    end
  end
  check.test(page .. " has examples", function() check.ok(count >= runs) end)
end
