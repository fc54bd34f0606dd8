-- program: the bundle that a class given as an object brings along: the file that defines it, and
-- the program's other modules from the same folder.
--
-- Which modules those are is found in three ways: literal names after require (and class names
-- after createActor) in files that already belong to it, the modules that the program has loaded,
-- and the bases of the class. Of each only what lies below the folder from which the class's module
-- name leads to its file, or below the program's own folder, goes along: what is installed is the
-- other system's affair. Files are read anew each time, so what travels is what stands there now.

local core = require "thespian.core"
local errors = require "thespian.errors"
local finding = require "thespian.finding"
local library = require "thespian.library"
local naming = require "thespian.naming"
local origin = require "thespian.origin"

---@class thespian.program
local program = {}

---@class thespian.ImplicitBundle
---@field zip string
---@field hash string
---@field info string where it came from

--- What the files of earlier bundles held: path -> {data =, names = what it requires}.
local files = {}

--- The last bundle of each module: module -> {entries =, bundle =}.
local bundles = {}

--- The program's own zip, once it was asked for.
---@type thespian.ImplicitBundle|nil
local itself

-- ---- what a file needs --------------------------------------------------------------------------

--- Before the literal: require "x", require("x"), require [[x]], pcall(require, "x"); createActor
--- likewise.
local BEFORE = { "%f[%w_]require%s*[%(,]?%s*", "%f[%w_]createActor%s*%(?%s*" }

local function add_literals(names, text, before)
  for _, name in text:gmatch(before .. "([\"'])([^\"'\n]+)%1") do names[#names + 1] = name end
  for _, name in text:gmatch(before .. "%[(=*)%[([^%]\n]+)%]%1%]") do names[#names + 1] = name end
end

--- The names of modules, or of classes in them, that a source text mentions as needed.
local function needs(text)
  local names = {}
  for _, before in ipairs(BEFORE) do add_literals(names, text, before) end
  for number = 1, #names do -- the module of "module.Class"
    names[#names + 1] = names[number]:match("^(.+)%.[^.]+$")
  end
  return names
end

--- What loaders of files leave out: a byte order mark, and a first line that begins with #.
local function without_preamble(text)
  return (text:gsub("^\xef\xbb\xbf", ""):gsub("^#[^\n]*", ""))
end

--- A file's text and what it needs; nil when there is no such file.
local function read(path)
  local file = io.open(path, "rb")
  local data = file and file:read("a") -- nil for a folder
  if file then file:close() end
  if not data then return nil end
  local known = files[path]
  if not known or known.raw ~= data then
    local text = without_preamble(data)
    known = { raw = data, data = text, names = needs(text) }
    files[path] = known
  end
  return known
end

-- ---- which files go along -----------------------------------------------------------------------

--- The paths of a module below a folder, as they are in a bundle.
local function paths_of(module)
  local path = module:gsub("%.", "/")
  return path .. ".lua", path .. "/init.lua"
end

--- The folder from which the module's name leads to the file, with a / at its end ("" is the
--- current one), and the file's path from there. A file whose name says something else lies in its
--- own folder.
local function root_of(module, place)
  for _, path in ipairs { paths_of(module) } do
    if place == path then return "", path end
    if place:sub(-#path - 1) == "/" .. path then return place:sub(1, -#path - 1), path end
  end
  return place:match("^(.*/)[^/]*$") or "", (paths_of(module))
end

---@class thespian.Collection
---@field roots string[]
---@field entries { [1]: string, [2]: string }[] {path in the bundle, text}
---@field taken table<string, boolean> modules looked up so far
---@field queue string[] modules to look up

local function take(collection, path, file)
  collection.entries[#collection.entries + 1] = { path, file.data }
  table.move(file.names, 1, #file.names, #collection.queue + 1, collection.queue)
end

--- Takes the file of a module from the first folder that has it.
local function take_module(collection, module)
  if collection.taken[module] then return end
  collection.taken[module] = true
  if naming.iseverywhere(module) or not finding.isname(module) then return end
  for _, root in ipairs(collection.roots) do
    for _, path in ipairs { paths_of(module) } do
      local file = read(root .. path)
      if file then return take(collection, path, file) end
    end
  end
end

--- Takes a module whose file is known; its name need not lead there. False when it cannot be read.
local function take_file(collection, module, place)
  local file = read(place)
  if not file then return false end
  if not collection.taken[module] then
    local _, path = root_of(module, place)
    collection.taken[module] = true
    take(collection, path, file)
  end
  return true
end

--- The program's file goes along when it says which part of it is the program: else loading it as a
--- module would run the program again.
local function take_program(collection)
  local module, place = origin.program()
  local file = module and not collection.taken[module] and read(place)
  if file and file.data:find("%f[%w_]main%s*%(%s*%.%.%.%s*%)") then
    take_file(collection, module, place)
  end
end

local function collect(module, place)
  local roots = { (root_of(module, place)) }
  if origin.folder() ~= roots[1] then roots[2] = origin.folder() end
  local collection = { roots = roots, entries = {}, taken = {}, queue = {} }
  if not take_file(collection, module, place) then return nil end
  take_program(collection)
  for name in pairs(package.loaded) do
    if type(name) == "string" then collection.queue[#collection.queue + 1] = name end
  end
  return collection
end

--- Every file that goes along, by path; nil when the class's own cannot be read.
local function entries_of(module, place, bases)
  local collection = collect(module, place)
  if not collection then return nil end
  table.move(bases, 1, #bases, #collection.queue + 1, collection.queue)
  while #collection.queue > 0 do take_module(collection, table.remove(collection.queue)) end
  table.sort(collection.entries, function(one, other) return one[1] < other[1] end)
  return collection.entries
end

-- ---- bundles ------------------------------------------------------------------------------------

local function same(one, other)
  if #one ~= #other then return false end
  for number, entry in ipairs(one) do
    if entry[1] ~= other[number][1] or entry[2] ~= other[number][2] then return false end
  end
  return true
end

--- The modules of the classes that a class derives from.
local function bases_of(made)
  local modules = {}
  local meta = made.__meta.__base
  while meta do
    local module = meta.__module
    if module and module ~= library.NAME then modules[#modules + 1] = module end
    meta = meta.__base
  end
  return modules
end

---@param zip string
---@return thespian.ImplicitBundle
local function bundle_of(zip, info)
  return { zip = zip, hash = core.sha256(zip), info = info }
end

local function refuse(made, level)
  errors.raise("InvalidActorSpecification", level + 2,
    ("the code of class %s cannot be found, so it cannot be brought to the actor system: put the "
      .. "class into a file"):format(made.name))
end

--- The zip that the program itself is, as a bundle; nil when it is none.
---@return thespian.ImplicitBundle|nil
function program.itself()
  local zip = core.programBundle()
  if zip and not itself then itself = bundle_of(zip, arg and arg[0] or "program") end
  return itself
end

--- The bundle that brings the code of a class; nil for a class of the library, which is everywhere.
---@param made thespian.Class
---@param level integer of the line that an error names: 1 is the caller, 2 the caller's caller
---@return thespian.ImplicitBundle|nil
function program.bundle(made, level)
  local module, place = made.__meta.__module, made.__meta.__file
  if module == library.NAME then return nil end
  if not module or not place then refuse(made, level) end
  local own = program.itself()
  if own and place:find("^bundle:") then return own end
  local entries = entries_of(module, place, bases_of(made))
  if not entries then refuse(made, level) end
  local last = bundles[module]
  if not last or not same(last.entries, entries) then
    last = { entries = entries, bundle = bundle_of(core.pack(entries), place) }
    bundles[module] = last
  end
  return last.bundle
end

--- The program's own zip, when it holds the module of a class's name.
---@param name string "module.Class"
---@return thespian.ImplicitBundle|nil
function program.holding(name)
  if not core.programBundle() then return nil end
  for _, module in ipairs { name:match("^(.+)%.[^.]+$") or name, name } do
    for _, search in ipairs(package.searchers) do
      local _, place = search(module)
      if type(place) == "string" and place:find("^bundle:") then return program.itself() end
    end
  end
end

return program
