-- printing: a desk that anybody may come to, and a printer that lives where there is one.

local actors = require "thespian.actors"

-- Created anywhere, it comes to live on a system with the capability "Printer". init is given the
-- capabilities of that system.
local Printer = actors.class("Printer", actors.Actor)

function Printer:init(capabilities) self.name = capabilities["Printer"] end

function Printer:receiveMessage(message, sender)
  if type(message) == "table" and message.page then
    self:send(sender, { reader = message.reader, text = self.name .. " has printed: " .. message.page })
  end
end

Printer = actors.requireCapability "Printer"(Printer)

-- Lives where it is created. It neither knows nor asks where its printer is.
local Desk = actors.class("Desk", actors.Actor)

function Desk:init() self.printed = 0 end

function Desk:receiveMessage(message, sender)
  if type(message) == "string" then
    self.printer = self.printer or self:createActor(Printer)
    self:send(self.printer, { page = message, reader = sender })
  elseif actors.isinstance(message, actors.ChildActorExited) then
    -- Its system has gone, say. The next page is for another one.
    self:logger():warning("the printer is gone: %s", message.reason)
    self.printer = nil
  elseif type(message) == "table" and message.reader then
    self:send(message.reader, message.text)
  end
end

return { Desk = Desk, Printer = Printer }
