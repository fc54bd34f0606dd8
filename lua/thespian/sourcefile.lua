-- sourcefile: the bytes that loadActorSource is given.

local errors = require "thespian.errors"

---@class thespian.sourcefile
local sourcefile = {}

---@alias thespian.SourceFile string|file*|{ read: fun(self: any, format: string): string? }

local function refuse(level, words)
  errors.raise("ActorSystemException", level + 2, "loadActorSource: " .. words)
end

local function read_path(path, level)
  if path == "" then refuse(level + 1, "the path is empty") end
  local file, why = io.open(path, "rb")
  if not file then refuse(level + 1, tostring(why)) end
  local data, failed = file:read("a")
  file:close()
  if not data then refuse(level + 1, path .. ": " .. tostring(failed)) end
  return data
end

local function isreader(value)
  if type(value) ~= "table" and type(value) ~= "userdata" then return false end
  local found, read = pcall(function() return value.read end)
  return found and read ~= nil
end

--- Reads a file.
---@param file thespian.SourceFile a path, or anything with :read
---@param level integer of the line that an error names: 1 is the caller, 2 the caller's caller
---@return string data
---@return string info where it came from
function sourcefile.read(file, level)
  if type(file) == "string" then return read_path(file, level), file end
  if not isreader(file) then
    refuse(level, "expected a path or something with :read, got " .. type(file))
  end
  local is_read, data, why = pcall(file.read, file, "a")
  if not is_read then refuse(level, ":read has failed: " .. tostring(data)) end
  if type(data) ~= "string" then
    local reason = why and ": " .. tostring(why) or ""
    refuse(level, ":read gave no string but " .. type(data) .. reason)
  end
  return data, type(file) == "table" and type(file.name) == "string" and file.name or "stream"
end

return sourcefile
