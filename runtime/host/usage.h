/* usage: the commands of thespian-host and their options, in one table.
 *
 * The parser, the texts of --help and the dispatcher all read this table, so what is documented is
 * what is accepted.
 *
 * Threads: any; nothing here ever changes.
 */
#ifndef TH_HOST_USAGE_H
#define TH_HOST_USAGE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* name in the code, long name, letter or 0, its value or NULL, what it does */
#define TH_OPTIONS(X)                                                                              \
  X(BASE, "base", 0, "NAME", "multiprocTCPBase (default) or multiprocUDPBase")                     \
  X(HOST, "host", 0, "ADDR", "address the system listens on (default 127.0.0.1)")                  \
  X(PORT, "port", 0, "N", "port the system listens on (default 1900, UDP 1029)")                   \
  X(CONVENTION, "convention", 0, "HOST:PORT", "leader of the convention to join")                  \
  X(CAPABILITY, "capability", 0, "KEY=VALUE", "a capability of the system; repeatable")            \
  X(CONFIG, "config", 0, "FILE", "options as a Lua table, {port = 0, load = {...}, ...}")          \
  X(PATH, "path", 0, "DIR", "folder to look modules up in; repeatable")                            \
  X(LOAD, "load", 0, "FILE.zip", "bundle to load at the start; repeatable")                        \
  X(CREATE, "create", 0, "CLASS[@NAME]", "actor to create then, from those bundles first")         \
  X(DAEMON, "daemon", 0, NULL, "go on in the background when ready")                               \
  X(LOG_FILE, "log-file", 0, "FILE", "file for the log of the runtime")                            \
  X(LOG_LEVEL, "log-level", 0, "LEVEL", "debug, info, warning, error or critical")                 \
  X(LOG_FORMAT, "log-format", 0, "FORMAT", "text or json")                                         \
  X(LOG_HANDLER, "log-handler", 0, "JSON", "one of several logs, see above; repeatable")           \
  X(SOURCE, "source", 0, "HASH", "bundle that the class is in (8 digits or more)")                 \
  X(NAME, "name", 0, "NAME", "global name; an actor that has it is given instead")                 \
  X(REQUIRE, "require", 0, "KEY=VALUE", "a requirement for the actor; repeatable")                 \
  X(WATCH, "watch", 0, NULL, "start the program again whenever its files change")                  \
  X(WHEN_DRAINED, "when-drained", 0, NULL, "return when no actor runs from it any more")           \
  X(NO_RECURSIVE, "no-recursive", 0, NULL, "leave the actor's children alive")                     \
  X(UNSET, "unset", 0, "KEY", "take the capability away")                                          \
  X(JSON, "json", 0, NULL, "print JSON")                                                           \
  X(ALL, "all", 0, NULL, "show every actor, not the first 200 alone")                              \
  X(OUTPUT, "output", 'o', "NAME", "what to write, see above")                                     \
  X(COMPILE, "compile", 0, NULL, "compile the Lua files, for a source authority to approve")       \
  X(KEEP_DEBUG, "keep-debug", 0, NULL, "with --compile: errors still tell file and line")          \
  X(SIGN, "sign", 0, "KEYFILE", "secret key to sign with; repeatable")                             \
  X(ENCRYPT, "encrypt", 0, "KEYFILE", "encryption key to encrypt with")                            \
  X(ENCRYPT_PASSWORD, "encrypt-password", 0, "FILE", "file of the password to encrypt with")       \
  X(ENCRYPTION, "encryption", 0, NULL, "make a key for encryption instead")                        \
  X(KEY, "key", 0, "KEYFILE", "the key, see above")                                                \
  X(SIGNATURE, "signature", 0, "FILE.minisig", "add this signature, which minisign has made")      \
  X(COMMENT, "comment", 0, "TEXT", "text to be signed, too (default: file: and its name)")         \
  X(PASSWORD_FILE, "password-file", 0, "FILE", "file whose first line is the password")            \
  X(TRUST, "trust", 0, "KEYFILE", "public key that is trusted; repeatable")                        \
  X(TRUST_COUNT, "trust-count", 0, "K", "how many of those must have signed (default 1)")          \
  X(TRUST_STATE, "trust-state", 0, "FILE", "where the newest versions are kept")                   \
  X(TIMEOUT, "timeout", 0, "SECONDS", "give up after so long (default 50)")                        \
  X(HELP, "help", 'h', NULL, "print this")

enum th_option {
#define X(id, name, letter, value, words) TH_OPTION_##id,
  TH_OPTIONS(X)
#undef X
    TH_OPTION_COUNT
};

_Static_assert(TH_OPTION_COUNT <= 64, "a bit for each option");

struct th_option_usage {
  const char *name;
  char letter;       /* 0 for none */
  const char *value; /* NULL for a flag */
  const char *words;
};

/* By enum th_option. */
extern const struct th_option_usage th_option_usages[TH_OPTION_COUNT];

#define TH_BIT(id) (UINT64_C(1) << TH_OPTION_##id)

/* What every command takes that talks to a system. */
#define TH_REACH (TH_BIT(BASE) | TH_BIT(HOST) | TH_BIT(PORT) | TH_BIT(TIMEOUT))

/* As many arguments as there are; options end at the first, the others are the program's. */
#define TH_ANY_NUMBER 1000000

/* name in the code, name, arguments, least and most of them, options, what it does, more of it */
#define TH_COMMANDS(X)                                                                             \
  X(run, "run", "FILE|DIR|ZIP [ARG...]", 1, TH_ANY_NUMBER, TH_BIT(WATCH),                          \
    "run a Lua program, thespian modules built in",                                                \
    "The program is a file, a folder with a main.lua, or a zip of such a folder.\n"                \
    "What follows it is the program's own, as arg and ... tell it; but a --watch right\n"          \
    "after it is as one before it. `run -- FILE --watch` gives that to the program.\n\n"           \
    "With --watch, for development, the program and all that it has started, systems in\n"         \
    "the background included, are ended and started again when a file in DIR or its\n"             \
    "folders changes, comes or goes; of a FILE when that or a Lua file beside it does.\n"          \
    "Hidden files and editors' backups do not count. Ctrl-C ends it all.\n")                       \
  X(start, "start", "", 0, 0,                                                                      \
    TH_BIT(BASE) | TH_BIT(HOST) | TH_BIT(PORT) | TH_BIT(CONVENTION) | TH_BIT(CAPABILITY) |         \
      TH_BIT(CONFIG) | TH_BIT(PATH) | TH_BIT(LOAD) | TH_BIT(CREATE) | TH_BIT(DAEMON) |             \
      TH_BIT(LOG_FILE) | TH_BIT(LOG_LEVEL) | TH_BIT(LOG_FORMAT) | TH_BIT(LOG_HANDLER) |            \
      TH_BIT(TRUST) | TH_BIT(TRUST_COUNT) | TH_BIT(TRUST_STATE) | TH_BIT(KEY),                     \
    "start a system; prints its base, address and port when it is ready",                          \
    "Port 0 takes any free one. The system runs until `shutdown`, or SIGTERM, SIGINT,\n"           \
    "SIGQUIT, at which actors are asked to exit; a second signal ends it at once.\n"               \
    "The log goes to standard error, with --daemon to THESPLOG_FILE or\n"                          \
    "/tmp/thespian.log. A VALUE is JSON where it parses as JSON, else a plain string.\n"           \
    "With --trust nothing is loaded that those keys have not signed, or is past its time,\n"       \
    "or older than what was loaded before under its name; --key opens what is encrypted.\n"        \
    "With --log-handler lines go to the handlers alone, each to all that want its level:\n"        \
    "'{\"file\": \"audit.log\", \"level\": \"info\", \"format\": \"json\"}'. What is left out\n"   \
    "is as the other --log- options say. The word none takes back the handlers before\n"           \
    "it; without any, nothing is logged.\n"                                                        \
    "A config file returns a table that names options as here, without the dashes:\n"              \
    "repeatable ones as lists, log_handler as a list of tables, and\n"                             \
    "capabilities = {KEY = VALUE}. Options given on the command line come before those of\n"       \
    "the file.\n")                                                                                 \
  X(shutdown, "shutdown", "", 0, 0, TH_REACH, "shut the system down, when every actor has exited", \
    "")                                                                                            \
  X(load, "load", "FILE.zip", 1, 1, TH_REACH, "load a bundle; prints its source hash", "")         \
  X(unload, "unload", "HASH", 1, 1, TH_BIT(WHEN_DRAINED) | TH_REACH,                               \
    "unload a bundle: no new actors come from it",                                                 \
    "The first 8 digits of the hash will do, if they name one bundle. Actors that run from\n"      \
    "it go on, and may create others from it. With --when-drained the command returns\n"           \
    "when the last of them has exited; who gave up waiting may wait again.\n")                     \
  X(sources, "sources", "", 0, 0, TH_REACH, "list the bundles that are loaded", "")                \
  X(create, "create", "CLASS", 1, 1, TH_BIT(SOURCE) | TH_BIT(NAME) | TH_BIT(REQUIRE) | TH_REACH,   \
    "create an actor; prints its address", "CLASS is a qualified name, \"module.Class\".\n")       \
  X(tell, "tell", "ADDRESS MESSAGE", 2, 2, TH_REACH, "send a message", TH_MESSAGE_HELP)            \
  X(ask, "ask", "ADDRESS MESSAGE", 2, 2, TH_REACH,                                                 \
    "send a message, wait for the answer and print it", TH_MESSAGE_HELP)                           \
  X(exit, "exit", "ADDRESS", 1, 1, TH_BIT(NO_RECURSIVE) | TH_REACH,                                \
    "ask an actor to exit, and its children", TH_ADDRESS_HELP)                                     \
  X(status, "status", "[ADDRESS]", 0, 1, TH_BIT(JSON) | TH_BIT(ALL) | TH_REACH,                    \
    "show the state of the system, or of an actor", TH_ADDRESS_HELP)                               \
  X(capability, "capability", "[KEY[=VALUE]]", 0, 1, TH_BIT(UNSET) | TH_REACH,                     \
    "show the system's capabilities, or one of them, or set it",                                   \
    "A VALUE is JSON where it parses as JSON, else a plain string. Actors whose class's\n"         \
    "check says no to the new capabilities are asked to exit.\n")                                  \
  X(bundle, "bundle", "DIR", 1, 1,                                                                 \
    TH_BIT(OUTPUT) | TH_BIT(COMPILE) | TH_BIT(KEEP_DEBUG) | TH_BIT(SIGN) | TH_BIT(ENCRYPT) |       \
      TH_BIT(ENCRYPT_PASSWORD) | TH_BIT(COMMENT) | TH_BIT(PASSWORD_FILE),                          \
    "pack a folder as a bundle; prints its source hash",                                           \
    "Writes the file NAME, without -o the folder's name .zip. Hidden files stay out. The\n"        \
    "same files give the same bundle, whatever their dates. It is signed first, then\n"            \
    "encrypted, each as far as it is asked for. The password file is for secret\n"                 \
    "keys that are protected.\n")                                                                  \
  X(keygen, "keygen", "", 0, 0, TH_BIT(OUTPUT) | TH_BIT(ENCRYPTION) | TH_BIT(PASSWORD_FILE),       \
    "make a pair of keys for signing bundles, or a key to encrypt them",                           \
    "Writes NAME.key, which stays secret, and NAME.pub, for those who are to trust it, in\n"       \
    "the formats of minisign, and prints the public key. Without -o NAME is \"bundle\". The\n"     \
    "password, if there is one, protects the secret key. A key for encryption has one\n"           \
    "file, NAME.key, and its id is printed. No file is overwritten.\n")                            \
  X(sign, "sign", "FILE", 1, 1,                                                                    \
    TH_BIT(KEY) | TH_BIT(SIGNATURE) | TH_BIT(COMMENT) | TH_BIT(PASSWORD_FILE) | TH_BIT(OUTPUT),    \
    "sign a bundle, or add a signature; prints its new source hash",                               \
    "The key is a secret key, or for a signature that was made elsewhere the public key\n"         \
    "it was made with. The file is replaced, but with -o NAME that one is written.\n")             \
  X(inspect, "inspect", "FILE", 1, 1,                                                              \
    TH_BIT(TRUST) | TH_BIT(TRUST_COUNT) | TH_BIT(KEY) | TH_BIT(PASSWORD_FILE),                     \
    "show what is in a bundle, and whether it would be accepted",                                  \
    "The key, or the password, is the one that an encrypted bundle was encrypted with.\n"          \
    "Where there are keys that are trusted, the bundle must be signed with them. The exit\n"       \
    "status is 1 where the bundle would be refused.\n")

#define TH_ADDRESS_HELP                                                                            \
  "ADDRESS is the text that `create` or `status` printed, or @NAME for a global name.\n"           \
  "Without --host and --port the system is the one that the address tells.\n"

#define TH_MESSAGE_HELP                                                                            \
  TH_ADDRESS_HELP                                                                                  \
  "MESSAGE is JSON where it parses as JSON, else a plain string; put -- before one\n"              \
  "that begins with a dash. Strings are printed as they are, other values as JSON.\n"

enum th_command_id {
#define X(id, name, arguments, least, most, options, words, more) TH_COMMAND_##id,
  TH_COMMANDS(X)
#undef X
    TH_COMMAND_COUNT
};

struct th_command_usage {
  enum th_command_id id;
  const char *name;
  const char *arguments;
  int least;
  int most;
  uint64_t options; /* TH_BITs; HELP is always one */
  const char *words;
  const char *more;
};

/* NULL for no such command. */
const struct th_command_usage *th_usage_find(const char *name);

/* What --help prints, for one command and alone. */
void th_usage_print(const struct th_command_usage *command, FILE *out);
void th_usage_overview(FILE *out);

#endif
