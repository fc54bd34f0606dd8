-- lib_puppet: an actor that does what a story tells it, and tells it all that it hears; so the whole
-- story stands in one place. It lives where the capabilities are what is required.

local actors = require "thespian.actors"

local Puppet = actors.class("Puppet", actors.Actor)

function Puppet.actorSystemCapabilityCheck(capabilities, requirements)
  for name, value in pairs(requirements or {}) do
    if capabilities[name] ~= value then return false end
  end
  return true
end

function Puppet:init(capabilities, requirements)
  self.colour, self.requirements = capabilities.Colour, requirements
end

-- What it is told is Lua, with up to three arguments; what it hears besides goes to who told it
-- something last.
function Puppet:receiveMessage(message, sender)
  if type(message) == "table" and message.code then
    self.teller = sender
    local run = assert(load("local self, sender, actors, a, b, c = ... " .. message.code))
    local result = run(self, sender, actors, message[1], message[2], message[3])
    self:send(sender, { result = result })
  elseif self.teller then
    self:send(self.teller, { heard = message, from = sender, by = self.myAddress })
  end
end

return Puppet
