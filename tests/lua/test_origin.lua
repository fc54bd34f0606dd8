local check <close> = require "lib_check"
local actors = require "thespian.actors"
local origin = require "thespian.origin"

check.test("this file is the program, under its own name", function()
  check.same({ origin.program() }, { "test_origin", arg[0] })
  check.equal(origin.folder() .. "test_origin.lua", arg[0])
end)

local is_main = actors.main(...)
check.test("main is true at the program's top level", function() check.equal(is_main, true) end)

check.test("main is false in functions, other files and chunks of text", function()
  check.equal((function() return (actors.main()) end)(), false)
  check.equal(load('return (require("thespian.actors").main(...))')(), false)
  local text = 'return { main = require("thespian.actors").main(...) }'
  local folder = check.folder { ["asks.lua"] = text }
  package.path = folder .. "/?.lua;" .. package.path
  check.equal(require("asks").main, false)
  check.equal(dofile(folder .. "/asks.lua").main, false)
end)

check.test("a program that is also required is a module then", function()
  local folder = check.folder {
    ["both.lua"] = [[
      local actors = require "thespian.actors"
      package.path = "./?.lua;" .. package.path
      local Job = actors.class "Job"
      if actors.main(...) then
        io.write("program ", Job.__meta.__module, "\n")
        require "both"
      else
        io.write("module ", Job.__meta.__module, "\n")
      end
    ]],
  }
  check.same({ check.run(folder, "both.lua") }, { "program both\nmodule both\n", true })
  check.same({ check.run(folder, "./both.lua") }, { "program both\nmodule both\n", true })
end)

check.test("dots in a program's name become underscores", function()
  local folder = check.folder {
    ["my.own-program.v2.lua"] = 'io.write(require("thespian.origin").program(), "\\n")',
    ["script"] = 'io.write(require("thespian.origin").program(), "\\n")',
  }
  check.same({ check.run(folder, "my.own-program.v2.lua") }, { "my_own-program_v2\n", true })
  check.same({ check.run(folder, "script") }, { "script\n", true })
end)

check.test("text is in no file, wherever it runs", function()
  local made = load('local made = require("thespian.actors").class "X" return made')()
  check.equal(made.__meta.__module, nil)
  check.equal(made.__meta.__file, nil)
end)

check.test("a module's classes know its name and file, also after return class(...)", function()
  local folder = check.folder {
    ["pkg/init.lua"] = 'return require("thespian.actors").class "Last"',
    ["pkg/sub.lua"] = 'local made = require("thespian.actors").class "Sub" return made',
  }
  package.path = folder .. "/?.lua;" .. folder .. "/?/init.lua;" .. package.path
  local Last, Sub = require "pkg", require "pkg.sub"
  check.same({ Last.__meta.__module, Last.__meta.__file }, { "pkg", folder .. "/pkg/init.lua" })
  check.same({ Sub.__meta.__module, Sub.__meta.__file }, { "pkg.sub", folder .. "/pkg/sub.lua" })
end)

check.test("a class made by way of pcall or in a coroutine belongs to the program", function()
  local _, made = pcall(actors.class, "Called")
  check.equal(made.__meta.__module, "test_origin")
  local other = coroutine.wrap(function() return (actors.class "Resumed") end)()
  check.equal(other.__meta.__module, "test_origin")
end)
