-- arguments: refuses what users give to methods by mistake. Each error names the method, the
-- argument and what was expected, and begins with the user's line.

local math, rawget, require, tonumber, type = math, rawget, require, tonumber, type

---@class thespian.arguments
local arguments = {}

--- Bytes of a name, as the runtime allows (message/kept.h).
local LONGEST_NAME = 1000

--- Raises an error about the call of a method.
---@param method string
---@param level integer of the line that the error names: 1 is the caller, 2 the caller's caller
---@param words string
---@param kind? string class of the error
function arguments.refuse(method, level, words, kind)
  require("thespian.errors").raise(kind or "ActorSystemException", level + 1,
    method .. ": " .. words)
end

--- A value in the words of an error.
---@param value any
---@return string
function arguments.got(value)
  if type(value) == "string" then
    return #value <= 60 and ("the string %q"):format(value) or "a string of " .. #value .. " bytes"
  end
  return require("thespian.types").typename(value)
end

--- What is wrong with a string as a name; nil for nothing.
---@param text string
---@return string|nil
local function fault(text)
  if text == "" then return "is empty" end
  if #text > LONGEST_NAME then return "is longer than " .. LONGEST_NAME .. " bytes" end
  if not utf8.len(text) then return "is not UTF-8" end
  if text:find "%c" or text:find "\xc2[\x80-\x9f]" then return "has control characters" end
end

--- Refuses what cannot be a name.
---@param value any
---@param method string
---@param what string the argument, as "the name of a capability"
---@param level integer as above
---@param kind? string class of the error
function arguments.name(value, method, what, level, kind)
  if type(value) ~= "string" then
    arguments.refuse(method, level + 1, what .. " is a string, got " .. arguments.got(value), kind)
  end
  local wrong = fault(value)
  if wrong then
    arguments.refuse(method, level + 1,
      ("%s is text; %s %s"):format(what, arguments.got(value), wrong), kind)
  end
end

--- Refuses what cannot be the hash of a source.
---@param value any
---@param method string
---@param level integer as above
---@param kind? string class of the error
function arguments.hash(value, method, level, kind)
  if type(value) == "string" and value ~= "" then return end
  arguments.refuse(method, level + 1,
    "a source hash is a string of hexadecimal digits, got " .. arguments.got(value), kind)
end

--- Where a system can be reached: "host:port", {host, port}, or the address of its admin.
---@alias thespian.SystemPlace string|table|thespian.ActorAddress

--- The place of another system, as "host:port" or an address; refuses what is none.
---@param value any
---@param method string
---@param level integer as above
---@return string|thespian.ActorAddress
function arguments.place(value, method, level)
  if require("thespian.types").typename(value) == "ActorAddress" then return value end
  local host, port = value, nil
  if type(value) == "table" then
    host, port = rawget(value, 1), rawget(value, 2)
  elseif type(value) == "string" then
    host, port = value:match("^([^%s:]+):(%d+)$")
  end
  port = math.tointeger(tonumber(port))
  if type(host) == "string" and host:find("^[^%s:%c]+$") and port and port > 0 and port < 65536 then
    return host .. ":" .. port
  end
  arguments.refuse(method, level + 1,
    'a system is named by "host:port", {host, port} or an actor address, got '
      .. arguments.got(value))
end

--- What start means: true when it is left out.
---@param start any
---@param method string
---@param level integer as above
---@return boolean
function arguments.start(start, method, level)
  if start ~= nil and type(start) ~= "boolean" then
    arguments.refuse(method, level + 1,
      "start is true, false or left out, got " .. arguments.got(start))
  end
  return start ~= false
end

return arguments
