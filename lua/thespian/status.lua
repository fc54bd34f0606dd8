-- status: status responses as text for people. Whatever is missing in a response is left out.

---@class thespian.status
local status = {}

local function sorted(map)
  local keys = {}
  for key in pairs(map or {}) do keys[#keys + 1] = key end
  table.sort(keys, function(one, other) return tostring(one) < tostring(other) end)
  return keys
end

local function describe(value)
  if type(value) ~= "table" or getmetatable(value) then return tostring(value) end
  local parts = {}
  for _, key in ipairs(sorted(value)) do
    local part = describe(value[key])
    parts[#parts + 1] = math.type(key) == "integer" and part or tostring(key) .. " = " .. part
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end

--- A line for each key of a map, below a heading with their number.
local function add_map(lines, heading, map)
  local keys = sorted(map)
  if #keys == 0 then return end
  lines[#lines + 1] = ("  %s [%d]:"):format(heading, #keys)
  for _, key in ipairs(keys) do
    lines[#lines + 1] = ("    %s: %s"):format(tostring(key), describe(map[key]))
  end
end

--- A line for each item of a list.
local function add_list(lines, heading, list, line)
  if not list or #list == 0 then return end
  lines[#lines + 1] = ("  %s [%d]:"):format(heading, #list)
  for _, item in ipairs(list) do lines[#lines + 1] = "    " .. line(item) end
end

local function source_line(source)
  return ("%s  %s  (%s files, %s actors)"):format(tostring(source.hash), tostring(source.info),
    tostring(source.files), tostring(source.actors))
end

local function actor_line(actor)
  local parts = { tostring(actor.address), tostring(actor.class) }
  if actor.name then parts[#parts + 1] = "@" .. tostring(actor.name) end
  if actor.source then parts[#parts + 1] = "source " .. tostring(actor.source):sub(1, 8) end
  parts[#parts + 1] = tostring(actor.state)
  for _, count in ipairs { "waiting", "handled", "failed" } do
    parts[#parts + 1] = tostring(actor[count]) .. " " .. count
  end
  parts[#parts + 1] = tostring(actor.memory) .. " bytes"
  return table.concat(parts, "  ")
end

---@param response thespian.Thespian_SystemStatusResponse|table
---@return string
function status.system(response)
  local function text(key) return tostring(response[key]) end
  local place = response.host and " at " .. text "host" .. ":" .. text "port" or ""
  local lines = {
    ("Status of actor system %s%s, version %s, process %s, up %s s, %s workers%s:"):format(
      text "base", place, text "version", text "pid", text "uptime", text "workers",
      response.shutdown and ", shutting down" or ""),
  }
  add_map(lines, "Capabilities", response.capabilities)
  add_map(lines, "Global names", response.names)
  add_list(lines, "Sources", response.sources, source_line)
  add_list(lines, "Dead letter handlers", response.deadLetterHandlers, tostring)
  add_map(lines, "Counters", response.counters)
  add_list(lines, "Actors", response.actors, actor_line)
  return table.concat(lines, "\n")
end

---@param response thespian.Thespian_ActorStatusResponse|table
---@return string
function status.actor(response)
  local text = "Status of actor " .. actor_line(response)
  if response.parent then text = text .. "\n  Parent: " .. tostring(response.parent) end
  return text
end

return status
