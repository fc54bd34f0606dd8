#include "bindings/key.h"

#include <lauxlib.h>
#include <string.h>

#include "bindings/raise.h"

static const char *const type_name = "thespian.Key";

static const char *const kind_names[] = {
  [TH_KEY_NONE] = "closed",  [TH_KEY_PUBLIC] = "public",     [TH_KEY_SECRET] = "secret",
  [TH_KEY_PROTECTED] = NULL, [TH_KEY_CIPHER] = "encryption",
};

/* ---- checking -------------------------------------------------------------------------------- */

/* [-0, +1, m] pushes what the value at index is, for an error. */
static const char *push_got(lua_State *L, int index) {
  const struct th_lua_key *key = luaL_testudata(L, index, type_name);
  if (lua_isnoneornil(L, index)) return lua_pushliteral(L, "nil");
  if (key == NULL) return lua_pushstring(L, luaL_typename(L, index));
  if (key->kind == TH_KEY_NONE) return lua_pushliteral(L, "a key that is closed");
  return lua_pushfstring(L, "%s %s key", key->kind == TH_KEY_CIPHER ? "an" : "a",
                         kind_names[key->kind]);
}

int th_lua_key_refuse(lua_State *L, int index, const char *method, const char *name,
                      const char *wanted) {
  const char *got = push_got(L, index);
  return th_lua_raise(L, TH_EMISUSE,
                      lua_pushfstring(L, "%s: %s is %s, got %s", method, name, wanted, got));
}

struct th_lua_key *th_lua_key_check(lua_State *L, int index, enum th_key_kind kind,
                                    const char *method, const char *name) {
  static const char *const wanted[] = {
    [TH_KEY_PUBLIC] = "a public key, of generateKeys or readKey",
    [TH_KEY_SECRET] = "a secret key, of generateKeys or readKey",
    [TH_KEY_CIPHER] = "an encryption key, of newKey or readKey",
  };
  struct th_lua_key *key = luaL_testudata(L, index, type_name);
  if (key == NULL || key->kind != kind) {
    th_lua_key_refuse(L, index, method, name, wanted[kind]);
  }
  return key;
}

const char *th_lua_key_check_string(lua_State *L, int index, const char *method, const char *name,
                                    size_t *size) {
  if (lua_type(L, index) != LUA_TSTRING) th_lua_key_refuse(L, index, method, name, "a string");
  return lua_tolstring(L, index, size);
}

struct th_password th_lua_key_check_password(lua_State *L, int index, const char *method) {
  struct th_password password = {NULL, 0};
  if (lua_isnoneornil(L, index)) return password;
  password.text = th_lua_key_check_string(L, index, method, "password", &password.size);
  if (password.size == 0) {
    th_lua_raise(L, TH_EMISUSE, lua_pushfstring(L, "%s: the password is empty", method));
  }
  return password;
}

/* ---- what a key can do ----------------------------------------------------------------------- */

static struct th_lua_key *check_self(lua_State *L, const char *method) {
  struct th_lua_key *key = luaL_testudata(L, 1, type_name);
  if (key == NULL) th_lua_key_refuse(L, 1, method, "self", "a key");
  if (key->kind == TH_KEY_NONE) {
    th_lua_raise(L, TH_EMISUSE, lua_pushfstring(L, "%s: the key is closed", method));
  }
  return key;
}

/* Pushes the text, which is wiped here. [-0, +1, m] */
static int push_text(lua_State *L, char *text) {
  lua_pushstring(L, text);
  th_crypto_wipe(text, TH_KEY_TEXT_SIZE);
  return 1;
}

/* text(password or nil) -> text of a key file */
static int key_text(lua_State *L) {
  struct th_lua_key *key = check_self(L, "key:text");
  struct th_password password = th_lua_key_check_password(L, 2, "key:text");
  struct th_reason reason = {""};
  char text[TH_KEY_TEXT_SIZE] = "";
  int error = 0;
  if (password.text != NULL && key->kind != TH_KEY_SECRET) {
    return th_lua_raise(L, TH_EMISUSE, "key:text: only a secret key is protected by a password");
  }
  if (key->kind == TH_KEY_PUBLIC) th_key_write_public(&key->as.public_key, text);
  if (key->kind == TH_KEY_CIPHER) th_key_write_cipher(&key->as.cipher, text);
  if (key->kind == TH_KEY_SECRET) {
    error = th_key_write_secret(&key->as.secret, &password, text, &reason);
  }
  return error != 0 ? th_lua_raise_reason(L, error, &reason) : push_text(L, text);
}

/* Also __gc and __close; closing twice is nothing. */
static int key_close(lua_State *L) {
  struct th_lua_key *key = luaL_testudata(L, 1, type_name);
  if (key != NULL) th_crypto_wipe(key, sizeof *key);
  return 0;
}

/* Of each kind the id comes first. */
static int push_id(lua_State *L, const struct th_lua_key *key) {
  char id[TH_KEY_ID_TEXT];
  lua_pushstring(L, th_key_id_text(key->as.public_key.id, id));
  return 1;
}

static int push_public(lua_State *L, const struct th_lua_key *key) {
  struct th_lua_key *public_key = th_lua_key_push(L);
  th_key_public_of(&key->as.secret, &public_key->as.public_key);
  public_key->kind = TH_KEY_PUBLIC;
  return 1;
}

/* The methods are the upvalue. */
static int key_index(lua_State *L) {
  const struct th_lua_key *key = luaL_testudata(L, 1, type_name);
  const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (key == NULL) return 0;
  if (strcmp(name, "kind") == 0) {
    lua_pushstring(L, kind_names[key->kind]);
    return 1;
  }
  if (strcmp(name, "id") == 0 && key->kind != TH_KEY_NONE) return push_id(L, key);
  if (strcmp(name, "public") == 0 && key->kind == TH_KEY_SECRET) return push_public(L, key);
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(1));
  return 1;
}

/* Never the secret: a public key as its word, others as their kind and id. */
static int key_tostring(lua_State *L) {
  const struct th_lua_key *key = luaL_testudata(L, 1, type_name);
  char word[TH_KEY_WORD_SIZE], id[TH_KEY_ID_TEXT];
  if (key == NULL || key->kind == TH_KEY_NONE) {
    lua_pushliteral(L, "closed key");
  } else if (key->kind == TH_KEY_PUBLIC) {
    lua_pushstring(L, th_key_word(&key->as.public_key, word));
  } else {
    lua_pushfstring(L, "%s key %s", kind_names[key->kind],
                    th_key_id_text(key->as.public_key.id, id));
  }
  return 1;
}

/* Equal when all of it is, in a time that tells nothing. */
static int key_eq(lua_State *L) {
  const struct th_lua_key *left = luaL_testudata(L, 1, type_name);
  const struct th_lua_key *right = luaL_testudata(L, 2, type_name);
  bool is_same = left != NULL && right != NULL && left->kind == right->kind &&
                 left->kind != TH_KEY_NONE;
  size_t size = is_same && left->kind == TH_KEY_SECRET ? sizeof left->as.secret
                                                       : sizeof left->as.public_key;
  lua_pushboolean(L, is_same && th_crypto_equal(&left->as, &right->as, size));
  return 1;
}

static const luaL_Reg methods[] = {
  {"text", key_text},
  {"close", key_close},
  {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
  {"__gc", key_close}, {"__close", key_close}, {"__tostring", key_tostring},
  {"__eq", key_eq},    {NULL, NULL},
};

/* [-0, +0, m] fills the new metatable on top. */
static void fill_metatable(lua_State *L) {
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_pushcclosure(L, key_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
}

struct th_lua_key *th_lua_key_push(lua_State *L) {
  struct th_lua_key *key = lua_newuserdatauv(L, sizeof *key, 0);
  *key = (struct th_lua_key){.kind = TH_KEY_NONE};
  if (luaL_newmetatable(L, type_name)) fill_metatable(L);
  lua_setmetatable(L, -2);
  return key;
}
