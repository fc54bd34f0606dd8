-- origin: the program's own file, and which file a class is made by. For programs; an actor's state
-- knows from the runtime which module it loads.

local core = require "thespian.core"

local getinfo, getlocal = debug.getinfo, debug.getlocal
local require = require

---@class thespian.origin
local origin = {}

--- What Lua calls the chunk of the program's file, and that file; nil for both when there is none.
local source, file

--- The module name of a program's file: its name without folder and .lua, and dots become _.
local function stem(path)
  local name = path:match("[^/]*$"):gsub("%.lua$", ""):gsub("%.", "_")
  return name
end

local function find_program()
  local bundle, folder = core.programBundle(), core.programFolder()
  if bundle then
    file = "bundle:" .. core.sha256(bundle):sub(1, 8) .. "/main.lua" -- as tracebacks name it
  elseif folder then
    file = folder .. "/main.lua"
  elseif type(arg) == "table" and type(arg[0]) == "string" and arg[0] ~= "-" then
    file = arg[0]
  end
  source = file and "@" .. file
end

find_program()

local module = file and stem(file)

--- The name by which the program's file is a module, and the file; nil when it has none (the
--- standard input, the interactive interpreter).
---@return string|nil module, string|nil file
function origin.program() return module, file end

--- The folder that the program's file lies in, with a / at its end, or "" for the current one.
---@return string
function origin.folder() return file and file:match("^(.*/)[^/]*$") or "" end

--- True when the function at level is the program's own file, run as the program and not by
--- require.
---@param level integer 1 is the caller
---@return boolean
function origin.isprogram(level)
  local info = getinfo(level + 1, "S")
  local caller = getinfo(level + 2, "f")
  return info ~= nil and info.what == "main" and info.source == source
    and not (caller and caller.func == require)
end

--- The first function at level or above that is written in Lua, or is require; its level and its
--- info. A chunk that ends in `return actors.class(...)` is no longer there, only the require that
--- ran it.
local function find_code(level)
  level = level + 1
  local info = getinfo(level, "Sf")
  while info and info.what == "C" and info.func ~= require do
    level = level + 1
    info = getinfo(level, "Sf")
  end
  return level - 1, info
end

--- Which module the code at level belongs to: the one that is being loaded, or the program. A class
--- made by a function of another file belongs to the file that is being loaded at that time, since
--- loading that file is what makes it again in an actor's state.
---@param level integer 1 is the caller
---@return string|nil module, string|nil file nil for both when the code is in no file
function origin.find(level)
  local info
  level, info = find_code(level + 1)
  if not info or info.func ~= require and info.source:sub(1, 1) ~= "@" then return nil end
  while info and info.func ~= require do
    level = level + 1
    info = getinfo(level, "f")
  end
  if not info then return module, file end
  -- What require holds while it runs a file: first the name, last the file. (debug.getlocal gives
  -- the values of C functions too.)
  local _, name = getlocal(level, 1)
  local place
  local number = 2
  local held, value = getlocal(level, number)
  while held do
    if type(value) == "string" then place = value end
    number = number + 1
    held, value = getlocal(level, number)
  end
  return name, place
end

return origin
