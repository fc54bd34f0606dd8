-- authority: nothing is loaded that the source authority has not approved, and who waits for it hears
-- what has become of it.

local actors = require "thespian.actors"

-- Judges by the name of the file; does what it is told, too.
local Authority = actors.class("Authority", actors.Actor)

local judgements = {
  approve = function(self, source, admin)
    self:send(admin, actors.ValidatedSource { sourceHash = source.sourceHash,
      sourceZip = source.sourceData, sourceInfo = source.sourceInfo })
  end,
  refuse = function(self, source, admin)
    self:send(admin, actors.ValidatedSource { sourceHash = source.sourceHash })
  end,
  -- What is loaded is the zip, backwards.
  sealed = function(self, source, admin)
    self:send(admin, actors.ValidatedSource { sourceHash = source.sourceHash,
      sourceZip = source.sourceData:reverse(), sourceInfo = "unsealed" })
  end,
  broken = function(self, source, admin)
    self:send(admin, actors.ValidatedSource { sourceHash = source.sourceHash, sourceZip = "PK" })
  end,
  nonsense = function(self, _, admin)
    self:send(admin, actors.ValidatedSource { sourceHash = 7, sourceZip = true })
    self:send(admin, actors.ValidatedSource {})
  end,
  silent = function() end,
}

function Authority:receiveMessage(message, sender)
  if actors.isinstance(message, actors.ValidateSource) then
    self.last, self.admin = message, sender
    local kind = message.sourceInfo:match "(%a+)[^/]*$"
    self.seen = self.seen or {}
    table.insert(self.seen, message.sourceInfo:match "[^/]*$")
    judgements[kind](self, message, sender)
  elseif message == "register" then
    self:registerSourceAuthority()
    self:send(sender, "registered")
  elseif message == "seen" then
    self:send(sender, self.seen or {})
    self.seen = nil
  elseif message.judge then
    judgements[message.judge](self, message.source or self.last, message.admin or self.admin)
    self:send(sender, "judged")
  end
end

if not actors.main(...) then return { Authority = Authority } end

local scenario = require "lib_scenario"
local check <close> = require "lib_check"
local convention = require "lib_convention"
local ask = scenario.ask
local run, ends = convention.run, convention.ends

local function sh(command, ...)
  local pipe <close> = assert(io.popen(command:format(...)))
  return (pipe:read("a"):gsub("\n$", ""))
end

local folder = sh "mktemp -d"
local clean <close> = setmetatable({}, { __close = function() sh("rm -r %s", folder) end })

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function write(path, data)
  local file <close> = assert(io.open(path, "wb"))
  file:write(data)
end

-- A bundle whose actors say words; each has another hash. Gives the path of the file, and its hash.
local function bundle(name)
  write(folder .. "/says.lua", ([[
local actors = require "thespian.actors"
local Says = actors.class("Says", actors.Actor)
function Says:receiveMessage(message, sender)
  if type(message) == "string" then self:send(sender, %q .. " " .. message) end
end
return { Says = Says }
]]):format(name))
  local path = ("%s/%s.zip"):format(folder, name)
  sh("cd %s && zip -q %s says.lua", folder, path)
  return path, (sh("sha256sum %s", path):match "%x+")
end

local function system(capabilities)
  local made = { asys = scenario.system(capabilities), heard = {}, colour = "the system" }
  made.puppet = made.asys:createActor "lib_puppet"
  run(made, made.puppet, "return 0")
  return made
end

local function register(of)
  local authority = of.asys:createActor(Authority)
  check.equal(ask(of.asys, authority, "register"), "registered")
  of.asys:unloadActorSource(("0"):rep(64)) -- answered by the admin, once it knows of the authority
  return authority
end

local function says(of, hash)
  return ask(of.asys, of.asys:createActor("says.Says", nil, nil, hash), "hello")
end

-- Whether it is still pending then or not.
local function refused(of, hash)
  local made, raised = pcall(of.asys.createActor, of.asys, "says.Says", nil, nil, hash)
  check.equal(made, false)
  check.equal(actors.typename(raised), "InvalidActorSourceHash")
  check.ok(tostring(raised):find(hash, 1, true), tostring(raised))
end

-- A child of the puppet's, to which something is sent at once.
local create = [[
local child = self:createActor("says.Says", nil, nil, a)
self:send(child, "one")
self:send(child, "two")
return child]]

local function hears(of, words)
  local heard = convention.listen(of, words, function(message) return message.heard == words end)
  return heard.from
end

check.test("what was loaded before stays; all else goes by the authority", function()
  local here = system()
  local path, hash = bundle "before"
  check.equal(here.asys:loadActorSource(path), hash)
  local authority = register(here)
  check.equal(says(here, hash), "before hello")
  check.equal(here.asys:loadActorSource(path), hash)
  local good, good_hash = bundle "approve"
  check.equal(here.asys:loadActorSource(good), good_hash)
  check.equal(says(here, good_hash), "approve hello")
  local bad, bad_hash = bundle "refuse"
  check.equal(here.asys:loadActorSource(bad), bad_hash)
  refused(here, bad_hash)
  check.equal(table.concat(ask(here.asys, authority, "seen"), " "), "approve.zip refuse.zip")
  -- Again, from the beginning.
  check.equal(here.asys:loadActorSource(bad), bad_hash)
  check.equal(table.concat(ask(here.asys, authority, "seen"), " "), "refuse.zip")
  -- What is loaded by an actor, too.
  local inner, inner_hash = bundle "approve_inner"
  local child = run(here, here.puppet, "local hash = self:loadActorSource(b) " .. create, inner_hash,
    inner)
  check.equal(hears(here, "approve_inner one"), child)
  check.equal(hears(here, "approve_inner two"), child)
  here.asys:shutdown()
end)

check.test("what runs is what the authority sends back", function()
  local here = system()
  register(here)
  local path = bundle "sealed"
  local sealed = read(path):reverse()
  write(path, sealed)
  local hash = sh("sha256sum %s", path):match "%x+"
  check.equal(here.asys:loadActorSource(path), hash)
  check.equal(says(here, hash), "sealed hello")
  local status = ask(here.asys, here.asys.adminAddress, actors.Thespian_StatusReq())
  local info
  for _, source in ipairs(status.sources) do
    if source.hash == hash then info = source.info end
  end
  check.equal(info, "unsealed")
  local broken = bundle "broken"
  refused(here, here.asys:loadActorSource(broken))
  here.asys:shutdown()
end)

check.test("an actor waits for its source, and so does what is sent to it", function()
  local here = system()
  local authority = register(here)
  local path, hash = bundle "silent"
  here.asys:loadActorSource(path)
  local first = run(here, here.puppet, create, hash)
  local second = run(here, here.puppet, create, hash)
  local named = run(here, here.puppet, [[
    local child = self:createActor("says.Says", nil, "the one", a)
    self:send(child, "named")
    return child]], hash)
  -- One of them is asked to exit meanwhile.
  run(here, here.puppet, "self:send(a, actors.ActorExitRequest())", second)
  check.equal(ends(here, second), "exit")
  check.equal(#here.heard, 0)
  check.equal(ask(here.asys, authority, { judge = "approve" }), "judged")
  check.equal(hears(here, "silent one"), first)
  check.equal(hears(here, "silent two"), first)
  check.equal(hears(here, "silent named"), named)
  check.equal(here.asys:createActor("says.Says", nil, "the one", hash), named)
  here.asys:shutdown()
end)

check.test("a refusal reaches parents with its reason, and letters are dead", function()
  local here = system()
  local authority = register(here)
  local path, hash = bundle "silent_refused"
  run(here, here.puppet, "self:handleDeadLetters()")
  local reason
  repeat -- who is born only after the refusal finds that there is no such source
    here.asys:loadActorSource(path)
    local child = run(here, here.puppet, create, hash)
    check.equal(ask(here.asys, authority, { judge = "refuse" }), "judged")
    reason = ends(here, child)
    for _, words in ipairs { "one", "two" } do
      check.equal(convention.hear(here, actors.DeadEnvelope).deadMessage, words)
    end
  until not reason:find("^failed to start: no source with hash")
  check.ok(reason:find("^failed to start: .*the source authority has refused it"), reason)
  here.asys:shutdown()
end)

check.test("silence is a refusal, but a late approval counts", function()
  local here = system { ["Source Validation Time"] = 0.2 }
  local authority = register(here)
  local path, hash = bundle "silent_late"
  local child = run(here, here.puppet, "local hash = self:loadActorSource(b) " .. create, hash, path)
  check.ok(ends(here, child):find "has not approved it in time", "there is another reason")
  refused(here, hash)
  check.equal(ask(here.asys, authority, { judge = "approve" }), "judged")
  check.equal(says(here, hash), "silent_late hello")
  local nonsense, nonsense_hash = bundle "nonsense"
  here.asys:loadActorSource(nonsense)
  refused(here, nonsense_hash)
  here.asys:shutdown()
end)

check.test("the last to register holds the role; what waits goes to it", function()
  local here = system()
  local old = register(here)
  local path, hash = bundle "silent_two"
  here.asys:loadActorSource(path)
  check.equal(table.concat(ask(here.asys, old, "seen"), " "), "silent_two.zip")
  local child = run(here, here.puppet, create, hash)
  local new = register(here)
  check.equal(table.concat(ask(here.asys, new, "seen"), " "), "silent_two.zip")
  check.equal(ask(here.asys, old, { judge = "approve" }), "judged")
  check.equal(ask(here.asys, new, { judge = "refuse" }), "judged")
  check.ok(ends(here, child):find "^failed to start", "the old one's approval counts")
  -- Nor does what others approve.
  here.asys:loadActorSource(path)
  check.equal(table.concat(ask(here.asys, new, "seen"), " "), "silent_two.zip")
  here.asys:tell(here.asys.adminAddress,
    actors.ValidatedSource { sourceHash = hash, sourceZip = read(path) })
  child = run(here, here.puppet, create, hash)
  check.equal(ask(here.asys, new, { judge = "refuse" }), "judged")
  check.ok(ends(here, child):find "^failed to start", "a program's approval counts")
  here.asys:shutdown()
end)

check.test("an authority that is gone lets nothing in, until there is another", function()
  local here = system()
  local authority = register(here)
  here.asys:tell(authority, actors.ActorExitRequest())
  check.equal(select(2, here.asys:ask(authority, "seen", scenario.patience)), "dead")
  local path, hash = bundle "approve_again"
  local loaded, raised = pcall(here.asys.loadActorSource, here.asys, path)
  check.equal(loaded, false)
  check.ok(tostring(raised):find("the source authority .* is gone"), tostring(raised))
  refused(here, hash)
  -- An actor's load says nothing, its child does.
  local child = run(here, here.puppet, "local hash = self:loadActorSource(b) " .. create, hash, path)
  check.ok(ends(here, child):find "^failed to start", "an actor runs that nobody has approved")
  run(here, here.puppet, "self:registerSourceAuthority()")
  run(here, here.puppet, "self:loadActorSource(a)", path)
  local source = convention.hear(here, actors.ValidateSource)
  check.equal(source.sourceData, read(path))
  run(here, here.puppet, "self:send(a, actors.ValidatedSource { sourceHash = b, sourceZip = c })",
    here.asys.adminAddress, source.sourceHash, source.sourceData)
  check.equal(says(here, hash), "approve_again hello")
  here.asys:shutdown()
end)

if scenario.base == "multiprocTCPBase" then
  check.test("a program whose actor is asked to exit before its source is there hears of it", function()
    local here = system()
    register(here)
    local path, hash = bundle "silent_exit"
    here.asys:loadActorSource(path)
    local create <close> = io.popen(("%s create says.Says --source %s --name early --port %d 2>&1"):format(
      os.getenv "HOST" or "thespian-host", hash, here.asys.adminPort))
    local early
    local until_when = actors.monotonic() + scenario.patience
    repeat
      early = ask(here.asys, here.asys.adminAddress, actors.Thespian_StatusReq()).names.early
    until early or actors.monotonic() > until_when
    here.asys:tell(early, actors.ActorExitRequest())
    local words = create:read "a"
    check.ok(words:find("it was asked to exit before its source was there", 1, true), words)
    here.asys:shutdown()
  end)
end

check.test("a system ends while sources and actors wait", function()
  local here = system()
  register(here)
  local path, hash = bundle "silent_end"
  here.asys:loadActorSource(path)
  run(here, here.puppet, create, hash)
  here.asys:shutdown()
end)
