-- thespian.manifest: what bundles say of themselves, as Lua tables.
local check <close> = require "lib_check"
local actors = require "thespian.actors"
local manifest = require "thespian.manifest"

check.test("all of it is read", function()
  local read = manifest.read [[
    {"name": "shop", "version": "1.12.0", "notAfter": "2027-01-31T12:00:00Z", "actors": [
      {"class": "shop.Clerk", "name": "clerk",
       "messages": ["open", null, {"till": [1, 2.0, true]}]},
      {"class": "shop.Guard"}]}]]
  check.same(read, {
    name = "shop", version = "1.12.0", notAfter = "2027-01-31T12:00:00Z", lastSecond = 1801396800,
    actors = {
      {
        class = "shop.Clerk", name = "clerk",
        messages = { n = 3, [1] = "open", [3] = { till = { 1, 2.0, true } } },
      },
      { class = "shop.Guard", messages = { n = 0 } },
    },
  })
  check.same(manifest.read "{}", { actors = {} })
end)

check.test("what is wrong is told, not raised", function()
  for json, words in pairs {
    ["{"] = "manifest.json: line 1: ",
    ['{"nam": 1}'] = 'manifest.json: a manifest has no field "nam"',
    ['{"actors": [{"class": "a.B", "messages": 1}]}'] = '"actors[0].messages" must be a list',
  } do
    local read, why = manifest.read(json)
    check.equal(read, nil)
    check.contains(why, words)
  end
end)

check.test("versions compare by their numbers", function()
  check.ok(manifest.compareVersions("1.10", "1.9") > 0)
  check.ok(manifest.compareVersions("1.9", "1.10") < 0)
  check.equal(manifest.compareVersions("1.10", "1.10.0"), 0)
  check.ok(manifest.compareVersions(nil, "0") < 0)
  check.equal(manifest.compareVersions(nil, nil), 0)
  for _, wrong in ipairs { "1.x", "", 5, {}, "1\0" } do
    local raised = check.raises(check.here(1),
      function() return (manifest.compareVersions(wrong, "1")) end)
    check.contains(raised, "numbers with dots between")
    check.ok(actors.isinstance(raised, actors.ActorSystemException))
  end
end)

check.test("a manifest is good up to its last second", function()
  local read = manifest.read '{"notAfter": "2028-02-29"}'
  check.equal(manifest.isExpired(read, 1835481599), false)
  check.equal(manifest.isExpired(read, 1835481600), true)
  check.equal(manifest.isExpired(manifest.read '{"notAfter": "2001-01-01"}'), true)
  check.equal(manifest.isExpired(manifest.read "{}"), false)
  check.raises("got nil", manifest.isExpired)
  check.raises("got number", manifest.read, 5)
end)
