-- manifest: what a bundle says of itself, in its file manifest.json: for those who approve bundles,
-- `require "thespian.manifest"`, in actors and in programs.

local packing = require("thespian.core").part "packing"

local os, require, type = os, require, type

---@class thespian.manifest
local manifest = {}

---@class thespian.ManifestActor
---@field class string "module.Class"
---@field name? string the actor's global name
---@field messages { n: integer, [integer]: any } what it is sent first; a null of JSON is nil

---@class thespian.Manifest
---@field name? string
---@field version? string "1.12.0"
---@field notAfter? string a day or a time, as it stands there
---@field lastSecond? integer that it is good for, since 1970
---@field actors thespian.ManifestActor[] to be started when the bundle is loaded

--- level counts from the function that calls this one.
local function refuse(what, level, words)
  require("thespian.errors").raise("ActorSystemException", level + 1, what .. ": " .. words)
end

--- Reads the contents of a manifest.json as strictly as a load does.
---@param json string
---@return thespian.Manifest|nil
---@return string? why it is refused, naming the field
function manifest.read(json)
  if type(json) ~= "string" then
    refuse("manifest.read", 2, "a manifest is a string of JSON, got " .. type(json))
  end
  return packing.readManifest(json)
end

--- Compares versions number by number: "1.10" is newer than "1.9", and the same as "1.10.0". nil,
--- where there is none, is older than any.
---@param left string|nil
---@param right string|nil
---@return integer # less than, equal to or greater than 0
function manifest.compareVersions(left, right)
  local order = packing.compareVersions(left, right)
  if not order then
    refuse("manifest.compareVersions", 2,
      "versions are numbers with dots between, \"1.12.0\", or nil")
  end
  return order
end

--- True when a manifest's notAfter is over.
---@param read thespian.Manifest
---@param now? integer seconds since 1970; left out: os.time()
---@return boolean
function manifest.isExpired(read, now)
  if type(read) ~= "table" then
    refuse("manifest.isExpired", 2, "a manifest is what manifest.read gives, got " .. type(read))
  end
  return read.lastSecond ~= nil and (now or os.time()) > read.lastSecond
end

return manifest
