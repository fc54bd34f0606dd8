/* run: Lua programs inside thespian-host, with the thespian modules built in.
 *
 * A program is a file, a folder with a main.lua, or a zip of such a folder; all three see the state
 * that lua5.4 would give them (standard libraries, arg, LUA_PATH, LUA_INIT), and thespian.* from
 * the binary, whatever is installed. The modules of a folder, or beside a file, come before those
 * of package.path; those of a zip are read from memory, and tracebacks name them
 * bundle:HASH/path.lua.
 *
 * Threads: caller; one program at a time in a process, for the sake of SIGINT. Actors of an
 * in-process system have states of their own, in which nothing of this holds.
 */
#ifndef TH_BINDINGS_RUN_H
#define TH_BINDINGS_RUN_H

struct th_script;

/* Runs the program argv[0] with the arguments after it. Gives the exit status: 0, or 1 when the
 * program did not load or raised an error, which is then on standard error with a traceback. */
int th_run_program(int argc, char **argv);

/* "Lua 5.4.4". Borrowed for ever. */
const char *th_lua_version(void);

/* What runs actors in Lua, for th_system_config. Borrowed for ever. */
const struct th_script *th_script_lua(void);

#endif
