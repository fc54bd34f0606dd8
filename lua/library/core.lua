---@meta thespian.core

-- core: the C module below the Lua library (bindings/), for editors. Programs use thespian.actors
-- instead.

---@alias thespian.core.Kind
---| "EXIT_REQUEST"
---| "CHILD_EXITED"
---| "POISON"
---| "DEAD_ENVELOPE"
---| "WAKEUP"
---| "SYSTEM"
---| "STATUS_REQUEST"

---@class thespian.core
---@field actor boolean true in an actor's state, false in a program's
---@field version string
---@field loaded table<string, any> what require has loaded, as package.loaded
---@field kinds table<thespian.core.Kind, integer> the kinds of message/message.h that classes have
local core = {}

-- ---- in every state -----------------------------------------------------------------------------

--- Packs the names of a class and its bases, as instances carry them.
---@param names string[] qualified, short, base's qualified, base's short, ...
---@return string
function core.packNames(names) end

---@param packed string
---@return string[]
function core.unpackNames(packed) end

--- Sets what makes the instances that C raises.
---@param make fun(className: string, words: string): any
function core.setRaise(make) end

---@param value any
---@return boolean
function core.isAddress(value) end

--- Seconds on a clock that never goes back.
---@return number
function core.monotonic() end

--- What few states need, so that not each of them holds it.
---@param name "packing"|"crypto" the functions of thespian.crypto are documented there
---@return thespian.core.Packing|table<string, function>
function core.part(name) end

---@class thespian.core.Packing
local Packing = {}

--- The files of a zip by their names; nil and why for one that is not as strict as bundles are, or
--- past the limits. A limit that is 0 or nil is as usual for bundles.
---@param zip string
---@param entries? integer
---@param size? integer bytes of all files together
---@param ratio? integer of that to the size of the zip
---@param name? integer bytes
---@return table<string, string>|nil
---@return string? why
function Packing.readZip(zip, entries, size, ratio, name) end

--- Packs files as a zip that readZip takes; raises why that cannot be. Equal files give equal bytes.
---@param files table<string, string> contents by name
---@param entries? integer
---@param size? integer
---@param ratio? integer
---@param name? integer
---@return string zip
function Packing.writeZip(files, entries, size, ratio, name) end

--- Compiles the Lua files of a bundle; raises the place of a syntax error.
---@param zip string
---@param keepDebug boolean whether errors are to tell file and line
---@return string zip
function Packing.compile(zip, keepDebug) end

--- The contents of a manifest.json; nil and why for one that a load would refuse.
---@param json string
---@return thespian.Manifest|nil
---@return string? why
function Packing.readManifest(json) end

--- How two versions of manifests compare, as integers to 0; nil where one is neither a version nor
--- nil, which is older than any.
---@param left string|nil
---@param right string|nil
---@return integer|nil
function Packing.compareVersions(left, right) end

-- ---- in actors' states --------------------------------------------------------------------------

--- Notes that the actor needed a part of the library, "module" or "module key", which images of its
--- class have from now on.
---@param part string
function core.notePart(part) end

--- The words and a traceback of the caller, without the library's own functions; the words alone
--- where there are no others. In actors' states.
---@param words string
---@return string
function core.traceback(words) end

--- Sends a message; raises InvalidActorAddress or CannotSend. It is Actor.send as it is.
---@param self thespian.Actor
---@param address thespian.ActorAddress
---@param message any
function core.send(self, address, message) end

--- Sends a message as send does, but is never held for room in the receiver's mailbox: for what
--- the library itself says, which others may wait for.
---@param address thespian.ActorAddress
---@param message any
function core.post(address, message) end

--- Keeps the message that is being handled for later: it is not concluded when its handler ends,
--- but by done or giveBack, and counts until then as waiting in the actor's mailbox. One whose
--- handler fails is not kept. When the actor exits what waits becomes dead letters; after a restart
--- all of it is delivered again. The message is kept as it came, outside the actor's memory.
---@return integer number the same when called again for the same message
function core.keep() end

--- A message that is kept, decoded anew; nothing where there is none of that number.
---@param number integer
---@return thespian.ActorAddress|nil sender
---@return any message
function core.kept(number) end

--- A message that is kept is somebody else's to handle now, or waits again. What is lent holds no
--- senders, and is no dead letter when the actor exits.
---@param number integer
---@param lent boolean
function core.lend(number, lent) end

--- A message that was kept has been handled.
---@param number integer
function core.done(number) end

--- A message that was kept goes back to its sender as PoisonMessage, unless it is of a kind that
--- does not.
---@param number integer
---@param details string
function core.giveBack(number, details) end

---@param class string qualified name
---@param requirements? any
---@param globalName? string
---@param sourceHash? string
---@return thespian.ActorAddress
function core.createActor(class, requirements, globalName, sourceHash) end

--- Delivers WakeupMessage{delayPeriod = period, payload = payload} to this actor.
---@param seconds number
---@param period any
---@param payload any
function core.wakeup(seconds, period, payload) end

---@param start boolean
function core.handleDeadLetters(start) end

---@param start boolean
function core.notifySources(start) end

---@param start boolean
function core.notifySystems(start) end

--- Raises InvalidActorAddress for a host that nobody knows.
---@param place string|thespian.ActorAddress "host:port", or the address of an admin
---@param capabilities table
function core.preRegister(place, capabilities) end

---@param place string|thespian.ActorAddress
function core.deRegister(place) end

function core.shutdown() end

--- Raises ActorSystemException for what is not a usable bundle.
---@param zip string
---@param info string
---@return string hash
function core.loadSource(zip, info) end

---@param hash string
function core.unloadSource(hash) end

---@param name string
---@param value any nil removes
function core.updateCapability(name, value) end

---@param level integer 0 debug, 1 info, 2 warning, 3 error, 4 critical
---@param name string? of the logger
---@param text string
function core.log(level, name, text) end

---@param level integer
---@return boolean wanted whether a line of that level would be written
function core.logs(level) end

-- ---- in programs' states ------------------------------------------------------------------------

---@class thespian.core.LogSettings
---@field file? string
---@field level? string
---@field format? string

---@class thespian.core.LogHandler: thespian.core.LogSettings
---@field name? string what errors call it

---@class thespian.core.Log: thespian.core.LogSettings
---@field handlers? thespian.core.LogHandler[]

--- Starts a system of that base, or connects to the one that runs.
---@param base string
---@param capabilities? table
---@param options? { path?: string[], host?: string, log?: thespian.core.Log|false }
---@return thespian.core.Connection
function core.open(base, capabilities, options) end

--- Makes a zip; equal entries give equal bytes.
---@param entries { [1]: string, [2]: string }[] name and data of each
---@return string zip
function core.pack(entries) end

---@param data string
---@return string # 64 hexadecimal digits
function core.sha256(data) end

--- The zip that `thespian-host run` runs.
---@return string|nil
function core.programBundle() end

--- The folder that `thespian-host run` runs.
---@return string|nil
function core.programFolder() end

--- What is C, for the files of these names.
---@return thespian.class
function core.openClass() end

---@return thespian.Actor
function core.openActor() end

---@return thespian.actors
function core.openActors() end

---@class thespian.core.Connection
local Connection = {}

--- Asks the admin for an operation of message/protocol.h; raises what it answers as an error.
---@param operation string such as "CREATE"
---@param ... any its arguments in order
---@return any
function Connection:request(operation, ...) end

---@param address thespian.ActorAddress
---@param message any
function Connection:tell(address, message) end

---@param address thespian.ActorAddress
---@param message any
---@param timeout? number seconds
---@return any answer
---@return "timeout"|"dead"|nil why
function Connection:ask(address, message, timeout) end

---@param timeout? number seconds
---@return any message
---@return thespian.ActorAddress|"timeout" sender
function Connection:listen(timeout) end

--- Another endpoint on the same system.
---@return thespian.core.Connection
function Connection:private() end

--- Shuts the system down, and returns when every actor is gone.
---@param timeout? number seconds
function Connection:shutdown(timeout) end

function Connection:close() end

---@return thespian.ActorAddress
function Connection:endpoint() end

---@return thespian.ActorAddress
function Connection:admin() end

---@return string
function Connection:base() end

---@return integer # 0 where nobody outside can reach the system
function Connection:port() end

---@return integer # of the process that the system lives in
function Connection:pid() end

return core
