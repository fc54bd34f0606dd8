-- zip: archives in memory, read as strictly as bundles are and written so that they are accepted,
-- for those who make or approve bundles: `require "thespian.zip"`, in actors and in programs.

local packing = require("thespian.core").part "packing"

local math, next, require, tostring, type = math, next, require, tostring, type

---@class thespian.zip
local zip = {}

--- What an archive may be. What is left out is as for a system's bundles, unless its capabilities
--- say otherwise.
---@class thespian.ZipLimits
---@field entries? integer files and folders, 20,000
---@field size? integer bytes of all files together, 64 MiB
---@field ratio? integer how many times larger than the archive that may be, 200
---@field name? integer bytes of one name, 200

local LIMITS = { entries = true, size = true, ratio = true, name = true }

--- level counts from the function that calls this one.
local function refuse(what, level, words)
  require("thespian.errors").raise("ActorSystemException", level + 1, what .. ": " .. words)
end

local function check_limits(limits, what)
  if limits == nil then return {} end
  if type(limits) ~= "table" then refuse(what, 3, "limits are a table, got " .. type(limits)) end
  for name, limit in next, limits do
    if not LIMITS[name] then
      refuse(what, 3, ("there is no limit '%s'; use entries, size, ratio or name"):format(
        tostring(name)))
    end
    if math.type(limit) ~= "integer" or limit < 1 then
      refuse(what, 3, "the limit '" .. name .. "' is no whole number from 1 on")
    end
  end
  return limits
end

--- Reads an archive. Nothing of it is used before all of it has been checked: that it can be read
--- in one way only, its names, sizes and checksums. Folders are left out.
---@param data string
---@param limits? thespian.ZipLimits
---@return table<string, string>|nil files contents by name
---@return string? why the archive is refused, naming the entry
function zip.read(data, limits)
  if type(data) ~= "string" then
    refuse("zip.read", 2, "an archive is a string, got " .. type(data))
  end
  limits = check_limits(limits, "zip.read")
  return packing.readZip(data, limits.entries, limits.size, limits.ratio, limits.name)
end

--- Packs files. Equal files give equal bytes, for one version of zlib. Raises ActorSystemException
--- for files that zip.read would refuse.
---@param files table<string, string> contents by name, "pkg/mod.lua"
---@param limits? thespian.ZipLimits
---@return string archive
function zip.write(files, limits)
  if type(files) ~= "table" then
    refuse("zip.write", 2, "files are a table, contents by name, got " .. type(files))
  end
  for name, data in next, files do
    if type(name) ~= "string" or type(data) ~= "string" then
      refuse("zip.write", 2, ("files are strings by names, got a %s by a %s (%s)"):format(
        type(data), type(name), tostring(name)))
    end
  end
  limits = check_limits(limits, "zip.write")
  return packing.writeZip(files, limits.entries, limits.size, limits.ratio, limits.name)
end

return zip
