-- logdefs: what a program says about the log of the system that its call starts.

--- One log. Of a handler: what it does not say is as the log definitions say.
---@class thespian.LogSettings
---@field level? string debug, info, warning, error or critical
---@field file? string
---@field format? "text"|"json"

--- With handlers, a list or by name, lines go to them alone, and each line to every one whose level
--- it has; with an empty table, nowhere. No two write to one file.
---@class thespian.LogDefinitions: thespian.LogSettings
---@field handlers? table<string|integer, thespian.LogSettings>

---@class thespian.logdefs
local logdefs = {}

local SETTINGS = { level = true, file = true, format = true }

--- What is wrong with one setting, or nil.
local function setting_mistake(name, key, value, known)
  if not SETTINGS[key] then
    return ("%s: no setting '%s'; there are: %s"):format(name, tostring(key), known)
  elseif type(value) ~= "string" then
    return ("%s.%s is a string, got %s"):format(name, key, type(value))
  elseif value == "" or value:find("\0", 1, true) then
    return ("%s.%s is %s"):format(name, key, value == "" and "empty" or "a string with a zero byte")
  end
end

--- What a handler is called: logDefs.handlers.audit, logDefs.handlers[1].
local function handler_name(key)
  local form = type(key) ~= "string" and "[%s]" or key:find "^[%a_][%w_]*$" and ".%s" or "[%q]"
  return "logDefs.handlers" .. form:format(type(key) == "string" and key or tostring(key))
end

--- What to say where a table was expected.
local function no_table(name, expected, value)
  local words = ("%s is a table %s, got %s"):format(name, expected, type(value))
  if type(value) ~= "function" then return words end
  return words .. "; the system may live in another process, where no function of the program's can "
    .. "be called: give a handler a file and format = \"json\", and have the program read that"
end

local function handler_mistake(name, handler)
  if type(handler) ~= "table" then
    return no_table(name, "{ level =, file =, format = }", handler)
  end
  for key, value in pairs(handler) do
    local words = setting_mistake(name, key, value, "level, file, format")
    if words then return words end
  end
end

local function handlers_mistake(handlers)
  if type(handlers) ~= "table" then
    return no_table("logDefs.handlers", "of handlers { level =, file =, format = }", handlers)
  end
  for key, handler in pairs(handlers) do
    local words = handler_mistake(handler_name(key), handler)
    if words then return words end
  end
end

--- What is wrong with the definitions, or nil. Which levels and formats there are, the core knows.
---@param definitions table
---@return string?
function logdefs.mistake(definitions)
  for key, value in pairs(definitions) do
    local words
    if key == "handlers" then
      words = handlers_mistake(value)
    else
      words = setting_mistake("logDefs", key, value, "level, file, format, handlers")
    end
    if words then return words end
  end
end

--- Numbers first, then names: two runs of a program do the same.
local function comes_before(one, other)
  local is_number, is_other_number = math.type(one.key) ~= nil, math.type(other.key) ~= nil
  if is_number ~= is_other_number then return is_number end
  if is_number then return one.key < other.key end
  return one.name < other.name
end

--- The definitions as the core takes them: the handlers are a list, and know their names.
---@param definitions thespian.LogDefinitions
---@return table
function logdefs.for_core(definitions)
  local log = { level = definitions.level, file = definitions.file, format = definitions.format }
  if not definitions.handlers then return log end
  log.handlers = {}
  for key, handler in pairs(definitions.handlers) do
    log.handlers[#log.handlers + 1] = { key = key, name = handler_name(key), level = handler.level,
      file = handler.file, format = handler.format }
  end
  table.sort(log.handlers, comes_before)
  return log
end

return logdefs
