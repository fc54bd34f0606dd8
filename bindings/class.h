/* class: how classes are made and looked into, and the one that all actors derive from.
 *
 * A class is three tables. The class itself is what users hold; it is empty but for __meta, so that
 * every access comes to the functions here. Its methods lie in meta.__index, so an instance finds
 * methods there and neither `name` nor `super` nor `new`: a message with a field `name` that is nil
 * has no name. meta is the metatable of its instances, and what the codec knows a class by
 * (bindings/codec.h):
 *
 *   __index     the methods; behind them, by their metatable, the base's
 *   __thespian  true
 *   __name      the short name, which Lua's tostring uses too
 *   __class     the class
 *   __base      the base's meta, or nil
 *   __link      what stands behind the methods of subclasses: {__index = our methods, meta of
 *               subclass, ...}
 *   __special   the metamethods of instances: {[name] = true}, or nil; each is in the methods too
 *   __module    name of the module that made it, or nil when that is unknown
 *   __file      that module's file (in programs)
 *   __kind      kind of message, for system messages (message/message.h)
 *   __names     packed names, written by the codec
 *   __layers    what decorators put around its actors, see thespian.layers; or nil
 *   __watch     {[key] = function(value)}: who is given what is assigned under a key, or nil
 *   __foreign   the qualified name of a class that could not be loaded here, see thespian.finding
 *   __needs     what requireCapability requires, see thespian.requiring; or nil
 *
 * It is C because every actor has a state of its own: functions without upvalues cost a state
 * nothing, where the same in Lua cost each actor kilobytes. What few actors need is Lua, and is
 * loaded by those that need it.
 *
 * Threads: the state's. Owns: what is in the state's registry.
 */
#ifndef TH_BINDINGS_CLASS_H
#define TH_BINDINGS_CLASS_H

#include <lua.h>
#include <stdbool.h>

/* Makes what is the same for all classes, and the class Actor: in the state of an actor, or of a
 * program. Once for a state, before anything else here; the state has a require. [-0, +0, m] */
void th_class_open(lua_State *L, bool is_actor);

/* Makes a class. base: index of a class, or 0 for none; module: NULL when it is unknown.
 * [-0, +1, m] */
void th_class_make(lua_State *L, const char *name, int base, const char *module);

/* True for classes; not for their instances. [-0, +0, -] */
bool th_class_is(lua_State *L, int index);

/* Whether the class at index is Actor, or derives from it. [-0, +0, -] */
bool th_class_is_of_actor(lua_State *L, int index);

/* The metatable of the instances of the class at index. [-0, +1, m] */
void th_class_push_meta(lua_State *L, int index);

/* The class Actor. [-0, +1, -] */
void th_class_push_actor(lua_State *L);

/* The function actors.class(name, base): makes a class, a table whose functions are the methods of
 * its instances; these are made by Class(...) or Class:new(...), which call init(self, ...) where
 * there is one. [-0, +1, -] */
void th_class_push_maker(lua_State *L);

/* For require: thespian.class, a table {classes, recorded, lazy, make, class}: the metatable of all
 * classes; {["module.Short"] = class} for those whose module is known; lazy(module, key) gives a
 * function that calls require(module)[key]; make(name, base, module) makes a class, and so does
 * actors.class. */
int th_class_open_module(lua_State *L);

/* For require: thespian.actor, which is the class Actor. */
int th_class_open_actor_module(lua_State *L);

#endif
