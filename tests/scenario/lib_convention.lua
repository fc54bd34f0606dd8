-- lib_convention: what stories with several systems share. Their actors are puppets (lib_puppet).

local actors = require "thespian.actors"
local Puppet = require "lib_puppet"

local convention = {}

--- How long a story waits for what must come: a hang is a failure, not a timing.
convention.patience = 60

--- Seconds between check-ins where systems are to be lost: after three of them.
convention.period = os.getenv "TH_SANITIZED" and 1 or 0.3

-- ---- systems --------------------------------------------------------------------------------------

local guards = {}

--- A story that fails half-way must not leave a process behind.
local function guard(asys)
  table.insert(guards, setmetatable({}, { __gc = function() pcall(asys.shutdown, asys) end }))
end

--- A system that is told of with its process and what it has said that nobody has asked for yet.
function convention.system(base, colour, places, more, log)
  local capabilities = { ["Admin Port"] = 0, Colour = colour,
    ["Convention Check-in Period"] = convention.period, ["Convention Address.IPv4"] = places }
  for name, value in pairs(more or {}) do capabilities[name] = value end
  local asys = actors.ActorSystem(base, capabilities, log or false, true)
  guard(asys)
  local status = asys:ask(asys.adminAddress, actors.Thespian_StatusReq(), convention.patience)
  return { asys = asys, pid = status.pid, place = "127.0.0.1:" .. asys.adminPort,
    port = asys.adminPort, admin = asys.adminAddress, heard = {}, colour = colour }
end

--- True when the process is no more, or a zombie alone: while other threads of it end, its port is
--- still taken.
local function is_gone(pid)
  local file <close> = io.open(("/proc/%d/status"):format(pid))
  local status = file and file:read "a" or ""
  return status == "" or status:find "State:\tZ.*Threads:\t1\n" ~= nil
end

--- Sends a signal; returns when a process that it ends is no more, so that its port is free.
function convention.kill(system, signal)
  assert(os.execute(("kill -%s %d"):format(signal or "KILL", system.pid)))
  if signal then return end
  while not is_gone(system.pid) do os.execute "sleep 0.01" end
end

-- ---- what is said ---------------------------------------------------------------------------------

local function take(system, is_wanted)
  for index, message in ipairs(system.heard) do
    if is_wanted(message) then return table.remove(system.heard, index) end
  end
end

--- The next message that is wanted; others are kept for later.
function convention.listen(system, what, is_wanted)
  local found = take(system, is_wanted)
  local until_when = actors.monotonic() + convention.patience
  while not found do
    local message, why = system.asys:listen(until_when - actors.monotonic())
    if why then error(("%s hears nothing of %s: %s"):format(system.colour, what, why), 2) end
    table.insert(system.heard, message)
    found = take(system, is_wanted)
  end
  return found
end

local function is_result(message) return message.heard == nil end

--- Has a puppet run code with arguments (a, b, c), and gives what that returns.
function convention.run(system, puppet, code, ...)
  system.asys:tell(puppet, { code = code, ... })
  return convention.listen(system, code, is_result).result
end

--- What a puppet has heard that is an instance of a class, for which is_wanted is true.
function convention.hear(system, class, is_wanted)
  return convention.listen(system, class.name, function(message)
    return message.heard ~= nil and actors.isinstance(message.heard, class) and
      (is_wanted == nil or is_wanted(message.heard, message))
  end).heard
end

--- Waits until the system's puppet has heard of the end of its child; gives the reason.
function convention.ends(system, child)
  return convention.hear(system, actors.ChildActorExited, function(heard)
    return heard.childAddress == child
  end).reason
end

--- A puppet that hears of systems, whose updates convention.joins and leaves take.
function convention.watch(system)
  system.watcher = system.asys:createActor(Puppet)
  convention.run(system, system.watcher, "self:notifyOnSystemRegistrationChanges()")
end

local function update(system, other, added)
  return convention.hear(system, actors.ActorSystemConventionUpdate, function(heard)
    return heard.remoteAdminAddress == other.admin and heard.remoteAdded == added
  end)
end

function convention.joins(system, other) return update(system, other, true) end
function convention.leaves(system, other) return update(system, other, false) end

--- A leader, which is watched, and two members that have joined.
function convention.three(base)
  local red = convention.system(base, "red")
  convention.watch(red)
  local members = {}
  for i, colour in ipairs { "green", "blue" } do
    members[i] = convention.system(base, colour, red.place)
    convention.joins(red, members[i])
  end
  return red, table.unpack(members)
end

return convention
