#include "bindings/crypto.h"

#include <lauxlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/digest.h"
#include "bindings/bytes.h"
#include "bindings/key.h"
#include "bindings/raise.h"
#include "bundle/envelope.h"
#include "bundle/seal.h"
#include "bundle/signature.h"

#define RANDOM_LIMIT ((lua_Integer)16 << 20)

/* Keys in one list. */
#define KEYS_LIMIT 256

/* ---- results --------------------------------------------------------------------------------- */

/* [-0, +2, m] pushes nil and why, for what came from a stranger; raises what is not about that. */
static int give_reason(lua_State *L, int error, const struct th_reason *reason) {
  if (error != TH_ESIGNATURE && error != TH_ELOCKED) return th_lua_raise_reason(L, error, reason);
  lua_pushnil(L);
  lua_pushstring(L, reason->words);
  return 2;
}

/* [-0, +1, m] */
static int give_bytes(lua_State *L, const struct th_bytes *bytes) {
  lua_pushlstring(L, (const char *)bytes->data, bytes->size);
  return 1;
}

static int refuse(lua_State *L, const char *words) {
  return th_lua_raise(L, TH_EMISUSE, words);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static int crypto_sha256(lua_State *L) {
  size_t size;
  const char *data = th_lua_key_check_string(L, 1, "crypto.sha256", "data", &size);
  char text[TH_DIGEST_TEXT_SIZE];
  int error = th_digest_sha256(data, size, text);
  if (error != 0) return th_lua_raise(L, error, NULL);
  lua_pushstring(L, text);
  return 1;
}

static int crypto_random(lua_State *L) {
  int is_integer;
  lua_Integer size = lua_tointegerx(L, 1, &is_integer);
  if (!is_integer || lua_type(L, 1) != LUA_TNUMBER || size < 0 || size > RANDOM_LIMIT) {
    return th_lua_key_refuse(L, 1, "crypto.random", "n", "a whole number from 0 to 16777216");
  }
  luaL_Buffer buffer;
  char *bytes = luaL_buffinitsize(L, &buffer, (size_t)size);
  int error = th_crypto_random(bytes, (size_t)size);
  if (error != 0) return th_lua_raise(L, error, NULL);
  luaL_pushresultsize(&buffer, (size_t)size);
  return 1;
}

static int crypto_equal(lua_State *L) {
  size_t left_size, right_size;
  const char *left = th_lua_key_check_string(L, 1, "crypto.equal", "the first", &left_size);
  const char *right = th_lua_key_check_string(L, 2, "crypto.equal", "the second", &right_size);
  lua_pushboolean(L, left_size == right_size && th_crypto_equal(left, right, left_size));
  return 1;
}

/* ---- keys ------------------------------------------------------------------------------------ */

static int crypto_generate_keys(lua_State *L) {
  struct th_lua_key *public_key = th_lua_key_push(L);
  struct th_lua_key *secret = th_lua_key_push(L);
  int error = th_key_make_pair(&public_key->as.public_key, &secret->as.secret);
  if (error != 0) return th_lua_raise(L, error, NULL);
  public_key->kind = TH_KEY_PUBLIC;
  secret->kind = TH_KEY_SECRET;
  return 2;
}

static int crypto_new_key(lua_State *L) {
  struct th_lua_key *key = th_lua_key_push(L);
  int error = th_key_make_cipher(&key->as.cipher);
  if (error != 0) return th_lua_raise(L, error, NULL);
  key->kind = TH_KEY_CIPHER;
  return 1;
}

static int crypto_read_key(lua_State *L) {
  size_t size;
  const char *text = th_lua_key_check_string(L, 1, "crypto.readKey", "text", &size);
  struct th_password password = th_lua_key_check_password(L, 2, "crypto.readKey");
  struct th_lua_key *key = th_lua_key_push(L);
  struct th_reason reason = {""};
  enum th_key_kind kind = th_key_kind(text, size);
  int error;
  if (kind == TH_KEY_NONE) {
    return th_lua_raise(L, TH_EKEY, "crypto.readKey: the text is none of a key file");
  }
  if (kind == TH_KEY_PUBLIC) {
    error = th_key_read_public(text, size, &key->as.public_key, &reason);
  } else if (kind == TH_KEY_CIPHER) {
    error = th_key_read_cipher(text, size, &key->as.cipher, &reason);
  } else {
    error = th_key_read_secret(text, size, &password, &key->as.secret, &reason);
    kind = TH_KEY_SECRET;
  }
  if (error != 0) {
    return th_lua_raise(L, error, lua_pushfstring(L, "crypto.readKey: %s", reason.words));
  }
  key->kind = kind;
  return 1;
}

/* ---- signatures ------------------------------------------------------------------------------ */

static int crypto_sign(lua_State *L) {
  size_t size;
  unsigned char signature[TH_CRYPTO_SIGNATURE_SIZE];
  const char *data = th_lua_key_check_string(L, 1, "crypto.sign", "data", &size);
  const struct th_lua_key *key = th_lua_key_check(L, 2, TH_KEY_SECRET, "crypto.sign", "secret");
  int error = th_crypto_sign(data, size, key->as.secret.secret, signature);
  if (error != 0) return th_lua_raise(L, error, NULL);
  lua_pushlstring(L, (const char *)signature, sizeof signature);
  return 1;
}

/* Either 64 bytes, or the text of minisign. Pushes true, for a text the comment, or false and why.
 */
static int crypto_verify(lua_State *L) {
  size_t size, signature_size, used = 0;
  const char *data = th_lua_key_check_string(L, 1, "crypto.verify", "data", &size);
  const char *text = th_lua_key_check_string(L, 2, "crypto.verify", "signature", &signature_size);
  const struct th_public_key *key =
    &th_lua_key_check(L, 3, TH_KEY_PUBLIC, "crypto.verify", "public")->as.public_key;
  if (signature_size == TH_CRYPTO_SIGNATURE_SIZE) {
    lua_pushboolean(L, th_crypto_verify(data, size, key->point, (const unsigned char *)text));
    return 1;
  }
  struct th_signature signature;
  struct th_signed_data subject;
  struct th_reason reason = {"the signature is that of another key, or of other data"};
  bool is_read = th_signature_read(text, signature_size, &signature, &used, &reason) == 0 &&
                 used == signature_size;
  bool is_right = is_read && th_signature_prepare(&subject, data, size) == 0 &&
                  th_signature_verify(&signature, key, &subject);
  lua_pushboolean(L, is_right);
  if (is_right) {
    lua_pushlstring(L, signature.comment, signature.comment_size);
  } else {
    lua_pushstring(L, reason.words);
  }
  return 2;
}

/* [-0, +0, v] the comment at index, an empty one for nil. */
static const char *check_comment(lua_State *L, int index, const char *method, size_t *size) {
  *size = 0;
  if (lua_isnoneornil(L, index)) return "";
  const char *comment = th_lua_key_check_string(L, index, method, "comment", size);
  const char *fault = th_signature_comment_fault(comment, *size);
  if (fault != NULL) refuse(L, lua_pushfstring(L, "%s: the comment %s", method, fault));
  return comment;
}

/* The buffer is the caller's, who clears it: nothing here raises. */
static int write_minisign(const char *data, size_t size, const struct th_secret_key *key,
                          const char *comment, size_t comment_size, struct th_buffer *text) {
  struct th_signed_data subject;
  struct th_signature signature;
  int error = th_signature_prepare(&subject, data, size);
  if (error == 0) {
    error = th_signature_make(&subject, key, comment, comment_size, &signature, NULL);
  }
  if (error != 0) return error;
  th_signature_write(&signature, text);
  return text->error;
}

static int crypto_minisign(lua_State *L) {
  size_t size, comment_size;
  const char *data = th_lua_key_check_string(L, 1, "crypto.minisign", "data", &size);
  const struct th_lua_key *key = th_lua_key_check(L, 2, TH_KEY_SECRET, "crypto.minisign", "secret");
  const char *comment = check_comment(L, 3, "crypto.minisign", &comment_size);
  struct th_bytes **box = th_lua_push_bytes_box(L);
  struct th_buffer text;
  th_buffer_init(&text);
  int error = write_minisign(data, size, &key->as.secret, comment, comment_size, &text);
  if (error == 0) *box = th_bytes_copy(text.data, text.size);
  th_buffer_clear(&text);
  if (error != 0 || *box == NULL) return th_lua_raise(L, error != 0 ? error : TH_ENOMEM, NULL);
  return give_bytes(L, *box);
}

/* ---- encryption ------------------------------------------------------------------------------ */

/* [-0, +0, v] a number in the table at index, or what stands for nil. */
static uint64_t check_effort(lua_State *L, int index, const char *method, const char *name,
                             uint64_t otherwise) {
  int is_integer = 1;
  int type = lua_getfield(L, index, name);
  lua_Integer number = type == LUA_TNIL ? (lua_Integer)otherwise
                                        : lua_tointegerx(L, -1, &is_integer);
  if (!is_integer || number < 0) th_lua_key_refuse(L, -1, method, name, "a whole number");
  lua_pop(L, 1);
  return (uint64_t)number;
}

/* [-0, +1, v] the password in the table at index, whose string stays on the stack. */
static struct th_password check_table(lua_State *L, int index, const char *method) {
  lua_getfield(L, index, "password");
  return th_lua_key_check_password(L, -1, method);
}

static const char lock_words[] = "an encryption key, of newKey or readKey, or {password = ...}";

static int crypto_encrypt(lua_State *L) {
  static const char method[] = "crypto.encrypt";
  size_t size;
  struct th_reason reason = {""};
  const char *data = th_lua_key_check_string(L, 1, method, "data", &size);
  struct th_bytes **box = th_lua_push_bytes_box(L);
  int error;
  if (lua_istable(L, 2)) {
    struct th_password password = check_table(L, 2, method);
    if (password.text == NULL) return th_lua_key_refuse(L, 2, method, "key", lock_words);
    uint64_t passes = check_effort(L, 2, method, "passes", TH_SEAL_PASSES);
    uint64_t memory = check_effort(L, 2, method, "memory", TH_SEAL_MEMORY);
    error = th_seal_with_password(data, size, &password, passes, memory, box, &reason);
    if (error == TH_EUSAGE) error = TH_EMISUSE;
  } else {
    if (lua_type(L, 2) != LUA_TUSERDATA) th_lua_key_refuse(L, 2, method, "key", lock_words);
    const struct th_lua_key *key = th_lua_key_check(L, 2, TH_KEY_CIPHER, method, "key");
    error = th_seal_with_key(data, size, &key->as.cipher, box, &reason);
  }
  if (error == TH_EMISUSE) {
    return refuse(L, lua_pushfstring(L, "%s: %s", method, reason.words));
  }
  return error != 0 ? th_lua_raise_reason(L, error, &reason) : give_bytes(L, *box);
}

static int crypto_decrypt(lua_State *L) {
  static const char method[] = "crypto.decrypt";
  size_t size;
  struct th_reason reason = {""};
  struct th_seal_openers openers = {.keys = NULL};
  const struct th_cipher_key *key;
  const char *data = th_lua_key_check_string(L, 1, method, "data", &size);
  struct th_bytes **box = th_lua_push_bytes_box(L);
  if (lua_istable(L, 2)) {
    openers.password = check_table(L, 2, method);
    if (openers.password.text == NULL) th_lua_key_refuse(L, 2, method, "key", lock_words);
  } else {
    if (lua_type(L, 2) != LUA_TUSERDATA) th_lua_key_refuse(L, 2, method, "key", lock_words);
    key = &th_lua_key_check(L, 2, TH_KEY_CIPHER, method, "key")->as.cipher;
    openers.keys = &key;
    openers.key_count = 1;
  }
  int error = th_seal_open(data, size, &openers, box, &reason);
  return error != 0 ? give_reason(L, error, &reason) : give_bytes(L, *box);
}

/* ---- bundles --------------------------------------------------------------------------------- */

static int crypto_sign_bundle(lua_State *L) {
  static const char method[] = "crypto.signBundle";
  size_t size, comment_size;
  struct th_reason reason = {""};
  const char *data = th_lua_key_check_string(L, 1, method, "bundle", &size);
  const struct th_lua_key *key = th_lua_key_check(L, 2, TH_KEY_SECRET, method, "secret");
  const char *comment = check_comment(L, 3, method, &comment_size);
  struct th_bytes **box = th_lua_push_bytes_box(L);
  int error = th_envelope_sign(data, size, &key->as.secret, comment, comment_size, box, &reason);
  if (error == TH_EUSAGE) error = TH_ESIGNATURE;
  return error != 0 ? give_reason(L, error, &reason) : give_bytes(L, *box);
}

static int crypto_attach(lua_State *L) {
  static const char method[] = "crypto.attach";
  size_t size, text_size;
  struct th_reason reason = {""};
  const char *data = th_lua_key_check_string(L, 1, method, "bundle", &size);
  const char *text = th_lua_key_check_string(L, 2, method, "signature", &text_size);
  const struct th_lua_key *key = th_lua_key_check(L, 3, TH_KEY_PUBLIC, method, "public");
  struct th_bytes **box = th_lua_push_bytes_box(L);
  int error = th_envelope_attach(data, size, text, text_size, &key->as.public_key, box, &reason);
  if (error == TH_EUSAGE) error = TH_ESIGNATURE;
  return error != 0 ? give_reason(L, error, &reason) : give_bytes(L, *box);
}

/* What crypto.open is to accept. */
struct demands {
  const char *method;
  struct th_public_key *trusted; /* of trusted_count; in a userdata on the stack */
  size_t trusted_count;
  size_t needed; /* 0: signatures are not asked for */
  struct th_seal_openers openers;
};

/* [-0, +1, v] a field of the table at 2 that is a list of at most KEYS_LIMIT; pushes it, or nil. */
static size_t check_list(lua_State *L, const char *method, const char *name) {
  int type = lua_getfield(L, 2, name);
  if (type == LUA_TNIL) return 0;
  if (type != LUA_TTABLE) th_lua_key_refuse(L, -1, method, name, "a list of keys");
  size_t count = lua_rawlen(L, -1);
  if (count > KEYS_LIMIT) {
    refuse(L, lua_pushfstring(L, "%s: %s has more than %d keys", method, name, KEYS_LIMIT));
  }
  return count;
}

/* [-0, +2, v] */
static void check_trusted(lua_State *L, struct demands *demands) {
  size_t count = check_list(L, demands->method, "trusted");
  int list = lua_gettop(L);
  demands->trusted = lua_newuserdatauv(L, (count + 1) * sizeof *demands->trusted, 0);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    demands->trusted[i] =
      th_lua_key_check(L, -1, TH_KEY_PUBLIC, demands->method, "each of trusted")->as.public_key;
    lua_pop(L, 1);
  }
  demands->trusted_count = count;
  demands->needed = check_effort(L, 2, demands->method, "count", lua_isnil(L, list) ? 0 : 1);
  if (demands->needed > count || (demands->needed == 0 && !lua_isnil(L, list))) {
    refuse(L,
           lua_pushfstring(L, "%s: count is from 1 to the number of keys in trusted, which is %d",
                           demands->method, (int)count));
  }
}

/* [-0, +3, v] what decrypts: keys stay in their userdata, which the list keeps. */
static void check_openers(lua_State *L, struct demands *demands) {
  size_t count = check_list(L, demands->method, "keys");
  int list = lua_gettop(L);
  const struct th_cipher_key **keys = lua_newuserdatauv(L, (count + 1) * sizeof *keys, 0);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    keys[i] = &th_lua_key_check(L, -1, TH_KEY_CIPHER, demands->method, "each of keys")->as.cipher;
    lua_pop(L, 1);
  }
  demands->openers = (struct th_seal_openers){.keys = keys, .key_count = count};
  demands->openers.password = check_table(L, 2, demands->method);
}

/* [-0, +1, m] pushes {{id =, key =, comment =, trusted =}, ...}. */
static void push_signatures(lua_State *L, const struct th_envelope *envelope,
                            const struct demands *demands) {
  lua_createtable(L, (int)envelope->count, 0);
  for (size_t i = 0; i < envelope->count; i++) {
    const struct th_signer *signer = &envelope->signers[i];
    const struct th_envelope alone = {.count = 1, .signers = {*signer}};
    lua_createtable(L, 0, 3);
    struct th_lua_key *key = th_lua_key_push(L);
    key->as.public_key = signer->key;
    key->kind = TH_KEY_PUBLIC;
    lua_setfield(L, -2, "key");
    lua_pushlstring(L, signer->signature.comment, signer->signature.comment_size);
    lua_setfield(L, -2, "comment");
    lua_pushboolean(L, th_envelope_count(&alone, demands->trusted, demands->trusted_count) != 0);
    lua_setfield(L, -2, "trusted");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* [-0, +2, m] pushes the payload and what is known about it. */
static int give_opened(lua_State *L, const struct th_envelope *envelope,
                       const struct demands *demands, bool was_encrypted) {
  lua_pushlstring(L, (const char *)envelope->payload, envelope->payload_size);
  lua_createtable(L, 0, 3);
  lua_pushboolean(L, was_encrypted);
  lua_setfield(L, -2, "encrypted");
  push_signatures(L, envelope, demands);
  lua_setfield(L, -2, "signatures");
  size_t count = th_envelope_count(envelope, demands->trusted, demands->trusted_count);
  lua_pushinteger(L, (lua_Integer)count);
  lua_setfield(L, -2, "count");
  return 2;
}

/* Opens what is signed, or takes what is not for the payload where no signatures are asked for. */
static int open_signed(const void *data, size_t size, const struct demands *demands,
                       struct th_envelope *envelope, struct th_reason *reason) {
  enum th_envelope_kind kind = th_envelope_kind(data, size);
  if (kind == TH_ENVELOPE_SEALED_KIND) {
    return th_fail(reason, TH_ELOCKED, "what was encrypted is encrypted once more");
  }
  if (kind == TH_ENVELOPE_PLAIN_KIND && demands->needed == 0) {
    *envelope = (struct th_envelope){.payload = data, .payload_size = size};
    return 0;
  }
  int error = th_envelope_open(data, size, envelope, reason);
  if (error != 0) return error;
  return th_envelope_require(envelope, demands->trusted, demands->trusted_count, demands->needed,
                             reason);
}

static int crypto_open(lua_State *L) {
  struct demands demands = {.method = "crypto.open"};
  struct th_reason reason = {""};
  size_t size;
  lua_settop(L, 2);
  const void *data = th_lua_key_check_string(L, 1, demands.method, "bundle", &size);
  if (!lua_istable(L, 2)) th_lua_key_refuse(L, 2, demands.method, "demands", "a table");
  check_trusted(L, &demands);
  check_openers(L, &demands);
  struct th_bytes **box = th_lua_push_bytes_box(L);
  bool is_encrypted = th_envelope_kind(data, size) == TH_ENVELOPE_SEALED_KIND;
  if (is_encrypted) {
    int error = th_seal_open(data, size, &demands.openers, box, &reason);
    if (error != 0) return give_reason(L, error, &reason);
    data = (*box)->data;
    size = (*box)->size;
  }
  struct th_envelope envelope;
  int error = open_signed(data, size, &demands, &envelope, &reason);
  return error != 0 ? give_reason(L, error, &reason)
                    : give_opened(L, &envelope, &demands, is_encrypted);
}

/* [-0, +0, m] sets what the head of something encrypted says in the table on top. */
static void set_seal(lua_State *L, const struct th_seal *seal) {
  char id[TH_KEY_ID_TEXT];
  lua_pushboolean(L, seal->by_password);
  lua_setfield(L, -2, "password");
  if (seal->by_password) return;
  lua_pushstring(L, th_key_id_text(seal->id, id));
  lua_setfield(L, -2, "key");
}

static int crypto_inspect(lua_State *L) {
  static const char *const kinds[] = {[TH_ENVELOPE_PLAIN_KIND] = "plain",
                                      [TH_ENVELOPE_SIGNED_KIND] = "signed",
                                      [TH_ENVELOPE_SEALED_KIND] = "encrypted"};
  const struct demands none = {.method = NULL};
  struct th_reason reason = {""};
  struct th_envelope envelope;
  struct th_seal seal;
  size_t size;
  int error = 0;
  const char *data = th_lua_key_check_string(L, 1, "crypto.inspect", "bundle", &size);
  enum th_envelope_kind kind = th_envelope_kind(data, size);
  lua_createtable(L, 0, 3);
  lua_pushstring(L, kinds[kind]);
  lua_setfield(L, -2, "kind");
  if (kind == TH_ENVELOPE_SEALED_KIND) {
    if ((error = th_seal_read(data, size, &seal, &reason)) == 0) set_seal(L, &seal);
  } else if (kind == TH_ENVELOPE_SIGNED_KIND) {
    if ((error = th_envelope_open(data, size, &envelope, &reason)) == 0) {
      push_signatures(L, &envelope, &none);
      lua_setfield(L, -2, "signatures");
    }
  }
  return error != 0 ? give_reason(L, error, &reason) : 1;
}

/* ---- the table ------------------------------------------------------------------------------- */

static const luaL_Reg functions[] = {
  {"sha256", crypto_sha256},     {"random", crypto_random},
  {"equal", crypto_equal},       {"generateKeys", crypto_generate_keys},
  {"newKey", crypto_new_key},    {"readKey", crypto_read_key},
  {"sign", crypto_sign},         {"verify", crypto_verify},
  {"minisign", crypto_minisign}, {"encrypt", crypto_encrypt},
  {"decrypt", crypto_decrypt},   {"signBundle", crypto_sign_bundle},
  {"attach", crypto_attach},     {"open", crypto_open},
  {"inspect", crypto_inspect},   {NULL, NULL},
};

int th_lua_crypto_open(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
