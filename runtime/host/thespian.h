/* thespian: actor systems in a C or C++ program: start one or join one, talk to its actors, and be
 * actors.
 *
 * Actors are Lua classes, by the name "module.Class", and classes that the program registers
 * itself. docs/embedding.md shows all of it in one example; link with `pkg-config --cflags --libs
 * thespian` or with the CMake target thespian::thespian.
 *
 * Errors: functions that can fail return 0 or a negative number, one of enum thespian_error or the
 * negative of an errno. thespian_error_words says what the number means; reason, where it is not
 * NULL, then has words for a person that say more. A function that failed has changed nothing.
 *
 * Ownership: what a function takes as const it borrows for the call, and copies what it keeps.
 * Handles that a function gives are released with the function named beside it; what a handle lends
 * (texts, values) lives as long as the handle.
 *
 * Threads: a struct thespian_system is used by one thread at a time; another thread takes one of
 * its own with thespian_private. Builders and messages belong to their holder. Functions of a
 * struct thespian_actor are called by that actor's own functions alone, while one of them runs.
 * Functions that take only values are called anywhere.
 *
 * Misuse that cannot be answered with an error is undefined: a NULL where none is allowed, a handle
 * that has been released.
 */
#ifndef TH_HOST_THESPIAN_H
#define TH_HOST_THESPIAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define THESPIAN_API __attribute__((__visibility__("default")))
#define THESPIAN_FORMAT(text, first) __attribute__((__format__(__printf__, text, first)))

/* ---- errors ---------------------------------------------------------------------------------- */

enum thespian_error {
  THESPIAN_ENOMEM = -5001,
  THESPIAN_EMALFORMED = -5002,     /* bytes that make no value */
  THESPIAN_ETOOBIG = -5003,        /* larger than the system's "Message Size Limit" */
  THESPIAN_ECANNOTSEND = -5004,    /* a builder that holds no proper value */
  THESPIAN_EADDRESS = -5005,       /* not an actor's address */
  THESPIAN_ESPECIFICATION = -5006, /* no such class, or its actor failed to start */
  THESPIAN_ENOCOMPATIBLE = -5007,  /* the class's check of the capabilities said no */
  THESPIAN_ESOURCE = -5008,        /* no source with that hash is loaded */
  THESPIAN_EBUNDLE = -5009,        /* not a usable bundle */
  THESPIAN_ETIMEOUT = -5010,       /* no answer in time */
  THESPIAN_EGONE = -5011,          /* the system is gone */
  THESPIAN_ENOSYSTEM = -5012,      /* no system there */
  THESPIAN_ESTARTUP = -5013,       /* the system could not start */
  THESPIAN_EPROTOCOL = -5014,      /* what answers there is no system of this version */
  THESPIAN_ESHUTDOWN = -5015,      /* the system is shutting down */
  THESPIAN_EREFUSED = -5016,       /* refused; also what an actor's function failed with */
  THESPIAN_EUSAGE = -5017,         /* arguments that make no sense */
  THESPIAN_EDEAD = -5018,          /* the message became a dead letter */
  THESPIAN_ECAPABILITY = -5019,    /* not a usable capability */
  THESPIAN_ECROSSED = -5020,       /* between systems: there is another connection already */
  THESPIAN_EFORGOTTEN = -5021,     /* between systems: one of them has given the other up */
  THESPIAN_ELOST = -5022,          /* the system where it was, or was to be, is lost */
  THESPIAN_ENOCLASS = -5023,       /* between systems: no such class there */
  THESPIAN_EKEY = -5024,           /* not a usable key */
  THESPIAN_ESIGNATURE = -5025,     /* not a good signature, or not enough of them */
  THESPIAN_ELOCKED = -5026,        /* cannot be decrypted with that key or password */
  THESPIAN_EMISUSE = -5027         /* an argument of a library function that makes no sense */
};

/* Why something failed. */
struct thespian_reason {
  char words[1024]; /* ends with a zero byte */
};

/* The words for an error of any function here. Borrowed for ever. Any thread. */
THESPIAN_API const char *thespian_error_words(int error);

/* The library's version, "0.1.0". Borrowed for ever. Any thread. */
THESPIAN_API const char *thespian_version(void);

/* ---- addresses ------------------------------------------------------------------------------- */

/* Who an actor is, a value: copy it, keep it, send it. All zero is nobody. Compare two with
 * thespian_address_equal. */
struct thespian_address {
  uint64_t opaque[4];
};

/* Bytes of an address as text, the zero byte included. */
#define THESPIAN_ADDRESS_TEXT_SIZE 80

/* Writes an address as people and logs see it ("nobody" for nobody) to out, which has
 * THESPIAN_ADDRESS_TEXT_SIZE bytes, and gives out. For printing: no text can be made into an
 * address. */
THESPIAN_API char *thespian_address_text(struct thespian_address address, char *out);

THESPIAN_API bool thespian_address_equal(struct thespian_address one,
                                         struct thespian_address other);

/* Whether it is the address of nobody. */
THESPIAN_API bool thespian_address_is_nobody(struct thespian_address address);

/* ---- making values --------------------------------------------------------------------------- */

/* A builder holds one value that is to be sent: nil, a boolean, an integer, a real, a string, an
 * address, an array, a map, an instance of a class.
 *
 * Each put appends one value. Between a begin and its thespian_end they are the array's items, or
 * in turns a key and its value. Errors stick: after the first one puts do nothing, and whatever is
 * given the builder refuses it (THESPIAN_ECANNOTSEND, THESPIAN_ETOOBIG, THESPIAN_ENOMEM) with a
 * reason. */
struct thespian_builder;

/* Gives an empty builder; released with thespian_builder_free. */
THESPIAN_API struct thespian_builder *thespian_builder_new(void);

/* NULL is fine. */
THESPIAN_API void thespian_builder_free(struct thespian_builder *builder);

/* Forgets value and error, so that the builder makes another value. */
THESPIAN_API void thespian_builder_reset(struct thespian_builder *builder);

/* 0 when the builder holds one whole value, else what will be said of it. */
THESPIAN_API int thespian_builder_error(const struct thespian_builder *builder,
                                        struct thespian_reason *reason);

THESPIAN_API void thespian_put_nil(struct thespian_builder *builder);
THESPIAN_API void thespian_put_bool(struct thespian_builder *builder, bool value);
THESPIAN_API void thespian_put_int(struct thespian_builder *builder, int64_t value);
THESPIAN_API void thespian_put_real(struct thespian_builder *builder, double value);

/* A string that ends with a zero byte; NULL puts nil. */
THESPIAN_API void thespian_put_text(struct thespian_builder *builder, const char *text);

/* A string of any bytes, at most UINT32_MAX of them. */
THESPIAN_API void thespian_put_bytes(struct thespian_builder *builder, const void *data,
                                     size_t size);

/* Nobody's is put as nil. */
THESPIAN_API void thespian_put_address(struct thespian_builder *builder,
                                       struct thespian_address address);

/* Items follow until thespian_end. An empty array is Lua's empty table. */
THESPIAN_API void thespian_begin_array(struct thespian_builder *builder);

/* Keys and values follow in turns until thespian_end. Keys are neither nil nor NaN, and no key may
 * come twice: the receiver could not read such a map, and it comes back as a PoisonMessage. That is
 * not checked here: a builder writes each value once and keeps no table of the keys, which would
 * cost a copy of each. */
THESPIAN_API void thespian_begin_map(struct thespian_builder *builder);

/* The instance of a Lua class, by its qualified name "module.Class": its fields follow as in a map.
 * The system messages are instances of "thespian.actors.NAME", such as
 * "thespian.actors.ActorExitRequest". */
THESPIAN_API void thespian_begin_instance(struct thespian_builder *builder, const char *class_name);

/* Ends what was begun last. */
THESPIAN_API void thespian_end(struct thespian_builder *builder);

/* An ActorExitRequest: whoever gets it exits, after its children where it is recursive. */
THESPIAN_API void thespian_put_exit_request(struct thespian_builder *builder, bool recursive);

/* ---- reading values -------------------------------------------------------------------------- */

enum thespian_type {
  THESPIAN_NIL,
  THESPIAN_BOOL,
  THESPIAN_INT,
  THESPIAN_REAL,
  THESPIAN_STRING,
  THESPIAN_ADDRESS,
  THESPIAN_ARRAY,
  THESPIAN_MAP,
  THESPIAN_INSTANCE
};

/* A place within a received value. Borrows from the message (or whatever it comes from) and costs
 * nothing to copy. All zero is nil. A table that Lua code made may contain itself: whoever walks
 * values of any depth sets a limit. */
struct thespian_value {
  const void *opaque[3];
};

/* Lua's empty table is an array with no item. */
THESPIAN_API enum thespian_type thespian_value_type(struct thespian_value value);

/* Each gives the fallback where the value is something else. */
THESPIAN_API bool thespian_value_bool(struct thespian_value value, bool fallback);
/* Reals with an integer's value, too. */
THESPIAN_API int64_t thespian_value_int(struct thespian_value value, int64_t fallback);
/* Integers, too. */
THESPIAN_API double thespian_value_real(struct thespian_value value, double fallback);
/* Nobody where it is something else. */
THESPIAN_API struct thespian_address thespian_value_address(struct thespian_value value);

/* The bytes of a string, without a zero byte behind them, and how many; NULL and 0 where it is
 * something else. Borrowed as the value is. */
THESPIAN_API const char *thespian_value_bytes(struct thespian_value value, size_t *size);

/* Copies a string and a zero byte to out, cut where it has more than capacity - 1 bytes; gives the
 * whole string's size. Another value is an empty string. */
THESPIAN_API size_t thespian_value_text(struct thespian_value value, char *out, size_t capacity);

/* Whether the value is this string. */
THESPIAN_API bool thespian_value_is(struct thespian_value value, const char *text);

/* How many items an array has, pairs a map, fields an instance; 0 for others. */
THESPIAN_API size_t thespian_value_count(struct thespian_value value);

/* An array's item, counted from 0; nil where there is none. Takes as long as there are items before
 * it: use thespian_items_next for all of them. */
THESPIAN_API struct thespian_value thespian_value_item(struct thespian_value value, size_t index);

/* What a map or an instance has under a string; nil where there is nothing. */
THESPIAN_API struct thespian_value thespian_value_find(struct thespian_value value,
                                                       const char *key);

/* The qualified name of an instance's class, without a zero byte behind it; NULL for other values.
 * Borrowed as the value is. */
THESPIAN_API const char *thespian_value_class(struct thespian_value value, size_t *size);

/* Whether the value is an instance whose class, or one of its bases as far as the sender said, has
 * this name, qualified ("jobs.Job") or short ("Job"). */
THESPIAN_API bool thespian_value_is_instance(struct thespian_value value, const char *class_name);

/* For walking over items, pairs or fields:
 *
 *   struct thespian_items items = thespian_items_of(value);
 *   while (thespian_items_next(&items, &key, &item)) ... */
struct thespian_items {
  struct thespian_value opaque;
  uint32_t left;
  bool pairs;
};

THESPIAN_API struct thespian_items thespian_items_of(struct thespian_value value);

/* Gives the next one; false when there is none. key may be NULL, and is nil for arrays. */
THESPIAN_API bool thespian_items_next(struct thespian_items *items, struct thespian_value *key,
                                      struct thespian_value *item);

/* Appends a received value, or a part of one, to a builder, as one value. A part of a value in
 * which tables are shared cannot be taken out: THESPIAN_ECANNOTSEND sticks. */
THESPIAN_API void thespian_put_value(struct thespian_builder *builder, struct thespian_value value);

/* ---- messages -------------------------------------------------------------------------------- */

/* What a program has received. Released with thespian_message_free. */
struct thespian_message;

/* Its value, borrowed. */
THESPIAN_API struct thespian_value thespian_message_value(const struct thespian_message *message);

/* Who sent it; nobody for the answers of thespian_status. */
THESPIAN_API struct thespian_address
thespian_message_sender(const struct thespian_message *message);

/* NULL is fine. */
THESPIAN_API void thespian_message_free(struct thespian_message *message);

/* ---- systems --------------------------------------------------------------------------------- */

/* A program's endpoint in an actor system: it has an address, sends and receives. */
struct thespian_system;

/* One of several logs. What is NULL is as the options' log_file, log_level and log_format say. */
struct thespian_log_handler {
  const char *file;
  const char *level;  /* "debug", "info", "warning", "error" or "critical" */
  const char *format; /* "text" or "json" */
};

/* Which system to open and how. All zero is a simpleSystemBase without capabilities of its own. All
 * is borrowed for the call. */
struct thespian_options {
  /* "simpleSystemBase" (or NULL): actors run in the calling thread, during calls. All its endpoints
   * are used by one thread then. "multiprocQueueBase": on threads of this process.
   * "multiprocTCPBase": in a process of its own, thespian-host, shared by all programs that name
   * its port; started where none answers. "multiprocUDPBase": the same over UDP. */
  const char *base;
  /* A map, or NULL for none. "Admin Port" (1900, UDP 1029; 0 takes a free one), "Admin Host",
   * "Attach Only" and "Message Size Limit" are read from it, too. */
  const struct thespian_builder *capabilities;
  /* Folders where "module.Class" is looked up, before the installed places. Only for a system that
   * this call starts. */
  const char *const *path;
  size_t path_count;
  unsigned workers;     /* threads of a system in this process; 0: one for each core */
  bool without_log;     /* a system in this process writes no log */
  const char *log_file; /* of a system that this call starts; NULL: as the environment says, else */
  const char *log_level;  /* /tmp/thespian.log, from warnings on */
  const char *log_format; /* "text" (NULL) or "json" */
  /* NULL: the three above are the log. Else lines go to these handlers alone, each line to every one
   * whose level it has; with a count of 0, nowhere. No two write to one file. */
  const struct thespian_log_handler *log_handlers;
  size_t log_handler_count;
  const char *program; /* thespian-host; NULL: is looked for */
  /* A multiprocTCPBase (or UDP) lives in this process: other programs reach it by its port, and the
   * classes that this program registers are there for them. It ends with this program; where
   * another shuts it down, this one gets THESPIAN_EGONE, and the other waits until this one has
   * closed it. Fails where the port is taken. */
  bool here;
};

/* Opens a system, and gives an endpoint in it; released with thespian_close. options may be NULL.
 * Waits up to 50 s for a system that has to be started. THESPIAN_EUSAGE for options that make no
 * sense; THESPIAN_ESTARTUP and others with the reason why there is no system. */
THESPIAN_API int thespian_open(const struct thespian_options *options,
                               struct thespian_system **system, struct thespian_reason *reason);

/* Another endpoint in the same system, such as for another thread; released with thespian_close.
 * Called by the thread that uses system; the new one is for any. */
THESPIAN_API int thespian_private(struct thespian_system *system, struct thespian_system **other,
                                  struct thespian_reason *reason);

/* Ends an endpoint; messages to it become dead letters. The last one of a system in this process
 * stops that system, and waits up to 5 s for actors that are busy; a system in another process goes
 * on. NULL is fine. */
THESPIAN_API void thespian_close(struct thespian_system *system);

/* Shuts the system down, for all its programs, and returns when every actor is gone.
 * THESPIAN_ETIMEOUT after 50 s. Other calls give THESPIAN_EGONE from then on; thespian_close is
 * still needed. */
THESPIAN_API int thespian_shutdown(struct thespian_system *system, struct thespian_reason *reason);

/* The endpoint's own address, and that of the system's admin. */
THESPIAN_API struct thespian_address thespian_endpoint(const struct thespian_system *system);
THESPIAN_API struct thespian_address thespian_admin(const struct thespian_system *system);

/* The name of the system's base. Borrowed. */
THESPIAN_API const char *thespian_base(const struct thespian_system *system);

/* Where programs reach the system; 0 where only this process can. */
THESPIAN_API uint16_t thespian_port(const struct thespian_system *system);

/* Creates an actor and waits until it runs.
 *
 * class_name: a class that was registered, else a Lua class "module.Class" in the source or on the
 * system's path. requirements: a table for the class's check and for its start, or NULL.
 * global_name: at most one actor has it; where there is one, its address is the result; or NULL.
 * source_hash: of the loaded source to look in first, or NULL.
 *
 * THESPIAN_ESPECIFICATION, THESPIAN_ENOCOMPATIBLE, THESPIAN_ESOURCE; THESPIAN_ETIMEOUT after 50
 * s. */
THESPIAN_API int thespian_create(struct thespian_system *system, const char *class_name,
                                 const struct thespian_builder *requirements,
                                 const char *global_name, const char *source_hash,
                                 struct thespian_address *address, struct thespian_reason *reason);

/* Sends a value; NULL sends nil. Waits where the actor's mailbox is full. THESPIAN_EADDRESS for
 * nobody's address. That nobody has the address any more is no error: the message becomes a dead
 * letter. */
THESPIAN_API int thespian_tell(struct thespian_system *system, struct thespian_address address,
                               const struct thespian_builder *value,
                               struct thespian_reason *reason);

/* As timeouts: waits for ever. */
#define THESPIAN_FOREVER (-1.0)

/* Sends a value and gives the next message to this endpoint, whoever sent it. seconds: how long to
 * wait. THESPIAN_ETIMEOUT when none came; THESPIAN_EDEAD, at once, when the message became a dead
 * letter. */
THESPIAN_API int thespian_ask(struct thespian_system *system, struct thespian_address address,
                              const struct thespian_builder *value, double seconds,
                              struct thespian_message **answer, struct thespian_reason *reason);

/* Gives the next message to this endpoint; those that arrived between calls come first.
 * THESPIAN_ETIMEOUT when none came in so many seconds. */
THESPIAN_API int thespian_listen(struct thespian_system *system, double seconds,
                                 struct thespian_message **message, struct thespian_reason *reason);

/* Sets a capability of the system; NULL (or nil) removes it. THESPIAN_ECAPABILITY for a name or
 * value that not everybody could read. */
THESPIAN_API int thespian_set_capability(struct thespian_system *system, const char *name,
                                         const struct thespian_builder *value,
                                         struct thespian_reason *reason);

/* Bytes of a source's hash as text, the zero byte included. */
#define THESPIAN_HASH_SIZE 65

/* Loads a bundle, a zip of Lua modules, and writes its hash to hash, which has THESPIAN_HASH_SIZE
 * bytes. info says where it is from, for people. THESPIAN_EBUNDLE says what is wrong with it. */
THESPIAN_API int thespian_load_source(struct thespian_system *system, const void *zip, size_t size,
                                      const char *info, char *hash, struct thespian_reason *reason);

/* The same from a file. The negative of an errno when it cannot be read. */
THESPIAN_API int thespian_load_source_file(struct thespian_system *system, const char *file,
                                           char *hash, struct thespian_reason *reason);

/* Lets no more actors be created from a source; those that run stay. THESPIAN_ESOURCE. */
THESPIAN_API int thespian_unload_source(struct thespian_system *system, const char *hash,
                                        struct thespian_reason *reason);

/* How the system is (actor NULL), or an actor: a map, the one that `thespian-host status --json`
 * prints. THESPIAN_EADDRESS for an actor that is not there. */
THESPIAN_API int thespian_status(struct thespian_system *system,
                                 const struct thespian_address *actor,
                                 struct thespian_message **status, struct thespian_reason *reason);

/* ---- actors written in C --------------------------------------------------------------------- */

/* An actor, as its own functions see it. Lives until its destroy is called. */
struct thespian_actor;

/* What the actors of a class do. Copied when the class is registered. Any of them but create may be
 * NULL. Functions of one actor are called one at a time, by changing threads, with all that the
 * earlier ones did visible; those of different actors run at the same time. None is interrupted:
 * one that does not return keeps its thread. They call no function of a struct thespian_system that
 * waits for their own system. */
struct thespian_class {
  /* Whether an actor may live in a system with these capabilities; both are borrowed for the call.
   * context is that of thespian_register. Not called on the simpleSystemBase. NULL: always. */
  bool (*fits)(void *context, struct thespian_value capabilities,
               struct thespian_value requirements);

  /* Starts an actor. requirements are borrowed for the call. *object is what the other functions
   * get; NULL unless it is set. Not 0: the start fails, with the words of thespian_actor_fail, and
   * none of the others is called. */
  int (*create)(void *context, struct thespian_actor *self, struct thespian_value requirements,
                void **object);

  /* Handles a message, borrowed for the call. Not 0: it has failed, and is called once more with
   * the same message; after a second failure the message goes back to its sender as a PoisonMessage
   * with the words of thespian_actor_fail, and the actor goes on. System messages come as
   * instances: ChildActorExited, WakeupMessage, PoisonMessage, DeadEnvelope and others, but for
   * exit requests. */
  int (*receive)(void *object, struct thespian_actor *self, struct thespian_value message,
                 struct thespian_address sender);

  /* The actor is asked to exit, and cannot refuse. recursive: whether its children exit too; gives
   * whether they do. While it waits for them receive gets their ChildActorExited, and nothing else.
   * NULL: as asked. */
  bool (*exit)(void *object, struct thespian_actor *self, bool recursive);

  /* The actor is gone: releases object. */
  void (*destroy)(void *object);
};

/* Makes a class known in a system of this process, under a name that Lua and C create its actors
 * by. It comes before a Lua class of that name, in bundles, too. context is passed to create and
 * fits; it must live until the last thespian_close of that system.
 *
 * THESPIAN_EUSAGE for a name that cannot be one ("module.Class": UTF-8, no slash), that is taken,
 * or for no create; THESPIAN_EREFUSED for a system in another process. */
THESPIAN_API int thespian_register(struct thespian_system *system, const char *class_name,
                                   const struct thespian_class *class_functions, void *context,
                                   struct thespian_reason *reason);

/* The actor's address, and its global name or NULL, borrowed. */
THESPIAN_API struct thespian_address thespian_actor_address(const struct thespian_actor *self);
THESPIAN_API const char *thespian_actor_global_name(const struct thespian_actor *self);

/* Sends a value; NULL sends nil. Where the receiver's mailbox is full the actor goes on after this
 * message when there is room. Errors as for thespian_tell; THESPIAN_ECANNOTSEND also when the actor
 * floods itself. */
THESPIAN_API int thespian_actor_send(struct thespian_actor *self, struct thespian_address address,
                                     const struct thespian_builder *value,
                                     struct thespian_reason *reason);

/* Creates a child, with arguments as for thespian_create; without a source_hash it is looked up
 * where this actor's class came from. The address is valid at once. A start that fails later is
 * told by a ChildActorExited. */
THESPIAN_API int thespian_actor_create(struct thespian_actor *self, const char *class_name,
                                       const struct thespian_builder *requirements,
                                       const char *global_name, const char *source_hash,
                                       struct thespian_address *address,
                                       struct thespian_reason *reason);

/* In so many seconds the actor receives a WakeupMessage{delayPeriod, payload}; payload may be
 * NULL. */
THESPIAN_API int thespian_actor_wakeup(struct thespian_actor *self, double seconds,
                                       const struct thespian_builder *payload,
                                       struct thespian_reason *reason);

/* The actor exits, behind the messages that it has got by now, and its children with it. */
THESPIAN_API void thespian_actor_exit(struct thespian_actor *self);

/* From now on (or no longer) the actor receives dead letters, as DeadEnvelope{deadMessage,
 * deadAddress}. */
THESPIAN_API void thespian_actor_handle_dead_letters(struct thespian_actor *self, bool start);

/* From now on (or no longer) the actor hears of sources, as LoadedSource{sourceHash, sourceInfo} and
 * UnloadedSource: at once of each that is there, then of those that are loaded and unloaded. */
THESPIAN_API void thespian_actor_notify_sources(struct thespian_actor *self, bool start);

/* Loads a bundle into the actor's system, as thespian_load_source does: hash has THESPIAN_HASH_SIZE
 * bytes, info may be NULL. The source is there when this returns. THESPIAN_EBUNDLE says what is
 * wrong with it. */
THESPIAN_API int thespian_actor_load_source(struct thespian_actor *self, const void *zip,
                                            size_t size, const char *info, char *hash,
                                            struct thespian_reason *reason);

/* The same from a file. The negative of an errno when it cannot be read. */
THESPIAN_API int thespian_actor_load_source_file(struct thespian_actor *self, const char *file,
                                                 char *hash, struct thespian_reason *reason);

/* Has no more actors created from a source; those that run stay. Returns at once: nobody says
 * whether there was a source of that hash. */
THESPIAN_API void thespian_actor_unload_source(struct thespian_actor *self, const char *hash);

/* Sets a capability of the actor's system; NULL (or nil) removes it. Returns at once.
 * THESPIAN_ECAPABILITY for a name or value that not everybody could read; what would make all
 * capabilities together larger than 1 MiB is not set, and nobody says so. */
THESPIAN_API int thespian_actor_set_capability(struct thespian_actor *self, const char *name,
                                               const struct thespian_builder *value,
                                               struct thespian_reason *reason);

/* Shuts the actor's system down. Returns at once. */
THESPIAN_API void thespian_actor_shutdown(struct thespian_actor *self);

enum thespian_level {
  THESPIAN_DEBUG,
  THESPIAN_INFO,
  THESPIAN_WARNING,
  THESPIAN_ERROR,
  THESPIAN_CRITICAL
};

/* Writes a line into the system's log, with the actor's class and address. */
THESPIAN_API void thespian_actor_log(struct thespian_actor *self, enum thespian_level level,
                                     const char *format, ...) THESPIAN_FORMAT(3, 4);

/* Says why the function that runs fails; gives THESPIAN_EREFUSED for it to return:
 *
 *   return thespian_actor_fail(self, "no account %s", name); */
THESPIAN_API int thespian_actor_fail(struct thespian_actor *self, const char *format, ...)
  THESPIAN_FORMAT(2, 3);

#ifdef __cplusplus
}
#endif

#endif
