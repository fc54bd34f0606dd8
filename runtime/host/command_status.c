#include <stdio.h>

#include "host/command.h"
#include "host/json.h"
#include "host/status_text.h"

static int print(struct th_command *command, struct th_view status, bool is_actor,
                 struct th_reason *reason) {
  struct th_buffer text;
  int error = 0;
  th_buffer_init(&text);
  if (th_options_has(command->options, TH_OPTION_JSON)) {
    error = th_json_write(status.data, status.size, &text);
    th_buffer_append(&text, "\n", 1);
  } else if (is_actor) {
    th_status_text_actor(status, &text);
  } else {
    bool is_all = th_options_has(command->options, TH_OPTION_ALL);
    th_status_text_system(status, is_all ? SIZE_MAX : TH_STATUS_ACTORS, &text);
  }
  if (error == 0) error = text.error;
  if (error == 0) {
    fwrite(text.data, 1, text.size, stdout);
  } else {
    th_fail(reason, error, "the status cannot be read: %s", th_error_words(error));
  }
  th_buffer_clear(&text);
  return error;
}

/* ---- of an actor -----------------------------------------------------------------------------
 *
 * The admin knows those that live on its system, and answers on any wire. For others the actor is
 * asked itself: the runtime of the system where it lives answers. */

/* A status response is an instance: names, then the map. */
static struct th_view open_response(const struct th_message *response) {
  struct th_unpack reader;
  struct th_item item;
  size_t size;
  th_unpack_init(&reader, response->payload, response->size);
  if (!th_unpack_next(&reader, &item) || item.type != TH_ITEM_EXT) return (struct th_view){NULL, 0};
  th_unpack_init(&reader, item.data, item.size);
  th_unpack_skip(&reader, &size);
  return th_view_next(&reader);
}

static int ask_itself(struct th_command *command, const struct th_address *address,
                      struct th_reason *reason) {
  struct th_message *answer;
  struct th_buffer value;
  char text[TH_ADDRESS_TEXT_SIZE];
  th_buffer_init(&value);
  th_pack_nil(&value);
  int error = th_client_ask(command->client, address, TH_KIND_STATUS_REQUEST, value.data,
                            value.size, command->until, &answer, reason);
  th_buffer_clear(&value);
  if (error == TH_EDEAD)
    return th_fail(reason, TH_EADDRESS, "no actor has the address %s",
                   th_address_text(address, text));
  if (error != 0) return error;
  error = print(command, open_response(answer), true, reason);
  th_message_free(answer);
  return error;
}

static int print_or_ask(struct th_command *command, const struct th_address *address,
                        struct th_view status, struct th_reason *reason) {
  size_t size;
  const char *state = th_view_text(status, "state", &size);
  if (th_unpack_is(state, size, "elsewhere")) return ask_itself(command, address, reason);
  return print(command, status, true, reason);
}

/* ---------------------------------------------------------------------------------------------- */

int th_command_status(struct th_command *command, struct th_reason *reason) {
  const struct th_options *options = command->options;
  bool is_actor = options->argument_count != 0;
  struct th_address address = TH_NOBODY;
  struct th_buffer request;
  struct th_message *reply;
  struct th_unpack result;
  int error = is_actor ? th_command_find(command, options->arguments[0], &address, reason)
                       : th_command_reach(command, NULL, reason);
  if (error != 0) return error;
  if (is_actor && address.system != th_client_admin(command->client)->system)
    return ask_itself(command, &address, reason);
  bool is_whole = th_options_has(options, TH_OPTION_ALL) || th_options_has(options, TH_OPTION_JSON);
  th_command_begin(&request, TH_OP_STATUS, is_whole ? 1 : 2);
  th_pack_address(&request, &address);
  if (!is_whole) th_pack_int(&request, TH_STATUS_ACTORS);
  if ((error = th_command_request(command, &request, &reply, &result, reason)) != 0) return error;
  struct th_view status = th_view_next(&result);
  error = is_actor ? print_or_ask(command, &address, status, reason)
                   : print(command, status, false, reason);
  th_message_free(reply);
  return error;
}
