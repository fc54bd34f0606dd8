#include "bindings/coroutine.h"

#include <lauxlib.h>

#include "bindings/interrupt.h"
#include "bindings/state.h"

/* How a resumption ended, where not with that many results on the resumer's stack. */
#define RAISED (-1)      /* with the error there */
#define INTERRUPTED (-2) /* the resumer must yield, too, and then go on */

static lua_State *check_coroutine(lua_State *L) {
  lua_State *coroutine = lua_tothread(L, 1);
  luaL_argexpected(L, coroutine != NULL, 1, lua_typename(L, LUA_TTHREAD));
  return coroutine;
}

/* ---- resume and wrap ---- */

static int go_on(lua_State *L, lua_State *coroutine, int arguments) {
  struct th_script_state *state = th_script_state_of(L);
  int results;
  int status = th_interrupt_resume(state, coroutine, L, arguments, &results);
  if (status == LUA_YIELD && state->interrupt.is_preempted) return INTERRUPTED;
  if (status == LUA_OK || status == LUA_YIELD) {
    if (lua_checkstack(L, results + 1)) {
      lua_xmove(coroutine, L, results);
      return results;
    }
    lua_pop(coroutine, results);
    lua_pushliteral(L, "too many results to resume");
    return RAISED;
  }
  if (state->interrupt.stop != TH_STOP_NONE) th_interrupt_raise(L);
  lua_xmove(coroutine, L, 1);
  return RAISED;
}

/* The arguments are on top. */
static int resume(lua_State *L, lua_State *coroutine, int arguments) {
  if (!lua_checkstack(coroutine, arguments)) {
    lua_pushliteral(L, "too many arguments to resume");
    return RAISED;
  }
  lua_xmove(L, coroutine, arguments);
  return go_on(L, coroutine, arguments);
}

static int resume_again(lua_State *L, int status, lua_KContext context);

static int answer_resume(lua_State *L, int results) {
  if (results == INTERRUPTED) return lua_yieldk(L, 0, 0, resume_again);
  lua_pushboolean(L, results != RAISED);
  if (results == RAISED) results = 1;
  lua_insert(L, -(results + 1));
  return results + 1;
}

static int resume_again(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  return answer_resume(L, go_on(L, lua_tothread(L, 1), 0));
}

/* coroutine.resume(co, ...) -> true, ... | false, error */
static int co_resume(lua_State *L) {
  lua_State *coroutine = check_coroutine(L);
  return answer_resume(L, resume(L, coroutine, lua_gettop(L) - 1));
}

static int wrap_again(lua_State *L, int status, lua_KContext context);

/* lua_resetthread with a bound on how deep such calls are nested: each takes a piece of the C
 * stack. Leaves the error, if any, on the coroutine's stack. */
static int reset(lua_State *L, lua_State *coroutine) {
  struct th_script_state *state = th_script_state_of(L);
  if (state->closes >= TH_COROUTINE_CLOSES)
    return luaL_error(L, "too many nested calls to close coroutines (limit is %d)",
                      TH_COROUTINE_CLOSES);
  state->closes++;
  int status = th_interrupt_reset(state, coroutine);
  state->closes--;
  if (state->interrupt.stop != TH_STOP_NONE) th_interrupt_raise(L);
  return status;
}

/* The error is on top: the coroutine's variables are closed, and the error gets the caller's
 * place. */
static int raise_from(lua_State *L, lua_State *coroutine) {
  int status = lua_status(coroutine);
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_pushvalue(L, -1);
    lua_xmove(L, coroutine, 1);
    status = reset(L, coroutine);
    if (status != LUA_OK) lua_xmove(coroutine, L, 1);
  }
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

static int answer_wrap(lua_State *L, int results) {
  if (results == INTERRUPTED) return lua_yieldk(L, 0, 0, wrap_again);
  if (results == RAISED) return raise_from(L, lua_tothread(L, lua_upvalueindex(1)));
  return results;
}

static int wrap_again(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  return answer_wrap(L, go_on(L, lua_tothread(L, lua_upvalueindex(1)), 0));
}

static int call_wrapped(lua_State *L) {
  return answer_wrap(L, resume(L, lua_tothread(L, lua_upvalueindex(1)), lua_gettop(L)));
}

/* coroutine.create(f) -> co */
static int co_create(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *coroutine = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, coroutine, 1);
  return 1;
}

/* coroutine.wrap(f) -> function */
static int co_wrap(lua_State *L) {
  co_create(L);
  lua_pushcclosure(L, call_wrapped, 1);
  return 1;
}

/* ---- what coroutines are ---- */

/* The one in which handlers run is what the main one is to others' code. */
static bool is_main(lua_State *L) {
  return L == th_script_state_of(L)->handler || L == th_script_state_of(L)->L;
}

/* coroutine.yield(...) */
static int co_yield (lua_State *L) {
  if (is_main(L)) return luaL_error(L, "attempt to yield from outside a coroutine");
  return lua_yield(L, lua_gettop(L));
}

/* coroutine.isyieldable([co]) -> boolean */
static int co_isyieldable(lua_State *L) {
  lua_State *coroutine = lua_isnone(L, 1) ? L : check_coroutine(L);
  lua_pushboolean(L, !is_main(coroutine) && lua_isyieldable(coroutine));
  return 1;
}

/* coroutine.running() -> co, boolean */
static int co_running(lua_State *L) {
  lua_pushthread(L);
  lua_pushboolean(L, is_main(L));
  return 2;
}

static const char *status_of(lua_State *L, lua_State *coroutine) {
  lua_Debug frame;
  if (L == coroutine) return "running";
  if (lua_status(coroutine) == LUA_YIELD) return "suspended";
  if (lua_status(coroutine) != LUA_OK) return "dead";
  if (lua_getstack(coroutine, 0, &frame)) return "normal";
  return lua_gettop(coroutine) == 0 ? "dead" : "suspended";
}

/* coroutine.status(co) -> "running" | "suspended" | "normal" | "dead" */
static int co_status(lua_State *L) {
  lua_pushstring(L, status_of(L, check_coroutine(L)));
  return 1;
}

/* coroutine.close(co) -> true | false, error */
static int co_close(lua_State *L) {
  lua_State *coroutine = check_coroutine(L);
  const char *status = status_of(L, coroutine);
  if (*status == 'r' || *status == 'n') return luaL_error(L, "cannot close a %s coroutine", status);
  if (reset(L, coroutine) == LUA_OK) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushboolean(L, 0);
  lua_xmove(coroutine, L, 1);
  return 2;
}

static const luaL_Reg functions[] = {
  {"create", co_create}, {"resume", co_resume},           {"wrap", co_wrap},
  {"yield", co_yield },  {"status", co_status},           {"running", co_running},
  {"close", co_close},   {"isyieldable", co_isyieldable}, {NULL, NULL},
};

int th_coroutine_open(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
