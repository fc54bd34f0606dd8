local check <close> = require "lib_check"
local actors = require "thespian.actors"
local core = require "thespian.core"
local library = require "thespian.library"
local naming = require "thespian.naming"

local folder = check.folder {
  ["exports.lua"] = [[
    local actors = require "thespian.actors"
    local Job = actors.class "Job"
    function Job:twice() return 2 * self.n end
    local Hidden = actors.class("Hidden", Job)
    return { Work = Job, hidden = function() return Hidden end }
  ]],
  ["itself.lua"] = [[ return require("thespian.actors").class "Anything" ]],
  ["below/init.lua"] = [[ return { Inner = require("thespian.actors").class "Inner" } ]],
  ["below/deep.lua"] = [[ return { Inner = require("thespian.actors").class "Inner" } ]],
  ["breaks.lua"] = [[ require("thespian.actors").class "Half" error "on purpose" ]],
  ["factory.lua"] = [[ return function(name) return require("thespian.actors").class(name) end ]],
  ["uses.lua"] = [[ return { Made = require "factory" "Made" } ]],
  ["counts.lua"] = [[ times = (times or 0) + 1 return {} ]],
}
package.path = folder .. "/?.lua;" .. folder .. "/?/init.lua;" .. package.path

local function names(Class) return core.unpackNames(naming.names(Class.__meta)) end
local function qualified(Class) return naming.qualified(Class.__meta) end
local function resolve(...) return library.resolve(core.packNames { ... }) end
local function instance(...) return setmetatable({}, resolve(...)) end

check.test("a class has the name of its key in the module's table", function()
  local exports = require "exports"
  check.same(names(exports.Work), { "exports.Work", "Job" })
end)

check.test("a class that is not exported has its short name after its module", function()
  local Hidden = require("exports").hidden()
  check.same(names(Hidden), { "exports.Hidden", "Hidden", "exports.Work", "Job" })
end)

check.test("a class that the module returns itself has the module's name", function()
  check.same(names(require "itself"), { "itself", "Anything" })
end)

check.test("the same short name in two modules makes two names", function()
  check.equal(qualified(require("below").Inner), "below.Inner")
  check.equal(qualified(require("below.deep").Inner), "below.deep.Inner")
end)

check.test("a class made by another file's function belongs to the file being loaded", function()
  check.equal(qualified(require("uses").Made), "uses.Made")
  check.equal(require("uses").Made.__meta.__module, "uses")
end)

check.test("of several names that of its own module and its own key is taken", function()
  local Work = require("exports").Work
  package.loaded["a.first"] = { Work = Work, Job = Work }
  check.equal(qualified(Work), "exports.Work")
  require("exports").Also, require("exports").Job = Work, Work
  check.equal(qualified(Work), "exports.Job")
  require("exports").Job = nil
  check.equal(qualified(Work), "exports.Also")
  require("exports").Also, package.loaded["a.first"] = nil, nil
end)

check.test("the program is a module with the name of its file", function()
  check.equal(qualified(actors.class "Local"), "test_naming.Local")
end)

check.test("a class that a table exports under another module's name is found there", function()
  local Moved = load 'local Moved = require("thespian.actors").class "Moved" return Moved'()
  check.equal(qualified(Moved), "Moved")
  package.loaded["some.place"] = { Elsewhere = Moved }
  check.equal(qualified(Moved), "some.place.Elsewhere")
  package.loaded["some.place"] = nil
end)

check.test("library classes travel under the name that users know", function()
  check.same(names(actors.ActorExitRequest), {
    "thespian.actors.ActorExitRequest", "ActorExitRequest",
    "thespian.actors.ActorSystemMessage", "ActorSystemMessage",
  })
  for _, name in ipairs { "WakeupMessage", "CannotSend", "Actor" } do
    check.ok(rawequal(resolve("thespian.actors." .. name, name).__class, actors[name]))
  end
end)

check.test("names lead back to the classes", function()
  for _, Class in ipairs {
    require("exports").Work, require("exports").hidden(), require "itself", require("uses").Made,
    require("below").Inner, require("below.deep").Inner, actors.class "Again",
  } do
    check.ok(rawequal(library.resolve(naming.names(Class.__meta)).__class, Class), tostring(Class))
  end
end)

check.test("a module is loaded to find a class", function()
  package.loaded.exports = nil
  local job = instance("exports.Work", "Job")
  job.n = 4
  check.equal(job:twice(), 8)
  package.loaded["below.deep"] = nil
  check.equal(resolve("below.deep.Inner", "Inner").__module, "below.deep")
  package.loaded.itself = nil
  check.equal(resolve("itself", "Anything").__module, "itself")
end)

check.test("a class that cannot be loaded keeps its names and fields", function()
  local packed = core.packNames { "nowhere.Job", "Job" }
  local meta = library.resolve(packed)
  check.equal(actors.typename(setmetatable({ n = 1 }, meta)), "Job")
  check.equal(rawget(meta, "__names"), packed)
  check.equal(rawget(meta, "__thespian"), true)
end)

check.test("what can be loaded of its bases is its base", function()
  local job =
    instance("nowhere.Special", "Special", "nowhere.Middle", "Middle", "exports.Work", "Job")
  job.n = 3
  check.equal(job:twice(), 6)
  check.equal(actors.typename(job), "Special")
  check.ok(actors.isinstance(job, require("exports").Work))
  check.equal(getmetatable(job).__base.__name, "Middle")
end)

check.test("an unknown class whose base is a system message is one", function()
  local base = "thespian.actors.ActorSystemMessage"
  local meta = resolve("nowhere.Stop", "Stop", base, "ActorSystemMessage")
  check.equal(meta.__kind, core.kinds.SYSTEM)
end)

check.test("isinstance tells a class that came by name only by its name", function()
  local job = instance("late.Job", "Job", "late.Base", "Base")
  local Late, Base = actors.class "Job", actors.class "Base"
  check.ok(not actors.isinstance(job, Late))
  package.loaded.late = { Job = Late, Base = Base }
  check.ok(actors.isinstance(job, Late))
  check.ok(actors.isinstance(job, Base))
  package.loaded.late = nil
end)

check.test("a module that breaks gives the class it made before, or the name alone", function()
  check.equal(resolve("breaks.Half", "Half").__module, "breaks")
  check.equal(resolve("breaks.Other", "Other").__foreign, "breaks.Other")
end)

check.test("the program's file is never run again", function()
  check.equal(resolve("test_naming.Never", "Never").__foreign, "test_naming.Never")
end)

check.test("names that are none load nothing", function()
  for _, name in ipairs {
    "", ".", "a..b", ".a", "a.", "../counts.X", "/counts.X", "a\0b.X", "a?.X", "a;b.X",
  } do
    check.equal(resolve(name, "X").__foreign, name)
  end
  check.equal(times, nil)
  resolve("counts.X", "X")
  check.equal(times, 1)
end)

check.test("a long chain of bases travels without its end", function()
  local made
  for number = 200, 1, -1 do made = actors.class("C" .. number, made) end
  local list = names(made)
  check.equal(#list, 256)
  check.same({ list[1], list[2], list[256] }, { "test_naming.C1", "C1", "C128" })
end)

check.test("messages of the library bring their names along", function()
  for _, short in ipairs { "ActorExitRequest", "PoisonMessage", "Thespian_StatusReq" } do
    local made = actors[short]
    check.equal(made.__meta.__names, naming.names(made.__meta))
  end
end)

check.test("every class of an unknown chain is there", function()
  local list = {}
  for number = 1, 128 do
    list[2 * number - 1], list[2 * number] = "nowhere.C" .. number, "C" .. number
  end
  local found, meta = {}, resolve(table.unpack(list))
  while meta do
    found[#found + 1] = meta.__foreign
    found[#found + 1] = meta.__name
    meta = meta.__base
  end
  check.same(found, list)
end)
