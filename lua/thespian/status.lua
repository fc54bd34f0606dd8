-- status: status responses as text for people. Whatever is missing in a response is left out.

---@class thespian.status
local status = {}

--- How many actors have a line of their own.
local ACTORS_SHOWN = 200

--- Actors nested deeper are shown at this depth.
local DEPTH_SHOWN = 20

local ENDPOINT = "thespian.Endpoint"

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
  if actor.state then parts[#parts + 1] = tostring(actor.state) end
  for _, count in ipairs { "waiting", "handled", "failed", "restarts" } do
    if actor[count] then parts[#parts + 1] = tostring(actor[count]) .. " " .. count end
  end
  if actor.memory then parts[#parts + 1] = tostring(actor.memory) .. " bytes" end
  if actor.time then parts[#parts + 1] = ("%.3f s"):format(actor.time) end
  return table.concat(parts, "  ")
end

local function age(seconds) return seconds and ("%.1f s ago"):format(seconds) or "never" end

local function leader_line(leader)
  return ("%s  %s  answered %s"):format(tostring(leader.admin or leader.place),
    tostring(leader.state), age(leader.age))
end

local function member_line(member)
  return ("%s  checked in %s  %s"):format(tostring(member.admin or member.place), age(member.age),
    describe(member.capabilities or {}))
end

local function peer_line(peer)
  local seconds = tonumber(peer.isUp and peer.upFor or peer.silentFor) or 0
  local parts = { tostring(peer.admin), ("%s for %.1f s"):format(peer.isUp and "up" or "down", seconds) }
  for _, count in ipairs { "sent", "received", "waiting", "repeated", "connections" } do
    if peer[count] then parts[#parts + 1] = tostring(peer[count]) .. " " .. count end
  end
  return table.concat(parts, "  ")
end

local function add_convention(lines, convention)
  if not convention then return end
  local leader = convention.isLeader and "this system" or convention.leader or "nobody at the moment"
  lines[#lines + 1] = "  Convention led by: " .. tostring(leader)
  add_list(lines, "Leaders", convention.leaders, leader_line)
  add_list(lines, "Members", convention.members, member_line)
end

--- Who stands below whom: the children of each actor in the list, by its address, and those at the
--- top, whose parent is not in the list. Programs are left out.
local function families(list)
  local known, children, top, count = {}, {}, {}, 0
  for _, actor in ipairs(list) do
    if actor.address and actor.class ~= ENDPOINT then known[actor.address] = true end
  end
  for _, actor in ipairs(list) do
    if actor.class ~= ENDPOINT then
      local siblings = top
      if actor.parent and known[actor.parent] and actor.parent ~= actor.address then
        siblings = children[actor.parent] or {}
        children[actor.parent] = siblings
      end
      siblings[#siblings + 1] = actor
      count = count + 1
    end
  end
  return top, children, count
end

--- A line for each actor, below its parent. Without recursion: a chain of actors may be long.
local function add_actors(lines, list)
  local top, children, count = families(list or {})
  if count == 0 then return end
  local shown, level = 0, { { siblings = top, at = 0 } }
  lines[#lines + 1] = ("  Actors [%d]:"):format(count)
  while #level > 0 and shown < ACTORS_SHOWN do
    local current = level[#level]
    current.at = current.at + 1
    local actor = current.siblings[current.at]
    if actor then
      shown = shown + 1
      lines[#lines + 1] = ("  "):rep(1 + math.min(#level, DEPTH_SHOWN)) .. actor_line(actor)
      local below = actor.address and children[actor.address]
      if below then level[#level + 1] = { siblings = below, at = 0 } end
    else
      level[#level] = nil
    end
  end
  if shown < count then lines[#lines + 1] = ("    ... %d more"):format(count - shown) end
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
  add_convention(lines, response.convention)
  add_list(lines, "Links", response.peers, peer_line)
  add_map(lines, "Counters", response.counters)
  add_actors(lines, response.actors)
  return table.concat(lines, "\n")
end

---@param response thespian.Thespian_ActorStatusResponse|table
---@return string
function status.actor(response)
  local lines = { "Status of actor " .. actor_line(response) }
  if response.parent then lines[#lines + 1] = "  Parent: " .. tostring(response.parent) end
  if response.alias and response.alias ~= response.address then
    lines[#lines + 1] = "  Alias: " .. tostring(response.alias)
  end
  add_list(lines, "Children", response.children, tostring)
  if response.wakeups and response.wakeups > 0 then
    lines[#lines + 1] = "  Wakeups to come: " .. tostring(response.wakeups)
  end
  return table.concat(lines, "\n")
end

return status
