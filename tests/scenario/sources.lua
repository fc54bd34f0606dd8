-- sources: bundles are loaded, live side by side, are unloaded; what is no good bundle is refused.

local actors = require "thespian.actors"

-- Loads and unloads from within, and hears of what is loaded.
local Librarian = actors.class("Librarian", actors.Actor)

function Librarian:init() self.heard = {} end

function Librarian:receiveMessage(message, sender)
  if actors.isinstance(message, actors.LoadedSource) then
    table.insert(self.heard, { "loaded", message.sourceHash, message.sourceInfo })
  elseif actors.isinstance(message, actors.UnloadedSource) then
    table.insert(self.heard, { "unloaded", message.sourceHash, message.sourceInfo })
  elseif type(message) == "table" then
    self:obey(message, sender)
  end
  if self.asker and #self.heard >= self.wanted then
    self:send(self.asker, self.heard)
    self.asker, self.heard = nil, {}
  end
end

function Librarian:obey(message, sender)
  if message.load then
    local _, result = pcall(self.loadActorSource, self, message.load)
    self:send(sender, type(result) == "string" and result or tostring(result))
  elseif message.unload then
    self:unloadActorSource(message.unload)
    self:send(sender, "unloaded")
  elseif message.notify ~= nil then
    self:notifyOnSourceAvailability(message.notify)
    self:send(sender, "noted")
  elseif message.hear then
    self.asker, self.wanted = sender, message.hear
  elseif message.create then
    local created = self:createActor(message.create, nil, nil, message.source)
    self:send(sender, created)
  end
end

if actors.main(...) then
  local scenario = require "lib_scenario"
  local check <close> = require "lib_check"
  local asys = scenario.system()

  local function sh(command, ...)
    local quoted = { ... }
    for number, word in ipairs(quoted) do quoted[number] = "'" .. word .. "'" end
    local pipe = assert(io.popen(command:format(table.unpack(quoted))))
    local text = pipe:read("a")
    assert(pipe:close(), command)
    return text
  end

  local function read(path)
    local file <close> = assert(io.open(path, "rb"))
    return file:read("a")
  end

  -- A zip with these files, {[path] = text}, as any zipper makes it; its path.
  local function zip(files)
    local folder = check.folder(files)
    sh("cd %s && zip -q -r bundle.zip . -x bundle.zip", folder)
    return folder .. "/bundle.zip"
  end

  local function load(files) return asys:loadActorSource(zip(files)) end

  local function create(hash, class) return asys:createActor(class or "app.App", nil, nil, hash) end

  local function ask(address, message) return scenario.ask(asys, address, message) end

  -- App does what it is told; all that differs between two of them is the modules beside it.
  local APP = [[
    local actors = require "thespian.actors"
    local version = require "version"
    local Child = actors.class("Child", actors.Actor)
    function Child:receiveMessage(message, sender)
      if message == "version" then return self:send(sender, version.text) end
      if message == "late" then self:send(sender, require("late").text) end
    end
    local App = actors.class("App", actors.Actor)
    function App:receiveMessage(message, sender)
      if type(message) ~= "table" then return Child.receiveMessage(self, message, sender) end
      if message.child then self:send(sender, self:createActor(message.child)) end
      if message.child_object then self:send(sender, self:createActor(Child)) end
      if message.other_object then
        self:send(sender, self:createActor(require("late").Other))
      end
      if message.require then
        local found, module = pcall(require, message.require)
        self:send(sender, found and module.text or tostring(module))
      end
      if message.fail then version.fail() end
      if message.thing then self:send(message.thing, require("thing").Thing(version.text)) end
      if message.text then
        local shown = message.show and message:show()
        self:send(sender, { actors.typename(message), message.text, shown })
      end
    end
    return { App = App, Child = Child }
  ]]

  local function app(text)
    return {
      ["app.lua"] = APP,
      ["version.lua"] = "return { text = '" .. text
        .. "',\n\n  fail = function() error 'on purpose' end }",
      ["late.lua"] = ([[
        local actors = require "thespian.actors"
        local Other = actors.class("Other", actors.Actor)
        function Other:receiveMessage(_, sender) self:send(sender, "other of %s") end
        return { text = "late of %s", Other = Other } ]]):format(text, text),
    }
  end

  -- ---- loading ----------------------------------------------------------------------------------

  check.test("the hash of a source is the SHA-256 of its file, however it is given", function()
    local path = zip(app "hash")
    local hash = sh("sha256sum %s", path):match("^%x+")
    check.equal(#hash, 64)
    check.equal(asys:loadActorSource(path), hash)
    local file <close> = assert(io.open(path, "rb"))
    check.equal(asys:loadActorSource(file), hash)
    local data = read(path)
    check.equal(asys:loadActorSource { read = function() return data end }, hash)
    check.equal(ask(asys:createActor(Librarian), { load = path }), hash)
    check.equal(ask(create(hash), "version"), "hash")
  end)

  check.test("what cannot be read is no source", function()
    local raised = check.raises("/no/such.zip", asys.loadActorSource, asys, "/no/such.zip")
    check.ok(actors.isinstance(raised, actors.ActorSystemException))
    local mute, odd = { read = function() end }, { read = function() return 5 end }
    local closed, broken = io.tmpfile(), { read = function() error "no way" end }
    closed:close()
    check.contains(tostring(check.raises("closed file", asys.loadActorSource, asys, closed)),
      "loadActorSource: :read has failed")
    for _, file in ipairs { false, 17, {}, mute, odd, closed, broken } do
      raised = check.raises("loadActorSource: ", asys.loadActorSource, asys, file)
      check.ok(actors.isinstance(raised, actors.ActorSystemException))
    end
    check.contains(ask(asys:createActor(Librarian), { load = "/no/such" }), "/no/such")
  end)

  check.test("modules are found by their folders, packages by init.lua", function()
    local hash = load {
      ["shop/init.lua"] = [[
        local actors = require "thespian.actors"
        local Clerk = actors.class("Clerk", actors.Actor)
        local name = ...
        function Clerk:receiveMessage(_, sender)
          self:send(sender, { require("shop.parts").text, require("shop.parts.deep").text,
            require("plain").text, name })
        end
        return { Clerk = Clerk } ]],
      ["shop/parts/init.lua"] = "return { text = 'parts' }",
      ["shop/parts/deep.lua"] = "return { text = 'deep' }",
      ["plain.lua"] = "return { text = 'the file' }",
      ["plain/init.lua"] = "return { text = 'the folder' }",
      ["single.lua"] = [[
        local actors = require "thespian.actors"
        local Single = actors.class("Single", actors.Actor)
        function Single:receiveMessage(_, sender) self:send(sender, "single") end
        return Single ]],
      ["notes.txt"] = "not Lua at all (",
    }
    check.same(ask(create(hash, "shop.Clerk"), 1), { "parts", "deep", "the file", "shop" })
    check.equal(ask(create(hash, "single"), 1), "single")
  end)

  -- ---- side by side -----------------------------------------------------------------------------

  check.test("two versions live side by side, and each actor keeps to its own", function()
    local first, second = load(app "one"), load(app "two")
    local one, two = create(first), create(second)
    check.equal(ask(one, "version"), "one")
    check.equal(ask(two, "version"), "two")
    -- Only now do they load this module.
    check.equal(ask(two, "late"), "late of two")
    check.equal(ask(one, "late"), "late of one")
    check.equal(ask(create(first), "late"), "late of one")
  end)

  check.test("children come from the bundle of their parent, however they are named", function()
    local one, two = create(load(app "parent one")), create(load(app "parent two"))
    for address, text in pairs { [one] = "parent one", [two] = "parent two" } do
      check.equal(ask(ask(address, { child = "app.Child" }), "version"), text)
      check.equal(ask(ask(address, { child_object = true }), "version"), text)
      check.equal(ask(ask(address, { child_object = true }), "late"), "late of " .. text)
      check.equal(ask(ask(address, { other_object = true }), 1), "other of " .. text)
      local child = ask(address, { child = "app.App" })
      check.equal(ask(ask(child, { child = "app.Child" }), "late"), "late of " .. text)
    end
  end)

  check.test("bundles never see each other's modules", function()
    local rich = app "rich"
    rich["only_here.lua"] = "return { text = 'only here' }"
    local one, two = create(load(rich)), create(load(app "poor"))
    check.equal(ask(one, { require = "only_here" }), "only here")
    check.contains(ask(two, { require = "only_here" }), "module 'only_here' not found")
    check.contains(ask(two, { require = "only_here" }), "not found")
  end)

  check.test("a bundle comes before the system's own path, which comes after it", function()
    local own = app "own"
    own["lib_scenario.lua"] = "return { text = 'of the bundle' }"
    check.equal(ask(create(load(own)), { require = "lib_scenario" }), "of the bundle")
    -- The folder of this program is on the path of the system that it starts.
    own["lib_scenario.lua"] = nil
    own["version.lua"] = "return { text = type(require('lib_scenario').ask) }"
    check.equal(ask(create(load(own)), "version"), "function")
  end)

  check.test("instances are of the receiver's own class, where it has one", function()
    local function with_thing(text, words)
      local files = app(text)
      files["thing.lua"] = words and ([[
        local actors = require "thespian.actors"
        local Thing = actors.class("Thing")
        function Thing:init(text) self.text = text end
        function Thing:show() return "%s " .. self.text end
        return { Thing = Thing } ]]):format(words)
      return create(load(files))
    end
    local one, two = with_thing("a", "one shows"), with_thing("b", "two shows")
    local none = with_thing "c"
    for sender, text in pairs { [one] = "a", [two] = "b" } do
      asys:tell(sender, { thing = asys.endpointAddress })
      local thing = scenario.listen(asys)
      check.equal(actors.typename(thing), "Thing")
      check.equal(thing.text, text)
      check.same(ask(one, thing), { "Thing", text, "one shows " .. text })
      check.same(ask(two, thing), { "Thing", text, "two shows " .. text })
      check.same(ask(none, thing), { "Thing", text })
    end
  end)

  check.test("classes of one name do not mix between bundles that talk to each other", function()
    local function bundle(version, method)
      local text = ([[
        local actors = require "thespian.actors"
        local Thing = actors.class("Thing")
        function Thing:init(made_by) self.made_by = made_by end
        function Thing:METHOD() return "VERSION shows a thing of " .. self.made_by end
        local Relay = actors.class("Relay", actors.ActorTypeDispatcher)
        function Relay:receiveMsg_Thing(thing, sender)
          local is_own = actors.isinstance(thing, Thing)
          self:send(sender, { answer = { thing:METHOD(), is_own }, thing = thing })
        end
        function Relay:receiveMsg_table(message, sender)
          if message.to then
            self.asker = sender
            return self:send(message.to, Thing("VERSION"))
          end
          local answer, thing = message.answer, message.thing
          answer[3], answer[4] = thing:METHOD(), actors.isinstance(thing, Thing)
          self:send(self.asker, answer)
        end
        return { Relay = Relay, Thing = Thing } ]])
        :gsub("VERSION", version):gsub("METHOD", method)
      return load { ["relay.lua"] = text }
    end
    -- A method that one of them has only, so that the other's class would fail.
    local one = create(bundle("one", "shown"), "relay.Relay")
    local two = create(bundle("two", "told"), "relay.Relay")
    for _ = 1, 3 do
      check.same(ask(one, { to = two }),
        { "two shows a thing of one", true, "one shows a thing of one", true })
      check.same(ask(two, { to = one }),
        { "one shows a thing of two", true, "two shows a thing of two", true })
    end
  end)

  -- ---- unloading --------------------------------------------------------------------------------

  check.test("an unloaded source makes no more actors, and those that run go on", function()
    local hash, other = load(app "gone"), load(app "stays")
    local one = create(hash)
    asys:unloadActorSource(hash)
    local raised = check.raises(hash, create, hash)
    check.ok(actors.isinstance(raised, actors.InvalidActorSourceHash))
    check.equal(ask(one, "version"), "gone")
    check.equal(ask(one, "late"), "late of gone")
    check.equal(ask(create(other), "late"), "late of stays")
    asys:unloadActorSource(hash) -- once more is nothing
    check.equal(ask(asys:createActor(Librarian), { unload = hash }), "unloaded")
    check.equal(ask(create(other), "version"), "stays")
  end)

  check.test("what is loaded again after an unload works as before", function()
    local path = zip(app "again")
    local hash = asys:loadActorSource(path)
    local one = create(hash)
    asys:unloadActorSource(hash)
    check.equal(asys:loadActorSource(path), hash)
    check.equal(ask(create(hash), "late"), "late of again")
    check.equal(ask(one, "late"), "late of again")
  end)

  -- ---- what goes wrong in a bundle --------------------------------------------------------------

  local function place(hash, file, line)
    return ("bundle:%s/%s:%d"):format(hash:sub(1, 8), file, line)
  end

  check.test("a traceback names the bundle, the file and the line", function()
    local files = app "fails"
    local hash = load(files)
    local poison = ask(create(hash), { fail = true })
    check.ok(actors.isinstance(poison, actors.PoisonMessage))
    check.contains(poison.details, place(hash, "version.lua", 3) .. ": on purpose")
    local _, line = APP:match("^(.-)version%.fail"):gsub("\n", "\n")
    check.contains(poison.details, place(hash, "app.lua", line + 1) .. ": in ")
  end)

  check.test("a module that cannot be compiled or loaded is named likewise", function()
    local files = app "broken"
    files["version.lua"] = "local ok = true\nlocal broken = = 5\n"
    local hash = load(files) -- what is in the files shows when it is needed
    local raised = check.raises(place(hash, "version.lua", 2), create, hash)
    check.ok(actors.isinstance(raised, actors.InvalidActorSpecification))
    check.contains(raised, "'='")
    raised = check.raises(place(hash, "version.lua", 2), create, hash, "version.Class")
    check.ok(not tostring(raised):find "traceback", tostring(raised)) -- nothing of the user's ran
    files["version.lua"] = "\n\n\nerror 'not today'"
    hash = load(files)
    check.raises(place(hash, "version.lua", 4) .. ": not today", create, hash)
    files = app "lately broken"
    files["late.lua"] = "return {"
    hash = load(files)
    local one = create(hash)
    check.contains(ask(one, "late").details, place(hash, "late.lua", 1))
    check.equal(ask(one, "version"), "lately broken")
  end)

  check.test("a class that the bundle does not have is named", function()
    local hash = load(app "poor")
    for name, part in pairs { ["app.Missing"] = "Missing", ["missing.App"] = "missing" } do
      local raised = check.raises(part, create, hash, name)
      check.ok(actors.isinstance(raised, actors.InvalidActorSpecification))
    end
  end)

  -- ---- hostile and broken zips ------------------------------------------------------------------

  check.test("hostile and broken zips are refused, with the reason, and nothing changes", function()
    local good = create(load(app "good"))
    local folder = check.folder { ["made"] = "" }
    sh("/usr/bin/python3 %s %s", package.searchpath("lib_scenario", package.path):match("^(.*)/")
      .. "/libzips.py", folder)
    -- Some of each sort; only_zips.sh tries them all.
    for name in ([[text cut_in_half longer quoting two_names link name_up twice_but_case
      checksum_stored data_behind bomb compiled]]):gmatch "%S+" do
      local path = folder .. "/" .. name .. ".zip"
      local loads, raised = pcall(asys.loadActorSource, asys, path)
      check.ok(not loads, name .. " was loaded")
      check.ok(actors.isinstance(raised, actors.ActorSystemException), name)
      check.contains(raised, path .. ": " .. read(folder .. "/" .. name .. ".txt"))
      local hash = sh("sha256sum %s", path):match("^%x+")
      check.raises("InvalidActorSourceHash", create, hash, "good.App")
    end
    local compiled = zip { ["evil.luac"] = "" }
    check.contains(ask(asys:createActor(Librarian), { load = compiled }), compiled .. ": entry")
    check.equal(ask(good, "late"), "late of good")
  end)

  -- ---- actors that load -------------------------------------------------------------------------

  check.test("actors load and unload, and hear of it", function()
    local librarian, other = asys:createActor(Librarian), asys:createActor(Librarian)
    local before = ask(librarian, { load = zip(app "before") })
    check.equal(ask(other, { notify = true }), "noted")
    local path = zip(app "from within")
    local hash = ask(librarian, { load = path })
    local made = ask(librarian, { create = "app.App", source = hash })
    check.equal(ask(made, "version"), "from within")
    check.equal(ask(create(hash), "version"), "from within")
    check.equal(ask(librarian, { unload = hash }), "unloaded")
    -- What is there already is told at once; then what happens, in order.
    local heard, seen = {}, {}
    repeat
      for _, news in ipairs(ask(other, { hear = 1 })) do
        table.insert(heard, news)
        seen[news[1] .. news[2]] = news[3]
      end
    until heard[#heard][1] == "unloaded"
    check.ok(seen["loaded" .. before])
    check.equal(seen["loaded" .. hash], path)
    check.equal(seen["unloaded" .. hash], path)
    check.equal(heard[#heard - 1][2], hash)
    check.equal(ask(other, { notify = false }), "noted")
    ask(librarian, { load = zip(app "unheard") })
    check.equal(ask(other, { notify = true }), "noted") -- tells all again, once each
    seen = {}
    repeat
      for _, news in ipairs(ask(other, { hear = 1 })) do
        check.equal(news[1], "loaded")
        check.equal(seen[news[2]], nil)
        seen[news[2]] = true
      end
    until seen[before]
  end)

  check.test("an actor that comes from no bundle can create from one", function()
    local hash = load(app "given")
    local made = ask(asys:createActor(Librarian), { create = "app.App", source = hash })
    check.equal(ask(ask(made, { child_object = true }), "late"), "late of given")
  end)

  -- ---- the list ---------------------------------------------------------------------------------

  if scenario.base == "multiprocTCPBase" then
    check.test("the command line lists what is loaded", function()
      local function listed(hash)
        local host, port = os.getenv "HOST" or "thespian-host", asys.adminPort
        return sh(host .. " sources --port " .. port):match(hash .. "[^\n]*"),
          sh(host .. " status --json --port " .. port):find(hash, 1, true)
      end
      local path = zip(app "listed")
      local hash = asys:loadActorSource(path)
      local line, in_status = listed(hash)
      check.contains(line, path)
      check.contains(line, "3 files")
      check.ok(in_status)
      asys:unloadActorSource(hash)
      line, in_status = listed(hash)
      check.equal(line, nil)
      check.equal(in_status, nil)
    end)
  end

  asys:shutdown()
end

return { Librarian = Librarian }
