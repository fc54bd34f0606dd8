-- compiling: bundles whose Lua is compiled before they travel.

local core = require "thespian.core"
local errors = require "thespian.errors"

---@class thespian.compiling
local compiling = {}

--- What compileSource may be told.
---@class thespian.CompileOptions
---@field keepDebug? boolean errors and tracebacks still name file and line

--- level counts from the function that calls this one.
local function refuse(level, words)
  errors.raise("ActorSystemException", level + 1, "compileSource: " .. words)
end

local function check(options)
  if options == nil then return {} end
  if type(options) ~= "table" then refuse(3, "options are a table, got " .. type(options)) end
  for name, value in next, options do
    if name ~= "keepDebug" then
      refuse(3, "there is no option '" .. tostring(name) .. "'; use keepDebug")
    end
    if type(value) ~= "boolean" then
      refuse(3, "the option 'keepDebug' is true or false, got " .. type(value))
    end
  end
  return options
end

--- Compiles every .lua file of a bundle to .luac, without what tells lines unless that is to be
--- kept. Only a source that a source authority validated may be loaded so. Raises
--- ActorSystemException for what is no bundle, and with file and line for a syntax error.
---@param zip string the bytes of a bundle
---@param options? thespian.CompileOptions
---@return string zip
function compiling.compileSource(zip, options)
  if type(zip) ~= "string" then
    refuse(2, "a bundle is a string of its bytes, got " .. type(zip))
  end
  return core.part("packing").compile(zip, check(options).keepDebug == true)
end

return compiling
