-- prices, version 2: what things cost, with 7 % of tax.
--
-- A Worker answers a {request, asker} of the front's to whoever asked. Told to finish, it exits: whatever it was
-- given before has been answered then, since messages from one actor to another arrive in their order.

local actors = require "thespian.actors"

local VERSION = 2
local PRICES = { apple = 40, pear = 55, plum = 15 } -- cents

local Worker = actors.class("Worker", actors.Actor)

function Worker:answer(request)
  local price = PRICES[request.item]
  return { number = request.number, version = VERSION, price = price and (price * 107 + 50) // 100 }
end

function Worker:receiveMessage(message, sender)
  if message == "version" then
    self:send(sender, { version = VERSION })
  elseif message == "finish" then
    self:send(self.myAddress, actors.ActorExitRequest())
  elseif type(message) == "table" and message.asker then
    self:send(message.asker, self:answer(message.request))
  end
end

return { Worker = Worker }
