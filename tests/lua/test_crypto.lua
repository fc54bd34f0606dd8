-- thespian.crypto, in a program and in an actor.
local check <close> = require "lib_check"
local crypto = require "thespian.crypto"

local CHEAP = { password = "open sesame", passes = 1, memory = 8 << 20 }

local function refused(part, value, why)
  check.equal(value, nil)
  check.contains(why, part)
end

check.test("a hash is that of the file", function()
  check.equal(crypto.sha256 "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
end)

check.test("random bytes are as many as asked for, and other ones each time", function()
  check.equal(crypto.random(0), "")
  check.equal(#crypto.random(33), 33)
  check.ok(crypto.random(16) ~= crypto.random(16))
  check.raises("crypto.random: n is a whole number from 0 to 16777216, got number", crypto.random, -1)
  check.raises("got number", crypto.random, (16 << 20) + 1)
  check.raises("got number", crypto.random, 1.5)
  check.raises("got string", crypto.random, "5")
end)

check.test("equal compares strings", function()
  check.equal(crypto.equal("abc", "abc"), true)
  check.equal(crypto.equal("abc", "abd"), false)
  check.equal(crypto.equal("abc", "ab"), false)
  check.equal(crypto.equal("", ""), true)
  check.raises("crypto.equal: the second is a string, got nil", crypto.equal, "a")
end)

check.test("a signature fits what was signed and its key", function()
  local public, secret = crypto.generateKeys()
  local other = crypto.generateKeys()
  local signature = crypto.sign("data", secret)
  check.equal(#signature, 64)
  check.equal(crypto.verify("data", signature, public), true)
  check.equal(crypto.verify("date", signature, public), false)
  check.equal(crypto.verify("data", signature, other), false)
  check.equal(crypto.verify("data", signature:sub(2), public), false)
end)

check.test("a signature is as minisign makes them", function()
  local public, secret = crypto.generateKeys()
  local text = crypto.minisign("data", secret, "release 5")
  check.contains(text, "\ntrusted comment: release 5\n")
  check.same({ crypto.verify("data", text, public) }, { true, "release 5" })
  local fits, why = crypto.verify("date", text, public)
  check.equal(fits, false)
  check.contains(why, "that of another key, or of other data")
  fits, why = crypto.verify("data", "text", public)
  check.equal(fits, false)
  check.contains(why, "line 1 of the signature is cut off")
  check.raises("crypto.minisign: the comment has control characters", crypto.minisign, "", secret, "a\nb")
end)

check.test("a key is read as it was written", function()
  local public, secret = crypto.generateKeys()
  local key = crypto.newKey()
  for _, each in ipairs { public, secret, key } do
    local again = crypto.readKey(each:text())
    check.ok(again == each and again.id == each.id and again.kind == each.kind)
  end
  check.ok(crypto.readKey(tostring(public)) == public)
  check.ok(secret.public == public and secret.id == public.id)
  check.ok(public ~= crypto.generateKeys() and public ~= secret)
  check.same({ public.kind, secret.kind, key.kind }, { "public", "secret", "encryption" })
  check.equal(public.public, nil)
  check.raises("crypto.readKey: the text is none of a key file", crypto.readKey, "hello")
end)

check.test("a password protects a secret key", function()
  local _, secret = crypto.generateKeys()
  local text = secret:text "open sesame"
  check.ok(crypto.readKey(text, "open sesame") == secret)
  check.raises("crypto.readKey: the password is not that of the key", crypto.readKey, text, "barley")
  check.raises("protected by a password, and none is given", crypto.readKey, text)
  check.raises("crypto.readKey: the password is empty", crypto.readKey, text, "")
  check.raises("only a secret key is protected by a password", secret.public.text, secret.public, "x")
end)

check.test("a secret does not show itself", function()
  local _, secret = crypto.generateKeys()
  check.equal(tostring(secret), "secret key " .. secret.id)
  check.equal(getmetatable(secret), false)
end)

check.test("a closed key is of no use", function()
  local kept
  do
    local public <close>, secret = crypto.generateKeys()
    kept = public
    check.equal(kept.kind, "public")
    secret:close()
    secret:close()
    check.equal(secret.kind, "closed")
    check.equal(secret.id, nil)
    check.raises("secret is a secret key, of generateKeys or readKey, got a key that is closed",
      crypto.sign, "", secret)
    check.raises("key:text: the key is closed", secret.text, secret)
  end
  check.equal(kept.kind, "closed")
end)

check.test("a key opens what it closed", function()
  local key, other = crypto.newKey(), crypto.newKey()
  local closed = crypto.encrypt("data", key)
  check.ok(not closed:find("data", 1, true) and closed ~= crypto.encrypt("data", key))
  check.equal(crypto.decrypt(closed, key), "data")
  refused("it is encrypted with key " .. key.id, crypto.decrypt(closed, other))
  refused("it is encrypted with key", crypto.decrypt(closed, CHEAP))
  refused("it is not encrypted", crypto.decrypt("data", key))
  refused("the file was changed", crypto.decrypt(closed .. "x", key))
  check.equal(crypto.decrypt(crypto.encrypt("", key), key), "")
end)

check.test("a password opens what it closed", function()
  local closed = crypto.encrypt("data", CHEAP)
  check.equal(crypto.decrypt(closed, { password = "open sesame" }), "data")
  refused("the password is another", crypto.decrypt(closed, { password = "barley" }))
  refused("with a password, and none is given", crypto.decrypt(closed, crypto.newKey()))
  check.raises("crypto.encrypt: a password with 0 passes over 8192 KiB is outside",
    crypto.encrypt, "data", { password = "x", passes = 0, memory = 8 << 20 })
  check.raises("crypto.encrypt: memory is a whole number, got string",
    crypto.encrypt, "data", { password = "x", memory = "much" })
end)

check.test("a bundle opens when enough of those trusted have signed", function()
  local one, one_secret = crypto.generateKeys()
  local two, two_secret = crypto.generateKeys()
  local three = crypto.generateKeys()
  local signed = crypto.signBundle("zip", one_secret, "one's")
  local both = crypto.signBundle(signed, two_secret)
  check.equal(crypto.signBundle(both, one_secret, "one's"), both)
  local payload, info = crypto.open(signed, { trusted = { one, three } })
  check.equal(payload, "zip")
  check.same({ info.count, info.encrypted, #info.signatures }, { 1, false, 1 })
  check.same({ info.signatures[1].comment, info.signatures[1].trusted }, { "one's", true })
  check.ok(info.signatures[1].key == one)
  check.equal(crypto.open(both, { trusted = { one, two, three }, count = 2 }), "zip")
  refused("signed by 1 of the keys that are trusted; 2 are needed",
    crypto.open(signed, { trusted = { one, two, three }, count = 2 }))
  refused("signed by none of the keys that are trusted", crypto.open(both, { trusted = { three } }))
  refused("signed by 1 of the keys", crypto.open(both, { trusted = { one, one }, count = 2 }))
  refused("the bundle is not signed", crypto.open("zip", { trusted = { one } }))
  check.equal(crypto.open("zip", {}), "zip")
  check.equal(crypto.open(both, {}), "zip")
end)

check.test("a signed bundle can be encrypted", function()
  local public, secret = crypto.generateKeys()
  local key = crypto.newKey()
  local signed = crypto.signBundle("zip", secret)
  local closed = crypto.encrypt(signed, key)
  local payload, info = crypto.open(closed, { trusted = { public }, keys = { crypto.newKey(), key } })
  check.equal(payload, "zip")
  check.equal(info.encrypted, true)
  refused("which is not given", crypto.open(closed, { trusted = { public } }))
  check.equal(crypto.open(crypto.encrypt(signed, CHEAP), { password = "open sesame" }), "zip")
  refused("encrypted once more", crypto.open(crypto.encrypt(closed, key), { keys = { key } }))
  refused("sign first, then encrypt", crypto.signBundle(closed, secret))
end)

check.test("one byte changed is refused", function()
  local public, secret = crypto.generateKeys()
  local key = crypto.newKey()
  local demands = { trusted = { public }, keys = { key } }
  for _, bundle in ipairs { crypto.signBundle("zip", secret), crypto.encrypt("zip", key) } do
    demands.trusted = crypto.inspect(bundle).kind == "signed" and { public } or nil
    check.equal(crypto.open(bundle, demands), "zip")
    for at = 1, #bundle do
      local changed = bundle:sub(1, at - 1) .. string.char(bundle:byte(at) ~ 1) .. bundle:sub(at + 1)
      local opened = crypto.open(changed, demands)
      -- Without its first line an encrypted bundle is bytes like any others, but not these.
      check.ok(opened == nil or not demands.trusted and opened == changed, "byte " .. at)
    end
  end
end)

check.test("a signature made elsewhere is attached", function()
  local public, secret = crypto.generateKeys()
  local text = crypto.minisign("zip", secret, "elsewhere")
  local signed = crypto.attach("zip", text, public)
  check.equal(signed, crypto.signBundle("zip", secret, "elsewhere"))
  refused("does not fit the bundle", crypto.attach("zap", text, public))
  refused("it is a signature by key", crypto.attach("zip", text, (crypto.generateKeys())))
end)

check.test("inspect tells without a key", function()
  local _, secret = crypto.generateKeys()
  local key = crypto.newKey()
  check.same(crypto.inspect "zip", { kind = "plain" })
  check.same(crypto.inspect(crypto.encrypt("zip", key)),
    { kind = "encrypted", password = false, key = key.id })
  check.same(crypto.inspect(crypto.encrypt("zip", CHEAP)), { kind = "encrypted", password = true })
  local signed = crypto.signBundle("zip", secret, "mine")
  local info = crypto.inspect(signed)
  check.equal(info.kind, "signed")
  check.equal(info.signatures[1].comment, "mine")
  refused("does not fit the bundle", crypto.inspect(signed .. "x"))
end)

check.test("what is wrong is named", function()
  local public, secret = crypto.generateKeys()
  local raised = check.raises("crypto.sign: secret is a secret key, of generateKeys or readKey, got a public key",
    crypto.sign, "data", public)
  check.equal(require("thespian.actors").typename(raised), "ActorSystemException")
  check.raises("crypto.verify: public is a public key, of generateKeys or readKey, got a secret key",
    crypto.verify, "data", ("x"):rep(64), secret)
  check.raises("crypto.sign: data is a string, got number", crypto.sign, 5, secret)
  check.raises("crypto.sha256: data is a string, got nil", crypto.sha256)
  check.raises("crypto.encrypt: key is an encryption key, of newKey or readKey, or {password = ...}, got string",
    crypto.encrypt, "data", "key")
  check.raises("crypto.encrypt: key is an encryption key, of newKey or readKey, got a public key",
    crypto.encrypt, "data", public)
  check.raises("or {password = ...}, got table", crypto.decrypt, "data", {})
  check.raises("crypto.open: demands is a table, got nil", crypto.open, "data")
  check.raises("crypto.open: trusted is a list of keys, got a public key", crypto.open, "data", { trusted = public })
  check.raises("crypto.open: each of trusted is a public key, of generateKeys or readKey, got a secret key",
    crypto.open, "data", { trusted = { secret } })
  check.raises("crypto.open: count is from 1 to the number of keys in trusted, which is 1",
    crypto.open, "data", { trusted = { public }, count = 2 })
  check.raises("which is 1", crypto.open, "data", { trusted = { public }, count = 0 })
  check.raises("which is 0", crypto.open, "data", { trusted = {} })
  check.raises("which is 0", crypto.open, "data", { count = 1 })
  check.raises(check.here(0), function() crypto.sign("data", 5) end)
end)

-- ---- in an actor --------------------------------------------------------------------------------

check.test("actors have it, too", function()
  local folder = check.folder { ["vault.lua"] = [[
local actors = require "thespian.actors"
local crypto = require "thespian.crypto"
local Vault = actors.class("Vault", actors.Actor)
function Vault:receiveMessage(message, sender)
  self.key = self.key or crypto.newKey()
  local closed = crypto.encrypt(message, self.key)
  self:send(sender, crypto.decrypt(closed, self.key) .. " " .. crypto.sha256(message):sub(1, 8))
end
if actors.main(...) then
  local asys = actors.ActorSystem "multiprocQueueBase"
  print(asys:ask(asys:createActor(Vault), "abc", 60))
  asys:shutdown()
end
return { Vault = Vault }
]] }
  local printed, well = check.run(folder, "vault.lua")
  check.equal(printed, "abc ba7816bf\n")
  check.ok(well)
end)
