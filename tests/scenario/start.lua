-- start: how the class of a new actor is found, and its instance made.

local actors = require "thespian.actors"

if not actors.main(...) then return {} end

local check <close> = require "lib_check"
local scenario = require "lib_scenario"
local simple = scenario.base == "simpleSystemBase" -- where no check is called

local folder = check.folder {
  ["crew.lua"] = [[
    local actors = require "thespian.actors"
    local Worker = actors.class("Worker", actors.Actor)
    function Worker:init(capabilities, requirements)
      self.seen = { address = self.myAddress, name = self.globalName, light = capabilities.light,
        requirements = requirements }
    end
    function Worker:receiveMessage(message, sender)
      if message == "seen" then self:send(sender, self.seen) end
    end
    local Picky = actors.class("Picky", Worker)
    function Picky.actorSystemCapabilityCheck(capabilities, requirements)
      if requirements.fail then error "on purpose" end
      return capabilities.light == requirements.light, requirements.why
    end
    local Heir = actors.class("Heir", Picky)
    local Hidden = actors.class("Hidden", Worker)
    local Broken = actors.class("Broken", actors.Actor)
    function Broken:init(_, requirements) error(requirements or "init fails on purpose") end
    local Job = actors.class "Job"
    return { Worker = Worker, Picky = Picky, Heir = Heir, Broken = Broken, Job = Job, None = 5 }
  ]],
  ["alone.lua"] = [[
    local actors = require "thespian.actors"
    local Alone = actors.class("Alone", actors.Actor)
    function Alone:receiveMessage(message, sender)
      if message == "seen" then self:send(sender, { kind = actors.typename(self) }) end
    end
    return Alone
  ]],
  ["pkg/mod.lua"] = [[
    local actors = require "thespian.actors"
    return { Deep = actors.class("Deep", require "alone") }
  ]],
  ["syntax.lua"] = "return return",
  ["raises.lua"] = "local function deep() error 'on purpose' end\ndeep()",
  ["lacks.lua"] = 'require "is.not.there" return {}',
  ["objects.lua"] = 'error(setmetatable({}, { __tostring = function() return "an object" end }))',
}
local asys = scenario.system { light = 3 }
assert(os.execute(("cd %s && zip -q -r crew.zip ."):format(folder)))
local hash = asys:loadActorSource(folder .. "/crew.zip")

local function seen(specified, requirements, name)
  return scenario.ask(asys, asys:createActor(specified, requirements, name, hash), "seen")
end

check.test("an actor knows its address and name before its init runs", function()
  local worker = asys:createActor("crew.Worker", { n = 1 }, "name", hash)
  check.same(scenario.ask(asys, worker, "seen"),
    { address = worker, name = "name", light = 3, requirements = { n = 1 } })
  check.equal(seen("crew.Worker").requirements, nil)
end)

check.test("classes are found wherever their names lead", function()
  check.equal(seen("pkg.mod.Deep").kind, "Deep")
  check.equal(seen("alone").kind, "Alone")
  check.equal(seen("crew.Hidden").light, 3)
  scenario.ask(asys, asys:createActor "thespian.actors.Actor", actors.Thespian_StatusReq())
end)

-- Words of what a creation raises, the same each time.
local function refused(specified, requirements, part, class)
  local words
  for _ = 1, 3 do -- by a new state, one that was used before, and what was learnt of the class
    local made, raised = pcall(asys.createActor, asys, specified, requirements, nil, hash)
    check.equal(made, false)
    check.equal(actors.typename(raised), class or "InvalidActorSpecification")
    check.contains(tostring(raised), part)
    words = tostring(raised)
    check.equal(words:find("[C]: in ?", 1, true), nil)
  end
  return words
end

if not simple then
  check.test("the check decides, also an inherited one", function()
    for _, class in ipairs { "crew.Picky", "crew.Heir" } do
      check.equal(seen(class, { light = 3 }).light, 3)
      local says = class:sub(6) .. ".actorSystemCapabilityCheck says no"
      refused(class, { light = 4 }, says, "NoCompatibleSystemForActor")
      refused(class, { light = 4, why = "too dark" }, says .. ": too dark", "NoCompatibleSystemForActor")
    end
  end)

  check.test("a check that fails says no, with its error", function()
    local words = refused("crew.Picky", { fail = true }, "Picky.actorSystemCapabilityCheck failed: ",
      "NoCompatibleSystemForActor")
    check.contains(words, "crew.lua:12: on purpose\nstack traceback:")
  end)
else
  check.test("where checks are not called, nothing is checked", function()
    check.equal(seen("crew.Picky", { light = 4 }).light, 3)
  end)
end

check.test("what does not exist is named", function()
  refused("nowhere.Class", nil, "module 'nowhere' not found:")
  refused("crew.Nobody", nil, "module 'crew' has no class 'Nobody'; there is crew.Broken, crew.Heir,")
  refused("crew.None", nil, "module 'crew' has no class 'None'")
  refused("crew", nil, "module 'crew' is no class; there is crew.Broken")
end)

check.test("a class that is no actor is refused", function()
  refused("crew.Job", nil, "crew.Job is no actor class: it does not derive from actors.Actor")
end)

check.test("errors of the module come with a traceback", function()
  refused("syntax.Class", nil, "syntax.lua:1:")
  check.contains(refused("raises.Class", nil, "raises.lua:1: on purpose\nstack traceback:"), "raises.lua:2:")
  check.contains(refused("lacks.Class", nil, "module 'is.not.there' not found:"), "lacks.lua:1:")
  refused("objects.Class", nil, "an object\nstack traceback:")
end)

check.test("errors of init come with a traceback", function()
  local words = refused("crew.Broken", nil, "crew.lua:18: init fails on purpose\nstack traceback:")
  check.contains(words, "crew.lua:18: in ")
  refused("crew.Broken", actors.CannotSend "as an instance", "CannotSend: as an instance")
end)

asys:shutdown()
