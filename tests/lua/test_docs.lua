-- The examples of docs/actors.md print what stands below them. An example is a block of Lua that
-- begins with its file's name as a comment; what it prints stands indented behind its command.
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
      assert(list[#list].name == name, name .. " is run, which is not the example above it")
      output = {}
      list[#list].output = output
    elseif output and line:find "^    " then
      table.insert(output, line:sub(5))
    else
      output = nil
    end
  end
  return list
end

local root = assert(os.getenv "SOURCE", "SOURCE is not set: run this by ctest")
local list = examples(root .. "/docs/actors.md")
check.ok(#list >= 6)
for _, example in ipairs(list) do
  local name = assert(example.name, "an example has no name")
  check.test(name .. " prints what the page says", function()
    local folder = check.folder { [name] = table.concat(example.lines, "\n") .. "\n" }
    local text, well = check.run(folder, name)
    check.equal(text, table.concat(example.output, "\n") .. "\n")
    check.ok(well)
  end)
end
