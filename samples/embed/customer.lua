-- customer: buys bread, milk and cheese at a till, one after the other, and reports what it cost.

local actors = require "thespian.actors"

local Customer = actors.class("Customer", actors.Actor)

local SHOPPING = { { "bread", 420 }, { "milk", 149 }, { "cheese", 631 } }

function Customer:buyNext()
  self.bought = self.bought + 1
  local what, cents = table.unpack(SHOPPING[self.bought])
  self:send(self.till, { what = what, cents = cents })
end

function Customer:receiveMessage(message, sender)
  if actors.typename(message) == "ActorAddress" then
    self.till, self.boss, self.bought = message, sender, 0
    self:buyNext()
  elseif sender == self.till and self.bought < #SHOPPING then
    self:buyNext()
  elseif sender == self.till then
    self:send(self.boss, ("%s was the last, %d.%02d in all"):format(message.what,
      message.total // 100, message.total % 100))
  end
end

return { Customer = Customer }
