#include <stdio.h>
#include <string.h>

#include "base/printable.h"
#include "host/command.h"
#include "host/json.h"
#include "host/pairs.h"
#include "host/view.h"

/* ---- showing --------------------------------------------------------------------------------- */

/* Strings as they are, other values as JSON; without what a terminal would obey. */
static int append_value(struct th_buffer *text, struct th_view value) {
  struct th_buffer json;
  th_buffer_init(&json);
  int error = th_json_from_pack(value.data, value.size, &json);
  if (error == 0) th_printable_append(text, (const char *)json.data, json.size, "\n\t");
  th_buffer_clear(&json);
  return error;
}

static int print_all(struct th_view capabilities) {
  struct th_unpack reader;
  struct th_buffer text;
  int error = 0;
  th_buffer_init(&text);
  for (uint32_t left = th_view_open(capabilities, &reader); left > 0 && error == 0; left--) {
    size_t size = 0;
    const char *name = th_unpack_str(&reader, &size);
    if (name != NULL) th_printable_append(&text, name, size, "");
    th_buffer_append(&text, "=", 1);
    error = append_value(&text, th_view_next(&reader));
    th_buffer_append(&text, "\n", 1);
  }
  if (error == 0 && text.size != 0) fwrite(text.data, 1, text.size, stdout);
  th_buffer_clear(&text);
  return error;
}

static int print_one(struct th_view capabilities, const char *name, struct th_reason *reason) {
  struct th_buffer text;
  struct th_view value = th_view_field(capabilities, name);
  if (value.data == NULL)
    return th_fail(reason, TH_ECAPABILITY, "the system has no capability \"%s\"", name);
  th_buffer_init(&text);
  int error = append_value(&text, value);
  if (error == 0) th_command_print(&text);
  th_buffer_clear(&text);
  return error;
}

static int show(struct th_command *command, const char *name, struct th_reason *reason) {
  struct th_buffer request;
  struct th_message *reply;
  struct th_unpack result;
  th_command_begin(&request, TH_OP_STATUS, 1);
  th_pack_nil(&request);
  int error = th_command_request(command, &request, &reply, &result, reason);
  if (error != 0) return error;
  struct th_view capabilities = th_view_field(th_view_next(&result), "capabilities");
  error = name != NULL ? print_one(capabilities, name, reason) : print_all(capabilities);
  th_message_free(reply);
  return error;
}

/* ---- changing -------------------------------------------------------------------------------- */

static int set(struct th_command *command, const char *text, struct th_reason *reason) {
  struct th_pairs pairs;
  struct th_buffer request;
  th_pairs_init(&pairs);
  int error = th_pairs_parse(&pairs, text, reason);
  if (error == 0) {
    const struct th_pair *pair = &pairs.list[0];
    th_command_begin(&request, TH_OP_CAPABILITY, 2);
    th_pack_str(&request, pair->name, pair->name_size);
    th_pack_raw(&request, pair->value.data, pair->value.size);
    error = th_command_do(command, &request, reason);
  }
  th_pairs_clear(&pairs);
  return error;
}

static int unset(struct th_command *command, const char *name, struct th_reason *reason) {
  struct th_buffer request;
  th_command_begin(&request, TH_OP_CAPABILITY, 2);
  th_pack_text(&request, name);
  th_pack_nil(&request);
  return th_command_do(command, &request, reason);
}

int th_command_capability(struct th_command *command, struct th_reason *reason) {
  const struct th_options *options = command->options;
  const char *gone = th_options_text(options, TH_OPTION_UNSET, NULL);
  const char *text = options->argument_count > 0 ? options->arguments[0] : NULL;
  if (gone != NULL && text != NULL)
    return th_fail(reason, TH_EUSAGE, "either %s or --unset %s, not both at once", text, gone);
  int error = th_command_reach(command, NULL, reason);
  if (error != 0) return error;
  if (gone != NULL) return unset(command, gone, reason);
  if (text != NULL && strchr(text, '=') != NULL) return set(command, text, reason);
  return show(command, text, reason);
}
