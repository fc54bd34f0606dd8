-- authority: a source authority that lets in what enough of the right people have signed.
--
-- `thespian-host start --trust KEYFILE` runs it; a program may as well, before anything else is loaded:
--
--     asys:createActor("thespian.authority.Authority", { trust = { "release.pub" } })
--
-- A bundle is taken when it is signed by enough of the trusted keys, its manifest, if there is one, is
-- not past its notAfter, and its version is not older than the newest that was taken under its name.
-- The signature is of every byte. A bundle that says neither name nor version may be loaded again when
-- it is old: only who states a version is safe from that.

local actors = require "thespian.actors"

local error, io, ipairs, math, os, pairs, pcall, require, table, tostring, type =
  error, io, ipairs, math, os, pairs, pcall, require, table, tostring, type

---@class thespian.AuthorityConfig what createActor gives as requirements
---@field trust string[] files of public keys, of minisign or `thespian-host keygen`
---@field count? integer how many of them must have signed; 1 where it is left out
---@field keys? string[] files of encryption keys, for bundles that are encrypted
---@field state? string a file where the newest versions are kept; without one they are known as long as the actor lives

---@class thespian.Authority: thespian.Actor
local Authority = actors.class("Authority", actors.Actor)

-- ---- its configuration ---------------------------------------------------------------------------

local function read_file(path)
  local file, why, number = io.open(path, "rb")
  if not file then return nil, why, number end
  local text = file:read "a"
  file:close()
  return text
end

local function read_key(path, kind, what)
  local crypto = require "thespian.crypto"
  local text, why = read_file(path)
  if not text then error("no " .. what .. ": " .. why, 0) end
  local is_key, key = pcall(crypto.readKey, text)
  if not is_key then error(("%s is no %s: %s"):format(path, what, tostring(key)), 0) end
  if key.kind ~= kind then
    error(("%s is no %s: it holds a key of another kind (%s)"):format(path, what, key.kind), 0)
  end
  return key
end

local function read_keys(paths, kind, what)
  local keys = {}
  for index, path in ipairs(paths or {}) do keys[index] = read_key(path, kind, what) end
  return keys
end

local function check(config)
  if type(config) ~= "table" or type(config.trust) ~= "table" or #config.trust == 0 then
    error("a source authority needs at least one key to trust: { trust = { \"release.pub\" } }", 0)
  end
  local count = config.count or 1
  if math.type(count) ~= "integer" or count < 1 or count > #config.trust then
    error(("%s of %d trusted keys cannot sign a bundle: count is from 1 to %d")
      :format(tostring(count), #config.trust, #config.trust), 0)
  end
end

function Authority:init(_, config)
  check(config)
  self.trusted = read_keys(config.trust, "public", "public key")
  self.keys = read_keys(config.keys, "encryption", "encryption key")
  self.count = config.count or 1
  self.state = config.state
  self.newest = self:readState()
  self.log = self:logger()
  self:registerSourceAuthority()
end

-- ---- the newest versions: "name TAB version" in each line ---------------------------------------

local ENOENT = 2

function Authority:readState()
  local newest = {}
  if not self.state then return newest end
  local text, why, number = read_file(self.state)
  if not text and number ~= ENOENT then error("the newest versions cannot be read: " .. why, 0) end
  -- Another file would be taken for none, and lost when the first version is kept in its place.
  local rest = (text or ""):gsub("([^\t\n]+)\t([^\t\n]+)\n", function(name, version)
    newest[name] = version
    return ""
  end)
  if rest ~= "" then
    error(("%s holds no list of newest versions, and is left as it is; name another file, or move "
      .. "it away to begin a new list"):format(self.state), 0)
  end
  return newest
end

-- In the place of the file at once, so that a crash leaves the old one or the new.
function Authority:writeState()
  if not self.state then return end
  local lines, path = {}, self.state .. ".new"
  for name, version in pairs(self.newest) do
    table.insert(lines, ("%s\t%s\n"):format(name, version))
  end
  table.sort(lines)
  local file, why = io.open(path, "wb")
  local is_written = file and file:write(table.concat(lines)) and file:close()
  if is_written then is_written, why = os.rename(path, self.state) end
  if not is_written then error("the newest versions cannot be kept: " .. tostring(why), 0) end
end

-- ---- judging ------------------------------------------------------------------------------------

local function read_manifest(zip)
  local files, why = require("thespian.zip").read(zip)
  if not files then return nil, why end
  if not files["manifest.json"] then return {} end
  return require("thespian.manifest").read(files["manifest.json"])
end

-- nil, or why what the manifest says is not taken.
function Authority:object(read)
  local manifest = require "thespian.manifest"
  if manifest.isExpired(read) then
    return ("it was good until %s, which is over"):format(read.notAfter)
  end
  local newest = read.name and self.newest[read.name]
  if newest and manifest.compareVersions(read.version, newest) < 0 then
    return ("it is version %s of %s, and %s was here already"):format(read.version or "none",
      read.name, newest)
  end
end

function Authority:note(read)
  local manifest = require "thespian.manifest"
  if not read.name or not read.version then return end
  if manifest.compareVersions(read.version, self.newest[read.name]) <= 0 then return end
  local before = self.newest[read.name]
  self.newest[read.name] = read.version
  local is_kept, why = pcall(self.writeState, self)
  if is_kept then return end
  self.newest[read.name] = before
  error(why, 0)
end

--- The zip that may run; nil and why not.
function Authority:judge(data)
  local zip, opened = require("thespian.crypto").open(data,
    { trusted = self.trusted, count = self.count, keys = self.keys })
  if not zip then return nil, opened end
  local read, why = read_manifest(zip)
  why = why or self:object(read)
  if why then return nil, why end
  local is_noted
  is_noted, why = pcall(self.note, self, read)
  if not is_noted then return nil, tostring(why) end
  return zip
end

function Authority:receiveMessage(message, sender)
  if not actors.isinstance(message, actors.ValidateSource) then return end
  local zip, why = self:judge(message.sourceData)
  if zip then
    self.log:info("source %s (%s) is approved", message.sourceHash, message.sourceInfo)
  else
    self.log:warning("source %s (%s) is refused: %s", message.sourceHash, message.sourceInfo, why)
  end
  self:send(sender, actors.ValidatedSource { sourceHash = message.sourceHash, sourceZip = zip,
    sourceInfo = zip and message.sourceInfo or why })
end

return { Authority = Authority }
