-- front: a service under one name, whose code may be replaced while it works.
--
-- The Front hands each request on to a worker of the newest version, which answers whoever asked. It hears of
-- every bundle that is loaded; of one that is called prices-ANYTHING.zip it makes a worker and asks it for its
-- version. A newer one takes over: requests go to it from then on, and the old worker is told to finish, behind
-- all that it was given before. One that does not even start changes nothing. When the newest is unloaded, the
-- next best takes over in the same way.
--
-- "version" is answered with the version that works, "announce" with {switched = VERSION} whenever that changes.

local actors = require "thespian.actors"

local Front = actors.class("Front", actors.Actor)

function Front:init()
  self.versions = {} -- of what is loaded, by hash
  self.trials = {} -- hashes of what is being tried, by worker
  self.current = nil -- {worker, hash, version}
  self.kept = {} -- requests that came before there was any worker
  self.listeners = {}
  self:notifyOnSourceAvailability()
end

-- ---- versions -----------------------------------------------------------------------------------------------

function Front:try(hash)
  local worker = self:createActor("prices.Worker", nil, nil, hash)
  self.trials[worker] = hash
  self:send(worker, "version")
end

function Front:switch(worker, hash, version)
  local old = self.current
  self.current = { worker = worker, hash = hash, version = version }
  if old then self:send(old.worker, "finish") end
  self:logger():info("version %s works from now on", version)
  for _, listener in ipairs(self.listeners) do self:send(listener, { switched = version }) end
  local kept = self.kept
  self.kept = {}
  for _, request in ipairs(kept) do self:take(request.message, request.asker) end
end

-- A worker has told its version; it may have been unloaded since.
function Front:judge(worker, version)
  local hash, current = self.trials[worker], self.current
  self.trials[worker] = nil
  local is_better = not current or version > current.version or not self.versions[current.hash]
  if self.versions[hash] then self.versions[hash] = version end
  if is_better and self.versions[hash] then
    self:switch(worker, hash, version)
  else
    self:send(worker, "finish")
  end
end

-- The best of those that are left takes over. Without any, the worker that is there goes on.
function Front:fall_back()
  local best
  for hash, version in pairs(self.versions) do
    if version > 0 and (not best or version > self.versions[best]) then best = hash end
  end
  if best then self:try(best) end
end

function Front:forget(hash)
  self.versions[hash] = nil
  if self.current and self.current.hash == hash then self:fall_back() end
end

function Front:lost(worker)
  local hash = self.trials[worker]
  self.trials[worker] = nil
  if hash then self:logger():warning("source %s has no worker that starts", hash) end
  if self.current and self.current.worker == worker then
    self.current = nil
    self:fall_back()
  end
end

-- ---- requests -----------------------------------------------------------------------------------------------

function Front:take(message, asker)
  if not self.current then
    table.insert(self.kept, { message = message, asker = asker })
  elseif message == "version" then
    self:send(asker, "version " .. self.current.version)
  else
    self:send(self.current.worker, { request = message, asker = asker })
  end
end

function Front:receiveMessage(message, sender)
  if actors.isinstance(message, actors.LoadedSource) then
    if message.sourceInfo:match "^prices%-[^/]*%.zip$" then
      self.versions[message.sourceHash] = 0 -- not known yet
      self:try(message.sourceHash)
    end
  elseif actors.isinstance(message, actors.UnloadedSource) then
    self:forget(message.sourceHash)
  elseif actors.isinstance(message, actors.ChildActorExited) then
    self:lost(message.childAddress)
  elseif actors.isinstance(message, actors.PoisonMessage) then
    self:send(message.poisonMessage.asker, { failed = message.poisonMessage.request, why = message.details })
  elseif self.trials[sender] then
    self:judge(sender, message.version)
  elseif message == "announce" then
    table.insert(self.listeners, sender)
  else
    self:take(message, sender)
  end
end

return { Front = Front }
