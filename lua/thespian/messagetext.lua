-- messagetext: system messages for people, and the check of what people give them.

---@class thespian.messagetext
local messagetext = {}

--- The fields of a class in the order in which people read them; nil when it may have any.
local function fields_of(meta)
  if not meta.__fields then return nil end
  local names = {}
  for name in meta.__fields:gmatch("%S+") do names[#names + 1] = name end
  return names
end

--- Refuses what is no table of fields. level is as for error: 1 is the caller.
---@param meta table of the message's class
---@param given any
---@param level integer
function messagetext.check(meta, given, level)
  if type(given) ~= "table" then
    error(("%s takes one table of fields, got %s"):format(meta.__name, type(given)), level + 1)
  end
  local names = fields_of(meta)
  if not names then return end
  for key in next, given do
    local known = false
    for _, name in ipairs(names) do known = known or name == key end
    if not known then
      error(("%s has no field '%s'; it has: %s"):format(meta.__name, tostring(key),
        #names > 0 and table.concat(names, ", ") or "none"), level + 1)
    end
  end
end

--- A field's value; bytes and long text by their size.
local function describe(value)
  if type(value) ~= "string" then return tostring(value) end
  if #value > 200 then return "(" .. #value .. " bytes)" end
  return (("%q"):format(value):gsub("\\\n", "\\n"))
end

local function any_fields(message)
  local names = {}
  for name in next, message do names[#names + 1] = tostring(name) end
  table.sort(names)
  return names
end

--- Which function of thespian.status formats a response.
local STATUS = {
  Thespian_SystemStatusResponse = "system",
  Thespian_ActorStatusResponse = "actor",
}

--- tostring of a system message.
function messagetext.tostring(message)
  local meta = getmetatable(message)
  local name = meta.__name
  local status = STATUS[name]
  if status then return require("thespian.status")[status](message) end
  if name == "PoisonMessage" then -- its details are the text of a traceback
    return "PoisonMessage{" .. describe(message.poisonMessage) .. "}: " .. tostring(message.details)
  end
  local parts = {}
  for number, field in ipairs(fields_of(meta) or any_fields(message)) do
    parts[number] = field .. " = " .. describe(message[field])
  end
  return name .. "{" .. table.concat(parts, ", ") .. "}"
end

return messagetext
