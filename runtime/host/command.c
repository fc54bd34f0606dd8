#include "host/command.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "message/address.h"
#include "system/system.h"

/* How long the greeting may take; an answer may then take longer. */
#define GREETING_TIME (10 * TH_SECOND)

static bool has_place(const struct th_address *address) {
  return address != NULL && address->ip != 0 && address->port != 0;
}

static int connect_to(struct th_command *command, const char *host, uint16_t port,
                      struct th_reason *reason) {
  struct th_reason why = {""};
  uint64_t soon = th_clock_after(GREETING_TIME);
  const char *base = th_options_text(command->options, TH_OPTION_BASE, TH_BASE_TCP);
  int error = th_client_connect_over(&command->client, th_base_carrier(base), host, port,
                                     command->until < soon ? command->until : soon, &why);
  if (error == 0) return 0;
  const char *remedy = error == TH_ENOSYSTEM ? "; thespian-host start starts one" : "";
  return th_fail(reason, error, "%.900s%s", why.words, remedy);
}

int th_command_reach(struct th_command *command, const struct th_address *address,
                     struct th_reason *reason) {
  const struct th_options *options = command->options;
  const char *host = th_options_text(options, TH_OPTION_HOST, "127.0.0.1");
  uint16_t port = options->port;
  char text[INET_ADDRSTRLEN];
  bool is_named = th_options_has(options, TH_OPTION_HOST) ||
                  th_options_has(options, TH_OPTION_PORT);
  if (!is_named && has_place(address)) {
    struct in_addr network = {.s_addr = htonl(address->ip)};
    host = inet_ntop(AF_INET, &network, text, sizeof text);
    port = address->port;
  }
  return connect_to(command, host, port, reason);
}

void th_command_begin(struct th_buffer *request, enum th_operation operation, uint32_t count) {
  th_buffer_init(request);
  th_pack_array(request, count + 1);
  th_pack_int(request, operation);
}

void th_command_result(const struct th_message *reply, struct th_unpack *result) {
  th_unpack_init(result, reply->payload, reply->size);
  th_unpack_array(result);
  th_unpack_int(result);
}

int th_command_request(struct th_command *command, struct th_buffer *request,
                       struct th_message **reply, struct th_unpack *result,
                       struct th_reason *reason) {
  int error = th_client_request(command->client, request, command->until, reply, reason);
  th_buffer_clear(request);
  if (error == 0) th_command_result(*reply, result);
  return error;
}

int th_command_do(struct th_command *command, struct th_buffer *request, struct th_reason *reason) {
  struct th_message *reply;
  struct th_unpack result;
  int error = th_command_request(command, request, &reply, &result, reason);
  if (error == 0) th_message_free(reply);
  return error;
}

static int find_name(struct th_command *command, const char *name, struct th_address *address,
                     struct th_reason *reason) {
  struct th_buffer request;
  struct th_message *reply;
  struct th_unpack result;
  th_command_begin(&request, TH_OP_NAME, 1);
  th_pack_text(&request, name);
  int error = th_command_request(command, &request, &reply, &result, reason);
  if (error != 0) return error;
  *address = th_unpack_address(&result);
  th_message_free(reply);
  if (!th_address_is_none(address)) return 0;
  return th_fail(reason, TH_EADDRESS, "no actor has the global name \"%s\"", name);
}

int th_command_find(struct th_command *command, const char *text, struct th_address *address,
                    struct th_reason *reason) {
  if (text[0] == '@' && text[1] != '\0') {
    int error = th_command_reach(command, NULL, reason);
    return error != 0 ? error : find_name(command, text + 1, address, reason);
  }
  if (th_address_parse(text, strlen(text), address) != 0 || th_address_is_none(address)) {
    return th_fail(reason, TH_EUSAGE, "\"%s\" is neither an actor's address nor @NAME", text);
  }
  return th_command_reach(command, address, reason);
}

void th_command_print(const struct th_buffer *text) {
  if (text->size != 0) fwrite(text->data, 1, text->size, stdout);
  putchar('\n');
}
