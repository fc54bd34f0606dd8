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
  th_command_begin(&request, TH_OP_STATUS, 1);
  th_pack_address(&request, &address);
  if ((error = th_command_request(command, &request, &reply, &result, reason)) != 0) return error;
  error = print(command, th_view_next(&result), is_actor, reason);
  th_message_free(reply);
  return error;
}
