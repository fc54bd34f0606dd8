-- bytecode: compiled Lua gets into no actor, whichever way it is tried: stock Lua does not check what
-- it undumps, so it could break the state.

local actors = require "thespian.actors"

local Tester = actors.class("Tester", actors.Actor)

local WAYS = {}

function WAYS.load_string(chunk) return load(chunk) end
function WAYS.load_binary(chunk) return load(chunk, "=chunk", "b") end
function WAYS.load_both(chunk) return load(chunk, "=chunk", "bt") end
function WAYS.load_nil(chunk) return load(chunk, nil, nil) end
function WAYS.load_pieces(chunk)
  local at = 0
  return load(function()
    at = at + 1
    return at <= #chunk and chunk:sub(at, at) or nil
  end, "=chunk", "b")
end
function WAYS.load_in_coroutine(chunk) return coroutine.wrap(load)(chunk, "=chunk", "b") end
function WAYS.loadfile(_, path) return loadfile(path) end
function WAYS.loadfile_binary(_, path) return loadfile(path, "b") end
function WAYS.loadfile_both(_, path) return loadfile(path, "bt", {}) end
function WAYS.loadfile_commented(_, _, commented) return loadfile(commented) end
function WAYS.dofile(_, path) return pcall(dofile, path) end
function WAYS.require_on_package_path(_, path)
  package.path = path:gsub("evil%.lua$", "?.luac")
  return pcall(require, "other")
end
function WAYS.searcher(_, path)
  package.path = path:gsub("evil%.lua$", "?.luac")
  return pcall(package.searchers[2], "other")
end

function Tester:receiveMessage(message, sender)
  if type(message) ~= "table" then return end
  local results = table.pack(WAYS[message.way](message.chunk, message.path, message.commented))
  for number = 1, results.n do results[number] = tostring(results[number]) end
  self:send(sender, table.concat(results, " "))
end

if actors.main(...) then
  local check <close> = require "lib_check"
  local chunk = string.dump(load "return 'compiled Lua has run'")
  local folder = check.folder {
    ["evil.lua"] = chunk, ["other.luac"] = chunk, ["commented.lua"] = "#!/usr/bin/lua\n" .. chunk,
  }
  local host = os.getenv "HOST"

  local asys <close> = setmetatable({
    inner = actors.ActorSystem("multiprocQueueBase", nil, false, true),
  }, { __close = function(self) self.inner:shutdown() end })

  for way in pairs(WAYS) do
    check.test(way .. " takes no compiled Lua", function()
      local tester = asys.inner:createActor(Tester)
      local answer = asys.inner:ask(tester, {
        way = way, chunk = chunk, path = folder .. "/evil.lua",
        commented = folder .. "/commented.lua",
      }, 30)
      check.equal(type(answer), "string")
      check.contains(answer, way == "loadfile_commented" and "unexpected symbol near '<\\27>'"
        or "compiled Lua is not loaded by actors; give the source text")
    end)
  end

  -- A system whose --path has such a module.
  check.test("a module on a system's path is text, too", function()
    local command = "'%s' start --port 0 --path '%s' --create evil.Evil 2>&1"
    local pipe <close> = assert(io.popen(command:format(host, folder)))
    check.contains(pipe:read "a", "evil.lua: compiled Lua is not loaded by actors")
  end)
end

return { Tester = Tester }
