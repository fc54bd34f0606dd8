-- system: actor systems as programs see them.

local arguments = require "thespian.arguments"
local core = require "thespian.core"
local class = require "thespian.class"
local errors = require "thespian.errors"
local library = require "thespian.library"
local logdefs = require "thespian.logdefs"
local origin = require "thespian.origin"
local period = require "thespian.period"
local program = require "thespian.program"
local sourcefile = require "thespian.sourcefile"
local specification = require "thespian.specification"
local types = require "thespian.types"

---@alias thespian.Base
---| "simpleSystemBase"
---| "multiprocQueueBase"
---| "multiprocTCPBase"
---| "multiprocUDPBase"

---@class thespian.system
local system = {}

--- How long a shutdown may take, in seconds: each of a million actors hears of it.
local SHUTDOWN_TIME = 300

--- An actor system, and this program's endpoint in it.
---@class thespian.ActorSystem: thespian.Class
---@field endpointAddress thespian.ActorAddress the endpoint's own
---@field adminAddress thespian.ActorAddress the admin's
---@field base string
---@field adminPort integer 0 for systems that nobody outside can reach
---@field private _connection table
---@field private _system { down: boolean } shared by all endpoints of one system
local ActorSystem = class.make("ActorSystem", nil, library.NAME)

--- An endpoint of its own on a system, from ActorSystem.private. A `<close>` variable closes it.
---@class thespian.PrivateEndpoint: thespian.ActorSystem
local PrivateEndpoint = class.make("PrivateEndpoint", ActorSystem, library.NAME)

--- The process's system.
---@type thespian.ActorSystem|nil
local current

function ActorSystem:init(connection, shared)
  self._connection = connection
  self._system = shared
  self.endpointAddress = connection:endpoint()
  self.adminAddress = connection:admin()
  self.base = connection:base()
  self.adminPort = connection:port()
end

--- False where a method was called without its system.
local function isendpoint(self) return type(self) == "table" and self._system ~= nil end

---@param self thespian.ActorSystem
local function connection_of(self)
  if not isendpoint(self) then
    errors.raise("ActorSystemException", 3,
      "methods of a system are called on it, with a colon, as in asys:tell(address, message)")
  end
  if self._system.down then
    errors.raise("ActorSystemFailure", 3, "the actor system was shut down")
  end
  if not self._connection then errors.raise("ActorSystemFailure", 3, "the endpoint was closed") end
  return self._connection
end

--- Asks for an actor; the bundle is loaded where it is not known yet.
local function create_from(connection, bundle, name, requirements, global_name)
  local function create()
    return connection:request("CREATE", name, requirements, global_name, bundle.hash)
  end
  local created, result = pcall(create)
  if created then return result end
  if not types.isinstance(result, errors.classes.InvalidActorSourceHash) then error(result, 0) end
  connection:request("LOAD", bundle.zip, bundle.info, true)
  return create()
end

--- Creates an actor and waits until it runs. A class brings its code along. Raises
--- NoCompatibleSystemForActor, InvalidActorSourceHash or InvalidActorSpecification.
---@param specified thespian.Class|string a class, or "module.Class" on the system's own path
---@param requirements? any for the class's actorSystemCapabilityCheck, and its init
---@param globalName? string at most one actor has it; when there is one, its address is the result
---@param sourceHash? string of the loaded source to take it from
---@return thespian.ActorAddress
function ActorSystem:createActor(specified, requirements, globalName, sourceHash)
  local connection = connection_of(self)
  local name, made = specification.read(specified, 2)
  specification.check(globalName, sourceHash, 2)
  local bundle
  if not sourceHash then
    if made then
      bundle = program.bundle(made, 2)
    else
      bundle = program.holding(name)
    end
  end
  if bundle then return create_from(connection, bundle, name, requirements, globalName) end
  return connection:request("CREATE", name, requirements, globalName, sourceHash)
end

--- Sends a message. Raises InvalidActorAddress or CannotSend.
---@param address thespian.ActorAddress
---@param message any
function ActorSystem:tell(address, message) connection_of(self):tell(address, message) end

--- Sends a message and waits for the next message to this endpoint, whoever sends it.
---@param address thespian.ActorAddress
---@param message any
---@param timeout? thespian.Period nil waits for ever
---@return any answer nil when none came
---@return "timeout"|"dead"|nil why "dead": the message became a dead letter
function ActorSystem:ask(address, message, timeout)
  local seconds = period.timeout(timeout, "ask", 2)
  return connection_of(self):ask(address, message, seconds)
end

--- Waits for the next message to this endpoint.
---@param timeout? thespian.Period nil waits for ever
---@return any message nil when none came
---@return "timeout"|nil why
function ActorSystem:listen(timeout)
  local seconds = period.timeout(timeout, "listen", 2)
  local message, sender = connection_of(self):listen(seconds)
  if sender == "timeout" then return nil, sender end
  return message
end

--- Makes an endpoint of its own on this system, so that answers to it and to others do not mix.
---@return thespian.PrivateEndpoint
function ActorSystem:private()
  return PrivateEndpoint(connection_of(self):private(), self._system)
end

--- Sets a capability of the system; with nil removes it.
---@param name string
---@param value? any
function ActorSystem:updateCapability(name, value)
  local connection = connection_of(self)
  arguments.name(name, "updateCapability", "the name of a capability", 2)
  connection:request("CAPABILITY", name, value)
end

--- Loads a bundle. Raises ActorSystemException when it is not a usable one.
---@param file thespian.SourceFile a path, or anything with :read
---@return string hash the SHA-256 of the file
function ActorSystem:loadActorSource(file)
  local connection = connection_of(self)
  local data, info = sourcefile.read(file, 2)
  return connection:request("LOAD", data, info, false)
end

--- Lets no more actors be created from a bundle; those that run stay. Without such a bundle it is
--- nothing.
---@param hash string
function ActorSystem:unloadActorSource(hash)
  local connection = connection_of(self)
  arguments.hash(hash, "unloadActorSource", 2)
  local unloaded, raised = pcall(connection.request, connection, "UNLOAD", hash)
  if unloaded or types.isinstance(raised, errors.classes.InvalidActorSourceHash) then return end
  error(raised, 0)
end

--- Shuts the system down and returns when every actor is gone. Once more is nothing.
function ActorSystem:shutdown()
  if isendpoint(self) and self._system.down then return end
  local connection = connection_of(self)
  connection:shutdown(SHUTDOWN_TIME)
  self._system.down = true
  if current and current._system == self._system then current = nil end
  connection:close()
end

--- Ends this endpoint; messages to it become dead letters. Once more is nothing.
function PrivateEndpoint:close()
  local connection = self._connection
  self._connection = nil
  if connection then connection:close() end
end

PrivateEndpoint.__close = PrivateEndpoint.close

local function check(base, capabilities, log)
  local words
  if base ~= nil and type(base) ~= "string" then
    words = "the base is a name such as \"multiprocTCPBase\", got " .. type(base)
  elseif capabilities ~= nil and type(capabilities) ~= "table" then
    words = "capabilities are a table, got " .. type(capabilities)
  elseif log ~= nil and log ~= false and type(log) ~= "table" then
    words = "logDefs are a table or false, got " .. type(log)
  else
    words = log and logdefs.mistake(log)
  end
  if words then errors.raise("ActorSystemException", 3, "ActorSystem: " .. words) end
end

local function open(base, capabilities, log)
  local folder = core.programFolder() or origin.folder()
  local path = not core.programBundle() and { folder == "" and "." or folder } or nil
  local options = { path = path, log = log and logdefs.for_core(log) }
  return ActorSystem(core.open(base, capabilities, options), { down = false })
end

--- The process's actor system: the same object again, unless another base is named (which then is
--- the process's system from now on) or it was shut down.
---@param base? thespian.Base nil: the one in use, else "simpleSystemBase"
---@param capabilities? table used when this call starts the system
---@param logDefs? thespian.LogDefinitions|false used when this call starts it
---@param transientUnique? boolean true: a system of its own, which later calls do not give again
---@return thespian.ActorSystem
function system.ActorSystem(base, capabilities, logDefs, transientUnique)
  check(base, capabilities, logDefs)
  if transientUnique then return open(base or "simpleSystemBase", capabilities, logDefs) end
  if current and (base == nil or base == current.base) then return current end
  current = open(base or "simpleSystemBase", capabilities, logDefs)
  return current
end

return system
