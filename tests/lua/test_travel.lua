-- How a program's code and classes travel to the actors of real systems.
local check <close> = require "lib_check"
local actors = require "thespian.actors"
local core = require "thespian.core"

local byhost = arg[-1] == "run"

local MAIN = [[
  local actors = require "thespian.actors"
  local jobs = require "parts.jobs"
  local Worker = actors.class("Worker", actors.Actor)
  function Worker:receiveMessage(message, sender)
    if message == "loaded" then
      local names = {}
      for name in pairs(package.loaded) do names[#names + 1] = name:match "^thespian%.(.*)" end
      table.sort(names)
      self:send(sender, table.concat(names, " "))
    elseif actors.isinstance(message, jobs.Job) then
      self:send(sender, jobs.Job(message:twice()))
    end
  end
  if actors.main(...) then
    local system = actors.ActorSystem(arg[1], { ["Admin Port"] = 0 })
    local worker = system:createActor(Worker)
    io.write(system:ask(worker, "loaded", 20), "\n")
    io.write(system:ask(worker, jobs.Job(21), 20):twice(), "\n")
    io.write(system:ask(system:createActor "parts.jobs.Clerk", "hi", 20), "\n")
    system:shutdown()
  end
  return { Worker = Worker }
]]
local JOBS = [[
  local actors = require "thespian.actors"
  local Job = actors.class "Job"
  function Job:init(n) self.n = n end
  function Job:twice() return 2 * self.n end
  local Clerk = actors.class("Clerk", actors.Actor)
  function Clerk:receiveMessage(message, sender) self:send(sender, message .. " from a clerk") end
  return { Job = Job, Clerk = Clerk }
]]

local folder = check.folder {
  ["app/main.lua"] = MAIN,
  ["app/parts/jobs.lua"] = JOBS,
  ["zipped/app.zip"] = core.pack { { "main.lua", MAIN }, { "parts/jobs.lua", JOBS } },
}

local run = check.run

for _, base in ipairs { "simpleSystemBase", "multiprocQueueBase", "multiprocTCPBase" } do
  check.test("a program's classes and messages work in actors on " .. base, function()
    local expected = { "actors\n84\nhi from a clerk\n", true }
    check.same({ run(folder .. "/app", "main.lua", base) }, expected)
    if not byhost then return end
    check.same({ run(folder, "app", base) }, expected)
    check.same({ run(folder .. "/zipped", "app.zip", base) }, expected)
  end)
end

check.test("an edited program brings its new code to a system that runs", function()
  local system = actors.ActorSystem("multiprocTCPBase", { ["Admin Port"] = 0 }, nil, true)
  local program = [[
    local actors = require "thespian.actors"
    local Teller = actors.class("Teller", actors.Actor)
    function Teller:receiveMessage(_, sender) self:send(sender, "version " .. %d) end
    if actors.main(...) then
      local system = actors.ActorSystem("multiprocTCPBase", { ["Admin Port"] = tonumber(arg[1]) })
      io.write(system:ask(system:createActor(Teller), "hi", 20), "\n")
    end
    return { Teller = Teller }
  ]]
  local port = tostring(system.adminPort)
  for version = 1, 2 do
    check.write(folder .. "/told/teller.lua", program:format(version))
    local text = check.run(folder .. "/told", "teller.lua", port)
    check.equal(text, "version " .. version .. "\n")
  end
  system:shutdown()
end)

check.test("a program part that is not marked as one is told how", function()
  local where = check.folder {
    ["bare.lua"] = [[
      local actors = require "thespian.actors"
      local Teller = actors.class("Teller", actors.Actor)
      actors.ActorSystem():createActor(Teller)
    ]],
  }
  local text, well = check.run(where, "bare.lua")
  check.ok(not well)
  check.contains(text, "put the file's program part under `if actors.main(...) then`")
  check.contains(text, "bare.lua:3:")
end)

check.test("a class that the program cannot load keeps its names on the way back", function()
  local where = check.folder {
    ["main.lua"] = [[
      local actors = require "thespian.actors"
      local system = actors.ActorSystem()
      local file = assert(io.open "hidden.zip.bytes", "rb")
      local hash = system:loadActorSource(file)
      local keeper = system:createActor("hidden.Keeper", nil, nil, hash)
      local secret = system:ask(keeper, "give", 20)
      io.write(actors.typename(secret), " ", secret.n, " ", tostring(secret.open), "\n")
      io.write(tostring(system:ask(keeper, secret, 20)), "\n")
    ]],
    ["hidden.zip.bytes"] = core.pack {
      { "hidden.lua", [[
        local actors = require "thespian.actors"
        local Secret = actors.class "Secret"
        function Secret:open() return self.n end
        local Keeper = actors.class("Keeper", actors.Actor)
        function Keeper:receiveMessage(message, sender)
          if message == "give" then
            local secret = Secret()
            secret.n = 7
            return self:send(sender, secret)
          end
          self:send(sender, actors.isinstance(message, Secret) and message:open())
        end
        return { Keeper = Keeper, Secret = Secret }
      ]] },
    },
  }
  check.same({ check.run(where, "main.lua") }, { "Secret 7 nil\n7\n", true })
end)
