-- crypto: hashes, signatures and encryption, for actors and programs alike.
--
-- What a caller gets wrong (a number for a string, a public key for a secret one) raises an
-- ActorSystemException that names the function and the argument. What strangers' bytes have wrong
-- raises nothing: the function gives nil, or false, and why.
--
-- Secrets are key objects. A string of Lua cannot be wiped: it stays in memory until the collector
-- comes by, and then until the place is used again. A key object is wiped when it is closed, when
-- it goes out of scope as a <close> variable, or when it is collected. So keep keys as objects, and
-- read their files as late as possible. Keys cannot be sent in messages; their text can.
--
-- Keys for signing and signatures are those of minisign (https://jedisct1.github.io/minisign/), in
-- its formats: Ed25519 over BLAKE2b-512. Encryption is XChaCha20-Poly1305, with a password by
-- Argon2id. All by libsodium, but SHA-256, which is OpenSSL's.

local core = require "thespian.core"

local native = core.part "crypto"

---@class thespian.Key
---@field kind "public"|"secret"|"encryption"|"closed"
---@field id string 16 hexadecimal digits that tell keys apart; they prove nothing
---@field public thespian.Key? the public key of a secret one
---@field text fun(self: thespian.Key, password?: string): string the text of a key file; that of a secret key is protected by the password, which takes a second and 256 MiB
---@field close fun(self: thespian.Key) wipes the key, which can then not be used

--- What encrypts: a key, or a password. With a password the key is made by Argon2id, with that many
--- passes (1 to 16) over that many bytes of memory (8 MiB to 512 MiB, whole KiB); decryption takes
--- the numbers from what was encrypted. By default it takes about a second.
---@alias thespian.Lock thespian.Key|{ password: string, passes?: integer, memory?: integer }

---@class thespian.Signature
---@field key thespian.Key the public key it was made with
---@field comment string the comment that is signed, too
---@field trusted boolean whether the key was among those trusted

---@class thespian.crypto
local crypto = {}

-- ---- bytes --------------------------------------------------------------------------------------

--- The SHA-256 of data, as 64 lower case hexadecimal digits: the hash of a bundle is that of its
--- file.
---@type fun(data: string): string
crypto.sha256 = native.sha256

--- As many random bytes, fit for secrets; at most 16 MiB.
---@type fun(n: integer): string
crypto.random = native.random

--- Whether two strings are equal, in a time that does not tell where they differ.
---@type fun(one: string, other: string): boolean
crypto.equal = native.equal

-- ---- keys ---------------------------------------------------------------------------------------

--- A new pair of keys, for signing. tostring of a public key is one word, as minisign's option -P
--- takes it and readKey reads it; a secret key does not show itself.
---@type fun(): thespian.Key, thespian.Key
crypto.generateKeys = native.generateKeys

--- A new key for encryption.
---@type fun(): thespian.Key
crypto.newKey = native.newKey

--- The key that a text holds: that of a key file of minisign or of `thespian-host keygen`, or a
--- public key in one word. A secret key may be protected by a password; this then takes seconds.
--- Raises ActorSystemException when the text is of no key, is damaged, or the password is not its.
---@type fun(text: string, password?: string): thespian.Key
crypto.readKey = native.readKey

-- ---- signatures ---------------------------------------------------------------------------------

--- The Ed25519 signature of data: 64 bytes.
---@type fun(data: string, secret: thespian.Key): string
crypto.sign = native.sign

--- The same as the text of a .minisig file, with a comment that is signed, too: one line of at most
--- 1024 bytes. `minisign -V` verifies it.
---@type fun(data: string, secret: thespian.Key, comment?: string): string
crypto.minisign = native.minisign

--- Whether a signature, of sign or of minisign, is of these data and by that key. With one of
--- minisign there is a second result: its signed comment, or why it is not right.
---@type fun(data: string, signature: string, public: thespian.Key): boolean, string?
crypto.verify = native.verify

-- ---- encryption ---------------------------------------------------------------------------------

--- Encrypts data; the same data come out otherwise each time. `thespian-host bundle --encrypt` makes
--- the same of a bundle.
---@type fun(data: string, key: thespian.Lock): string
crypto.encrypt = native.encrypt

--- What was encrypted; nil and why where the key is another, or one byte was changed.
---@type fun(data: string, key: thespian.Lock): string?, string?
crypto.decrypt = native.decrypt

-- ---- bundles ------------------------------------------------------------------------------------

--- Signs a bundle, or adds a signature to one that is signed; gives the signed bundle. A later
--- signature of the same key takes the place of the earlier one. nil and why where the bundle is
--- damaged or encrypted, or has 16 signatures.
---@type fun(bundle: string, secret: thespian.Key, comment?: string): string?, string?
crypto.signBundle = native.signBundle

--- The same with a signature made elsewhere: the text of a .minisig file for the bundle, or for what
--- of a signed bundle is signed. nil and why where it is not that key's, or does not fit.
---@type fun(bundle: string, signature: string, public: thespian.Key): string?, string?
crypto.attach = native.attach

---@class thespian.Demands
---@field trusted? thespian.Key[] public keys; where it is given the bundle must be signed
---@field count? integer how many of them must have signed; 1 where it is left out
---@field keys? thespian.Key[] encryption keys, of which the right one is used
---@field password? string

---@class thespian.Opened
---@field encrypted boolean whether it was
---@field signatures thespian.Signature[] in the order of their keys; all of them fit
---@field count integer how many of them are by trusted keys

--- Opens a bundle: decrypts it if it is encrypted, verifies every signature there is, and sees that
--- enough trusted keys have signed. Gives what is inside, mostly a zip, and what is known about it;
--- nil and why when any of that fails. Also a bundle that is neither encrypted nor signed opens,
--- unless demands.trusted is given.
---@type fun(bundle: string, demands: thespian.Demands): string?, thespian.Opened|string
crypto.open = native.open

---@class thespian.Inspected
---@field kind "plain"|"signed"|"encrypted"
---@field signatures? thespian.Signature[] of a signed bundle; they fit, whoever made them
---@field password? boolean of an encrypted one: whether with a password
---@field key? string the id of the key that it is encrypted with

--- What a bundle is, without a key; nil and why where it is damaged.
---@type fun(bundle: string): thespian.Inspected?, string?
crypto.inspect = native.inspect

return crypto
