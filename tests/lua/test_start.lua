local check <close> = require "lib_check"
local actors = require "thespian.actors"
require("thespian.core").traceback = debug.traceback -- which programs lack
local start = require "thespian.start"

local folder = check.folder {
  ["crew.lua"] = [[
    local actors = require "thespian.actors"
    local Worker = actors.class("Worker", actors.Actor)
    function Worker:init(capabilities, requirements)
      self.seen = { self.myAddress, self.globalName, capabilities, requirements }
    end
    local Picky = actors.class("Picky", actors.Actor)
    function Picky.actorSystemCapabilityCheck(capabilities, requirements)
      if requirements.fail then error "on purpose" end
      return capabilities.light == requirements.light
    end
    local Heir = actors.class("Heir", Picky)
    local Hidden = actors.class("Hidden", actors.Actor)
    local Broken = actors.class("Broken", actors.Actor)
    function Broken:init() error(requirement or "init fails on purpose") end
    local Job = actors.class "Job"
    return { Worker = Worker, Picky = Picky, Heir = Heir, Broken = Broken, Job = Job }
  ]],
  ["alone.lua"] = [[
    local actors = require "thespian.actors"
    return actors.class("Alone", actors.Actor)
  ]],
  ["pkg/mod.lua"] = [[
    local actors = require "thespian.actors"
    return { Deep = actors.class("Deep", actors.Actor) }
  ]],
  ["syntax.lua"] = "return return",
  ["raises.lua"] = "runs = (runs or 0) + 1\nlocal function deep() error 'on purpose' end\ndeep()",
  ["lacks.lua"] = 'require "is.not.there" return {}',
}
package.path = folder .. "/?.lua;" .. package.path

local calls = 0
local function capabilities()
  calls = calls + 1
  return { light = 3 }
end

local function try(specified, requirements, unchecked)
  local begin, why, words = start(specified)
  if not begin then return nil, why, words end
  return begin(capabilities, requirements, not unchecked, "address", "name")
end

check.test("an actor knows its address and name before its init runs", function()
  local worker = try("crew.Worker", { n = 1 })
  check.same(worker.seen, { "address", "name", { light = 3 }, { n = 1 } })
  check.equal(worker.myAddress, "address")
  check.equal(worker.globalName, "name")
end)

check.test("classes are found wherever their names lead", function()
  check.equal(actors.typename(try "pkg.mod.Deep"), "Deep")
  check.equal(actors.typename(try "alone"), "Alone")
  check.equal(actors.typename(try "crew.Hidden"), "Hidden")
  check.equal(actors.typename(try "thespian.actors.Actor"), "Actor")
end)

check.test("capabilities are fetched only for a check or an init", function()
  calls = 0
  try "pkg.mod.Deep"
  check.equal(calls, 0)
  try "crew.Worker"
  check.equal(calls, 1)
end)

check.test("the check decides, also an inherited one", function()
  for _, class in ipairs { "crew.Picky", "crew.Heir" } do
    check.ok(try(class, { light = 3 }))
    local made, why, words = try(class, { light = 4 })
    check.equal(made, nil)
    check.equal(why, "NoCompatibleSystemForActor")
    check.contains(words, class:sub(6) .. ".actorSystemCapabilityCheck says no")
  end
end)

check.test("a check that fails says no, with its error", function()
  local made, why, words = try("crew.Picky", { fail = true })
  check.equal(made, nil)
  check.equal(why, "NoCompatibleSystemForActor")
  check.contains(words, "crew.lua:8: on purpose")
end)

check.test("where checks are not called, nothing is checked", function()
  check.ok(try("crew.Picky", { light = 4 }, true))
end)

local function refused(specified, part, error_class)
  local made, why, words = try(specified)
  check.equal(made, nil)
  check.equal(why, error_class or "no class")
  check.contains(words, part)
  return words
end

check.test("what does not exist is named", function()
  refused("nowhere.Class", "module 'nowhere' not found:")
  refused("crew.Nobody", "module 'crew' has no class 'Nobody'; there is crew.Broken, crew.Heir,")
  refused("crew", "module 'crew' is no class; there is crew.Broken")
  refused("a..b", '"a..b" is no name of a class')
  refused("", "is no name of a class")
end)

check.test("a class that is no actor is refused", function()
  refused("crew.Job", "crew.Job is no actor class: it does not derive from actors.Actor")
end)

check.test("errors of the module come with a traceback, and it runs once", function()
  refused("syntax.Class", "syntax.lua:1:")
  check.contains(refused("raises.Class", "raises.lua:2: on purpose"), "stack traceback:")
  check.equal(runs, 1)
  check.contains(refused("lacks.Class", "module 'is.not.there' not found:"), "lacks.lua:1:")
end)

check.test("errors of init come with a traceback", function()
  check.contains(refused("crew.Broken", "init fails on purpose", "InvalidActorSpecification"), "stack traceback:")
  requirement = actors.CannotSend "as an instance"
  refused("crew.Broken", "CannotSend: as an instance", "InvalidActorSpecification")
end)
