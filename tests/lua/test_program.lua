local check <close> = require "lib_check"
local actors = require "thespian.actors"
local core = require "thespian.core"

-- What is packed is seen by standing in for core.pack.
local packed
local pack = core.pack
function core.pack(entries)
  packed = entries
  return pack(entries)
end
local program = require "thespian.program"

local ACTOR = [[
  local actors = require "thespian.actors"
  local Worker = actors.class("Worker", actors.Actor)
]]

--- A fresh folder in front of package.path, with its modules not loaded.
local function prepare(files, ...)
  local folder = check.folder(files)
  package.path = folder .. "/?.lua;" .. folder .. "/?/init.lua;" .. package.path
  for _, module in ipairs { ... } do package.loaded[module] = nil end
  return folder
end

--- The bundle of a class, and what went into it beside this test, if it was packed anew.
local function bundle(Class)
  packed = nil
  local result = program.bundle(Class, 1)
  local paths, texts = {}, {}
  for _, entry in ipairs(packed or {}) do
    if entry[1] ~= "lib_check.lua" and entry[1] ~= "test_program.lua" then
      paths[#paths + 1] = entry[1]
      texts[#texts + 1] = entry[2]
    end
  end
  return result, paths, texts
end

check.test("the file and what it requires go along, and what that requires", function()
  prepare({
    ["chief.lua"] = ACTOR .. [==[
      function Worker:never()
        local one = require "need.one"
        local two = require('need.two')
        local three, four = require [[three]], require([=[four]=])
        local has, five = pcall(require, "five")
        local none = pcall(require, "not.there")
      end
      function Worker:receiveMessage() self:createActor("six.Class") self:createActor"seven" end
      return { Worker = Worker }
    ]==],
    ["need/one.lua"] = 'require "deeper"',
    ["need/two/init.lua"] = "",
    ["three.lua"] = "",
    ["four.lua"] = "",
    ["five.lua"] = "",
    ["six.lua"] = "",
    ["seven.lua"] = "",
    ["deeper.lua"] = 'require "thespian.actors"',
    ["unrelated.lua"] = "",
  })
  local _, paths = bundle(require("chief").Worker)
  check.same(paths, {
    "chief.lua", "deeper.lua", "five.lua", "four.lua", "need/one.lua", "need/two/init.lua",
    "seven.lua", "six.lua", "three.lua",
  })
end)

check.test("modules of the folder that the program has loaded go along", function()
  prepare({
    ["dyn.lua"] = ACTOR .. [[ local name = "part" require(name) return { Worker = Worker } ]],
    ["part.lua"] = "return {}",
  })
  local _, paths = bundle(require("dyn").Worker)
  check.same(paths, { "dyn.lua", "part.lua" })
  package.loaded.part = nil
end)

check.test("the base's module goes along", function()
  prepare({
    ["base.lua"] = [[
      local actors = require "thespian.actors"
      local made = { Base = actors.class("Base", actors.Actor) }
      return made
    ]],
    ["top.lua"] = [[
      local actors, name = require "thespian.actors", "base"
      local made = { Top = actors.class("Top", require(name).Base) }
      package.loaded.base = nil
      return made
    ]],
  })
  local _, paths = bundle(require("top").Top)
  check.same(paths, { "base.lua", "top.lua" })
end)

check.test("a module in a package has its package's folder as the root", function()
  prepare({
    ["app/work/crew.lua"] = ACTOR .. 'require "app.tools" return { Worker = Worker }',
    ["app/tools.lua"] = "return {}",
    ["tools.lua"] = "return {}",
  })
  local _, paths = bundle(require("app.work.crew").Worker)
  check.same(paths, { "app/tools.lua", "app/work/crew.lua" })
  package.loaded["app.tools"] = nil
end)

check.test("the same files give the same bundle, without packing them again", function()
  prepare {
    ["same.lua"] = ACTOR .. 'require "also" return { Worker = Worker }',
    ["also.lua"] = "return {}",
  }
  local Worker = require("same").Worker
  local first = bundle(Worker)
  local again = bundle(Worker)
  check.equal(packed, nil)
  check.equal(first.hash, again.hash)
  check.equal(first.hash, core.sha256(first.zip))
  check.equal(#first.hash, 64)
end)

check.test("files are read anew each time", function()
  local folder = prepare { ["edited.lua"] = ACTOR .. "return { Worker = Worker }" }
  local Worker = require("edited").Worker
  local before = bundle(Worker)
  check.write(folder .. "/edited.lua", ACTOR .. 'require "added" return { Worker = Worker }')
  check.write(folder .. "/added.lua", "return 1")
  local after, paths = bundle(Worker)
  check.ok(before.hash ~= after.hash)
  check.same(paths, { "added.lua", "edited.lua" })
  check.write(folder .. "/added.lua", "return 2")
  check.ok(bundle(Worker).hash ~= after.hash)
end)

check.test("a byte order mark and a first line with # stay, but not their line", function()
  local text = "\xef\xbb\xbf#!/usr/bin/env lua\n" .. ACTOR .. "return { Worker = Worker }"
  prepare { ["marked.lua"] = text }
  local _, paths, texts = bundle(require("marked").Worker)
  check.same(paths, { "marked.lua" })
  check.equal(texts[1]:sub(1, 7), "\n  loca")
end)

check.test("a class of the library needs no bundle", function()
  check.equal(program.bundle(actors.Actor, 1), nil)
end)

check.test("a class without a file is refused in words that help", function()
  local Loose = load [[
    local actors = require "thespian.actors"
    local made = actors.class("Loose", actors.Actor)
    return made
  ]]()
  local raised = check.raises("the code of class Loose cannot be found", program.bundle, Loose, 1)
  check.ok(actors.isinstance(raised, actors.InvalidActorSpecification))
  check.contains(raised, "put the class into a file")
end)

check.test("a class whose file is gone is refused likewise", function()
  local folder = prepare { ["gone.lua"] = ACTOR .. "return { Worker = Worker }" }
  local Worker = require("gone").Worker
  os.remove(folder .. "/gone.lua")
  check.raises("the code of class Worker cannot be found", program.bundle, Worker, 1)
end)

check.test("the program's own class brings the program's file and its folder's modules", function()
  local folder = check.folder {
    ["my.app.lua"] = [[
      local actors, core = require "thespian.actors", require "thespian.core"
      package.path = "./?.lua;" .. package.path
      require "helper"
      local Own = actors.class("Own", actors.Actor)
      if actors.main(...) then
        function core.pack(entries)
          for _, entry in ipairs(entries) do io.write(entry[1], "\n") end
          return "zip"
        end
        require("thespian.program").bundle(Own, 1)
      end
    ]],
    ["helper.lua"] = "return {}",
  }
  check.same({ check.run(folder, "my.app.lua") }, { "helper.lua\nmy_app.lua\n", true })
end)

check.test("the program goes along with another class only where its part is marked", function()
  local files = {
    ["marked.lua"] = [[
      local actors, core = require "thespian.actors", require "thespian.core"
      if actors.main(...) then
        package.path = "./?.lua;" .. package.path
        function core.pack(entries)
          for _, entry in ipairs(entries) do io.write(entry[1], "\n") end
          return "zip"
        end
        require("thespian.program").bundle(require("crew").Worker, 1)
      end
    ]],
    ["crew.lua"] = ACTOR .. "return { Worker = Worker }",
  }
  files["unmarked.lua"] = files["marked.lua"]:gsub("actors.main%(%.%.%.%)", "true")
  local folder = check.folder(files)
  check.same({ check.run(folder, "marked.lua") }, { "crew.lua\nmarked.lua\n", true })
  check.same({ check.run(folder, "unmarked.lua") }, { "crew.lua\n", true })
end)
