/* command: what the commands have in common: reaching a system, asking it, printing.
 *
 * A command is a function that gives 0, or an error with a reason. It reaches the system when it
 * has checked all that it can check without it.
 *
 * Threads: caller. Owns: its connection.
 */
#ifndef TH_HOST_COMMAND_H
#define TH_HOST_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "host/client.h"
#include "host/commands.h"
#include "message/pack.h"
#include "message/protocol.h"

struct th_command {
  const struct th_options *options;
  const struct th_language *language;
  struct th_client *client; /* NULL until it is reached; closed by the dispatcher */
  uint64_t until;
  int status;          /* of a program that was run */
  bool has_complained; /* the command has said itself what went wrong */
};

/* Connects to the system that the options name; without them to the one that address, which may be
 * NULL, tells. */
int th_command_reach(struct th_command *command, const struct th_address *address,
                     struct th_reason *reason);

/* Reads ADDRESS or @NAME and reaches the system. TH_EUSAGE when the text is neither; TH_EADDRESS
 * when nobody has that name. */
int th_command_find(struct th_command *command, const char *text, struct th_address *address,
                    struct th_reason *reason);

/* Begins a request in an empty buffer; count arguments follow. */
void th_command_begin(struct th_buffer *request, enum th_operation operation, uint32_t count);

/* Begins to read the result in a reply that is none of an error. */
void th_command_result(const struct th_message *reply, struct th_unpack *result);

/* Sends the request, which is cleared, and waits for the reply, whose result begins at *result. */
int th_command_request(struct th_command *command, struct th_buffer *request,
                       struct th_message **reply, struct th_unpack *result,
                       struct th_reason *reason);

/* The same where nothing but success matters. */
int th_command_do(struct th_command *command, struct th_buffer *request, struct th_reason *reason);

/* Reads a file and has a system load it as a bundle; hash holds TH_DIGEST_TEXT_SIZE bytes. */
int th_command_send_bundle(struct th_client *client, const char *file, uint64_t until, char *hash,
                           struct th_reason *reason);

/* Has a system create an actor. requirements, name and source may be NULL. */
int th_command_send_class(struct th_client *client, const char *class_name,
                          const struct th_pairs *requirements, const char *name, const char *source,
                          uint64_t until, struct th_address *address, struct th_reason *reason);

/* Prints the text and ends the line. */
void th_command_print(const struct th_buffer *text);

#define X(id, name, arguments, least, most, options, words, more)                                  \
  int th_command_##id(struct th_command *command, struct th_reason *reason);
TH_COMMANDS(X)
#undef X

#endif
