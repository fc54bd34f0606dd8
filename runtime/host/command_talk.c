#include <stdio.h>
#include <string.h>

#include "base/printable.h"
#include "host/command.h"
#include "host/json.h"

int th_command_send_class(struct th_client *client, const char *class_name,
                          const struct th_pairs *requirements, const char *name, const char *source,
                          uint64_t until, struct th_address *address, struct th_reason *reason) {
  struct th_buffer request;
  struct th_message *reply;
  struct th_unpack result;
  th_command_begin(&request, TH_OP_CREATE, 4);
  th_pack_text(&request, class_name);
  if (requirements != NULL && requirements->count != 0) {
    th_pairs_pack(requirements, &request);
  } else {
    th_pack_nil(&request);
  }
  th_pack_text(&request, name);
  th_pack_text(&request, source);
  int error = th_client_request(client, &request, until, &reply, reason);
  th_buffer_clear(&request);
  if (error != 0) return error;
  th_command_result(reply, &result);
  *address = th_unpack_address(&result);
  th_message_free(reply);
  return 0;
}

int th_command_create(struct th_command *command, struct th_reason *reason) {
  const struct th_options *options = command->options;
  struct th_address address;
  char text[TH_ADDRESS_TEXT_SIZE];
  int error = th_command_reach(command, NULL, reason);
  if (error != 0) return error;
  error = th_command_send_class(command->client, options->arguments[0], &options->requirements,
                                th_options_text(options, TH_OPTION_NAME, NULL),
                                th_options_text(options, TH_OPTION_SOURCE, NULL), command->until,
                                &address, reason);
  if (error == 0) puts(th_address_text(&address, text));
  return error;
}

/* ---- tell and ask ---------------------------------------------------------------------------- */

static int read_message(const char *text, struct th_buffer *value, struct th_reason *reason) {
  int error = th_json_to_pack(text, value);
  if (error == 0) return 0;
  return th_fail(reason, TH_EUSAGE, "the message is JSON too deep or with too big numbers");
}

/* Comes back when the system has read all that was sent before. */
static int confirm(struct th_command *command, struct th_reason *reason) {
  struct th_buffer request;
  th_command_begin(&request, TH_OP_NAME, 1);
  th_pack_text(&request, "");
  return th_command_do(command, &request, reason);
}

int th_command_tell(struct th_command *command, struct th_reason *reason) {
  char **arguments = command->options->arguments;
  struct th_address address;
  struct th_buffer value;
  th_buffer_init(&value);
  int error = read_message(arguments[1], &value, reason);
  if (error == 0) error = th_command_find(command, arguments[0], &address, reason);
  if (error == 0) {
    error = th_client_tell(command->client, &address, TH_KIND_USER, value.data, value.size, reason);
  }
  if (error == 0) error = confirm(command, reason);
  th_buffer_clear(&value);
  return error;
}

static int print_answer(const struct th_message *answer, struct th_reason *reason) {
  struct th_buffer text;
  th_buffer_init(&text);
  int error = th_json_from_pack(answer->payload, answer->size, &text);
  if (error == 0) {
    th_command_print(&text);
  } else {
    th_fail(reason, error, "the answer cannot be read: %s", th_error_words(error));
  }
  th_buffer_clear(&text);
  return error;
}

/* The field details of a PoisonMessage: an instance, that is names and then a map. */
static const char *find_details(const struct th_message *poison, size_t *size) {
  struct th_unpack reader;
  struct th_item item;
  th_unpack_init(&reader, poison->payload, poison->size);
  if (!th_unpack_next(&reader, &item) || item.type != TH_ITEM_EXT) return NULL;
  th_unpack_init(&reader, item.data, item.size);
  th_unpack_skip(&reader, size);
  for (uint32_t count = th_unpack_map(&reader); count != 0 && reader.error == 0; count--) {
    size_t key_size;
    const char *key = th_unpack_str(&reader, &key_size);
    if (key != NULL && th_unpack_is(key, key_size, "details")) return th_unpack_str(&reader, size);
    th_unpack_skip(&reader, size);
  }
  return NULL;
}

static int complain(struct th_command *command, const struct th_message *poison) {
  size_t size = 0;
  const char *details = find_details(poison, &size);
  struct th_buffer text;
  th_buffer_init(&text);
  th_buffer_printf(&text, "thespian-host: the actor failed at the message");
  if (details != NULL) {
    th_buffer_append(&text, ": ", 2);
    th_printable_append(&text, details, size, "\n\t");
  }
  th_buffer_append(&text, "\n", 1);
  fwrite(text.data, 1, text.size, stderr);
  th_buffer_clear(&text);
  command->has_complained = true;
  return TH_EREFUSED;
}

int th_command_ask(struct th_command *command, struct th_reason *reason) {
  char **arguments = command->options->arguments;
  struct th_address address;
  struct th_message *answer;
  struct th_buffer value;
  th_buffer_init(&value);
  int error = read_message(arguments[1], &value, reason);
  if (error == 0) error = th_command_find(command, arguments[0], &address, reason);
  if (error == 0) {
    error = th_client_ask(command->client, &address, TH_KIND_USER, value.data, value.size,
                          command->until, &answer, reason);
  }
  th_buffer_clear(&value);
  if (error != 0) return error;
  bool is_poison = answer->kind == TH_KIND_POISON;
  error = is_poison ? complain(command, answer) : print_answer(answer, reason);
  th_message_free(answer);
  return error;
}

int th_command_exit(struct th_command *command, struct th_reason *reason) {
  struct th_address address;
  struct th_buffer request;
  int error = th_command_find(command, command->options->arguments[0], &address, reason);
  if (error != 0) return error;
  th_command_begin(&request, TH_OP_EXIT, 2);
  th_pack_address(&request, &address);
  th_pack_bool(&request, !th_options_has(command->options, TH_OPTION_NO_RECURSIVE));
  return th_command_do(command, &request, reason);
}

int th_command_shutdown(struct th_command *command, struct th_reason *reason) {
  int error = th_command_reach(command, NULL, reason);
  return error != 0 ? error : th_client_shutdown(command->client, command->until, reason);
}
