/* program: the part of thespian.core that serves programs outside actors.
 *
 *   open(base, capabilities or nil, options or nil) -> connection
 *     options: path    {folder, ...} where a system that is started looks modules up
 *              host    the program thespian-host, for a system in a process of its own
 *              log     {file = path, level = name, format = name}, false for none; nil: as usual
 *   connection:request(OPERATION, ...) -> result of an operation of message/protocol.h
 *   connection:tell(address, message)
 *   connection:ask(address, message, seconds or nil) -> value | nil, "timeout" | nil, "dead"
 *   connection:listen(seconds or nil) -> value, sender | nil, "timeout"
 *   connection:private() -> another connection to the same system
 *   connection:shutdown(seconds or nil), connection:close()
 *   connection:endpoint() -> address, connection:admin() -> address
 *   connection:base() -> name, connection:port() -> integer (0: none), connection:pid() -> integer
 *   pack({{name, data}, ...}) -> zip, sha256(data) -> 64 hexadecimal digits
 *   programBundle() -> zip or nil, programFolder() -> path or nil: what `thespian-host run` runs
 *
 * A connection is closed by close, by a <close> variable that goes out of scope, or by the
 * collector. Systems of the bases that live with the process end with the last connection to them.
 *
 * Threads: the state's. Calls block; nothing is held meanwhile that actors need.
 * Owns: a connection its client and, with the others to the same system, a system in this process.
 */
#ifndef TH_BINDINGS_PROGRAM_H
#define TH_BINDINGS_PROGRAM_H

#include <lua.h>

/* Where run leaves in the registry what programBundle and programFolder give. */
#define TH_PROGRAM_BUNDLE "thespian.program.bundle"
#define TH_PROGRAM_FOLDER "thespian.program.folder"

/* [-0, +0, m] adds these functions to the table on top. */
void th_program_open(lua_State *L);

#endif
