local check <close> = require "lib_check"
local actors = require "thespian.actors"
local errors = require "thespian.errors"

local BASES = {
  InvalidActorAddress = "ActorSystemException",
  NoCompatibleSystemForActor = "ActorSystemException",
  InvalidActorSourceHash = "ActorSystemException",
  InvalidActorSpecification = "ActorSystemException",
  CannotSend = "ActorSystemException",
  ActorSystemFailure = "ActorSystemException",
  ActorSystemStartupFailure = "ActorSystemFailure",
  ActorSystemRequestTimeout = "ActorSystemFailure",
}

check.test("every error has its base", function()
  for name, base in pairs(BASES) do
    check.equal(actors[name].name, name)
    check.ok(rawequal(actors[name].super, actors[base]))
    check.ok(actors.isinstance(actors[name]("words"), actors.ActorSystemException))
  end
  check.equal(actors.ActorSystemException.super, nil)
end)

check.test("tostring gives the name and the words", function()
  check.equal(tostring(actors.CannotSend("it is a function")), "CannotSend: it is a function")
  check.equal(tostring(actors.ActorSystemException()), "ActorSystemException")
  check.equal(actors.InvalidActorAddress("why").words, "why")
end)

check.test("errors of users can derive from them", function()
  local Mine = actors.class("Mine", actors.ActorSystemFailure)
  local ok, raised = pcall(error, Mine("gone"))
  check.ok(not ok and actors.isinstance(raised, actors.ActorSystemFailure))
  check.equal(tostring(raised), "Mine: gone")
end)

check.test("raise names the caller's line", function()
  local function asked() errors.raise("CannotSend", 2, "no") end
  local where
  local function misuse()
    where = check.here(1)
    asked()
  end
  local raised = check.raises("CannotSend: ", misuse)
  check.equal(raised.words, where .. " no")
end)
