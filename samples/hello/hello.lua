-- hello: one file that holds an actor and the program that uses it.
--
--   thespian-host run samples/hello/hello.lua [BASE]
--
-- BASE is simpleSystemBase (the default), multiprocQueueBase or multiprocTCPBase: the actor is the same.

local actors = require "thespian.actors"

local Greeter = actors.class("Greeter", actors.Actor)

function Greeter:receiveMessage(message, sender)
  if type(message) == "string" then self:send(sender, "Hello, " .. message .. "!") end
end

-- True for the program, false in the actor's own state, where this file is a module.
if actors.main(...) then
  local asys = actors.ActorSystem(..., { ["Admin Port"] = 0 })
  local greeter = asys:createActor(Greeter)
  print(asys:ask(greeter, "World", 10))
  asys:shutdown()
end

return { Greeter = Greeter }
