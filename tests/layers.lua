-- Who includes whom: every #include of runtime/ and bindings/ against the table of rooms.
--
--   lua5.4 tests/layers.lua [ROOT]       prints each violation as file:line: words; exits 1 on any
--   lua5.4 tests/layers.lua --self-test  checks that made-up violations are found
--
-- A file's folder tells where its code runs, so an include across the table is a threading rule
-- about to be broken. An upper room is called through functions that the lower one declares.

-- Which rooms a file of a room may include, besides its own.
local rooms = {
  base = {},
  message = {"base"},
  bundle = {"message", "base"},
  actor = {"message", "base"},
  transport = {"message", "base"},
  admin = {"bundle", "actor", "message", "base"},
  system = {"admin", "bundle", "actor", "transport", "message", "base"},
  host = {"system", "admin", "bundle", "actor", "transport", "message", "base"},
  bindings = {"host", "bundle", "actor", "message", "base"},
}

-- The program and the library that others embed tie the runtime and Lua together, each in one file, so
-- these alone in runtime/ know the bindings.
local joints = {["runtime/host/main.c"] = true, ["runtime/host/embed_lua.c"] = true}

-- The libraries that only a few files may see: Lua patterns of their headers and of those files.
local libraries = {
  {name = "Lua", headers = {"^lua%.h", "^lauxlib%.h", "^lualib%.h", "^luaconf%.h", "^lua5%.4/"},
   files = {"^bindings/", "^runtime/host/main%.c$"},
   instead = "move the line to bindings, or reach Lua through a table of functions"},
  {name = "libuv", headers = {"^uv%.h$", "^uv/"},
   files = {"^runtime/transport/loop%.c$", "^runtime/transport/tcp%.c$",
            "^runtime/transport/udp%.c$"},
   instead = "use transport/loop.h or transport/wire.h"},
  {name = "minizip", headers = {"^minizip/", "^unzip%.h$", "^zip%.h$", "^ioapi%.h$"},
   files = {"^runtime/bundle/zip%.c$"}, instead = "use bundle/zip.h or admin/source.h"},
  {name = "zlib", headers = {"^zlib%.h$", "^zconf%.h$"}, files = {"^runtime/bundle/zip%.c$"},
   instead = "use bundle/zip.h or admin/source.h"},
  {name = "OpenSSL", headers = {"^openssl/"}, files = {"^runtime/base/digest%.c$"},
   instead = "use base/digest.h"},
  {name = "libsodium", headers = {"^sodium%.h$", "^sodium/"}, files = {"^runtime/base/crypto%.c$"},
   instead = "use base/crypto.h"},
  {name = "jansson", headers = {"^jansson"}, files = {"^runtime/host/json%.c$", "^runtime/message/jsonvalue%.c$",
            "^runtime/bundle/manifest%.c$"},
   instead = "use host/json.h or message/jsonvalue.h"},
  {name = "cmocka", headers = {"^cmocka"}, files = {},
   instead = "keep test code in tests/"},
}

local function matches(text, patterns)
  for _, pattern in ipairs(patterns) do
    if text:find(pattern) then return true end
  end
  return false
end

-- The room and file name of a path, or nil where no room is: "runtime/actor/mailbox.c" -> "actor",
-- "mailbox.c".
local function place(path)
  local room, file = path:match("^runtime/([^/]+)/([^/]+)$")
  if not room then
    room, file = path:match("^(bindings)/([^/]+)$")
  end
  if rooms[room] and (room == "bindings") == (path:find("^bindings/") ~= nil) then
    return room, file
  end
end

local function may_include(path, room, target)
  if target == room or (joints[path] and target == "bindings") then return true end
  for _, allowed in ipairs(rooms[room]) do
    if target == allowed then return true end
  end
  return false
end

-- What is wrong with one include, or nil. exists(path) tells whether the tree has that file.
local function judge(path, room, mark, header, exists)
  for _, library in ipairs(libraries) do
    if matches(header, library.headers) and not matches(path, library.files) then
      return ("%s is not for this file; %s"):format(library.name, library.instead)
    end
  end

  local target = header:match("^([^/]+)/[^/]+$")
  local ours = target and rooms[target] ~= nil
  if mark == "<" then
    return ours and ('<%s> is ours; write #include "%s"'):format(header, header) or nil
  end
  if not ours then
    if header:find("..", 1, true) or exists("runtime/" .. room .. "/" .. header) or
        exists(room .. "/" .. header) then
      return ('"%s" hides the room; write "%s/%s", or the room it is in'):format(
        header, room, header:match("[^/]+$"))
    end
    return ('"%s" is in no room of ours; write <%s> for a library, "room/file.h" for ours'):format(
      header, header)
  end
  if not may_include(path, room, target) then
    return ('%s may not include %s ("%s"); it may include: %s. Move the code up, or call up through ' ..
      'a table of functions that %s declares'):format(
        room, target, header, rooms[room][1] and table.concat(rooms[room], ", ") or "nothing of ours",
        room)
  end
  if not exists((target == "bindings" and "" or "runtime/") .. header) then
    return ('"%s" does not exist'):format(header)
  end
end

-- Calls report(line, words) for each thing wrong with the file at path.
local function check(path, text, exists, report)
  local room, file = place(path)
  if not room then
    return report(1, "is in no room; the rooms are those at the head of tests/layers.lua")
  end

  local first, guard, defined
  local number = 0
  for line in (text .. "\n"):gmatch("(.-)\r?\n") do
    number = number + 1
    local mark, header = line:match('^%s*#%s*include%s*([<"])([^>"]+)[>"]')
    if header then
      first = first or {header = header, line = number}
      local words = judge(path, room, mark, header, exists)
      if words then report(number, words) end
    end
    guard = guard or line:match("^%s*#%s*ifndef%s+([%w_]+)")
    defined = defined or line:match("^%s*#%s*define%s+([%w_]+)")
  end

  if file:find("%.h$") then
    local expected = ("TH_%s_%s"):format(room, file:gsub("[^%w]", "_")):upper()
    if guard ~= expected or defined ~= expected then
      report(1, ("the header guard is %s; call it %s"):format(guard or "missing", expected))
    end
  else
    local own = ("%s/%s"):format(room, file:gsub("%.c$", ".h"))
    if exists((path:gsub("%.c$", ".h"))) and not (first and first.header == own) then
      report(first and first.line or 1,
             ('the first include must be "%s", so that the header is seen to compile alone'):format(own))
    end
  end
end

-- ---- the tree -------------------------------------------------------------------------------------

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return assert(file:read("a"))
end

local function check_tree(root)
  local quoted = "'" .. root:gsub("'", "'\\''") .. "'"
  local list <close> = assert(io.popen(
    "cd " .. quoted .. " && find runtime bindings -type f -name '*.[ch]' | LC_ALL=C sort"))
  local paths, present = {}, {}
  for path in list:lines() do
    paths[#paths + 1] = path
    present[path] = true
  end

  local wrong = 0
  for _, path in ipairs(paths) do
    check(path, read(root .. "/" .. path), function(other) return present[other] end,
          function(line, words)
            wrong = wrong + 1
            print(("%s:%d: %s"):format(path, line, words))
          end)
  end
  print(("layers: %d files, %d wrong"):format(#paths, wrong))
  return wrong == 0 and #paths > 0
end

-- ---- the self-test --------------------------------------------------------------------------------

local present = {
  ["runtime/base/map.h"] = true, ["runtime/base/log.h"] = true, ["runtime/actor/actor.h"] = true,
  ["runtime/system/router.h"] = true, ["runtime/host/client.h"] = true, ["bindings/codec.h"] = true,
  ["runtime/message/pack.h"] = true, ["runtime/transport/wire.h"] = true,
  ["runtime/bundle/zip.h"] = true, ["runtime/admin/source.h"] = true,
}

-- path, text, and the words that must be part of the only complaint; false for none.
local cases = {
  {"runtime/base/map.c", '#include "base/map.h"\n#include <string.h>', false},
  {"runtime/system/x.c", '#include "actor/actor.h"\n#include "transport/wire.h"', false},
  {"bindings/codec.c", '#include "bindings/codec.h"\n#include <lua.h>\n#include "base/log.h"', false},
  {"runtime/host/main.c", '#include <lua.h>\n#include "bindings/codec.h"', false},
  {"runtime/host/embed_lua.c", '#include "bindings/codec.h"', false},
  {"runtime/host/embed_lua.c", "#include <lua.h>", "Lua is not for this file"},
  {"runtime/transport/tcp.c", "#include <uv.h>", false},
  {"runtime/base/log.h", "#ifndef TH_BASE_LOG_H\n#define TH_BASE_LOG_H\n#endif", false},
  {"runtime/base/x.c", '#include "actor/actor.h"', "base may not include actor"},
  {"runtime/message/x.c", '#include "transport/wire.h"', "message may not include transport"},
  {"runtime/actor/x.c", '#include "transport/wire.h"', "actor may not include transport"},
  {"runtime/actor/x.c", '  #  include "system/router.h"', "actor may not include system"},
  {"runtime/transport/x.c", '#include "actor/actor.h"', "transport may not include actor"},
  {"runtime/admin/x.c", '#include "system/router.h"', "admin may not include system"},
  {"runtime/host/x.c", '#include "bindings/codec.h"', "host may not include bindings"},
  {"bindings/x.c", '#include "system/router.h"', "bindings may not include system"},
  {"runtime/actor/x.c", "#include <lua.h>", "Lua is not for this file"},
  {"runtime/actor/x.c", "#include <lauxlib.h>", "Lua is not for this file"},
  {"runtime/base/x.c", "#include <uv.h>", "libuv is not for this file"},
  {"bindings/x.c", "#include <minizip/unzip.h>", "minizip is not for this file"},
  {"runtime/admin/x.c", "#include <unzip.h>", "minizip is not for this file"},
  {"runtime/admin/source.c", '#include "admin/source.h"\n#include <minizip/zip.h>',
   "minizip is not for this file"},
  {"runtime/bundle/zip.c", '#include "bundle/zip.h"\n#include <minizip/unzip.h>\n#include <zlib.h>',
   false},
  {"runtime/admin/x.c", "#include <zlib.h>", "zlib is not for this file"},
  {"runtime/admin/x.c", "#include <openssl/evp.h>", "OpenSSL is not for this file"},
  {"runtime/base/crypto.c", "#include <sodium.h>", false},
  {"runtime/bundle/x.c", "#include <sodium.h>", "libsodium is not for this file"},
  {"runtime/host/x.c", "#include <jansson.h>", "jansson is not for this file"},
  {"bindings/x.c", "#include <cmocka.h>", "cmocka is not for this file"},
  {"runtime/base/x.c", '#include "log.h"', "hides the room"},
  {"runtime/base/x.c", '#include "../base/log.h"', "hides the room"},
  {"runtime/base/x.c", "#include <base/log.h>", "is ours"},
  {"runtime/base/x.c", '#include "string.h"', "in no room of ours"},
  {"runtime/base/x.c", '#include "base/nothing.h"', "does not exist"},
  {"runtime/base/map.c", '#include <string.h>\n#include "base/map.h"', "first include must be"},
  {"runtime/base/map.c", "int x;", "first include must be"},
  {"runtime/base/log.h", "#ifndef LOG_H\n#define LOG_H\n#endif", "call it TH_BASE_LOG_H"},
  {"runtime/base/log.h", "#pragma once", "header guard is missing"},
  {"runtime/cellar/x.c", "", "in no room"},
  {"runtime/x.c", "", "in no room"},
}

local function self_test()
  local failures = 0
  for _, case in ipairs(cases) do
    local path, text, expected = table.unpack(case)
    local found = {}
    check(path, text, function(other) return present[other] end,
          function(_, words) found[#found + 1] = words end)
    local right = not expected and #found == 0 or
      expected and #found == 1 and found[1]:find(expected, 1, true)
    if not right then
      failures = failures + 1
      print(("%s with %q: expected %s, found: %s"):format(
        path, text, expected or "nothing", #found > 0 and table.concat(found, "; ") or "nothing"))
    end
  end
  print(("layers: %d cases, %d failed"):format(#cases, failures))
  return failures == 0
end

if arg[1] == "--self-test" then
  os.exit(self_test())
end
os.exit(check_tree(arg[1] or (arg[0]:match("^.*/") or "./") .. ".."))
