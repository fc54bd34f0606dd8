/* embed_tool: a C program that shares a TCP system with others.
 *
 *   embed_tool join PORT NUMBER    has the actor "tally" add the number; prints the sum
 *   embed_tool serve               a system in this process, with the class tally.Tally in C;
 *                                  prints its port, and ends when it is shut down
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/thespian.h"

static int fail(const char *what, int error, const struct thespian_reason *reason) {
  fprintf(stderr, "embed_tool: %s: %d %s\n", what, error, reason->words);
  return EXIT_FAILURE;
}

/* ---- the actor ------------------------------------------------------------------------------- */

static int create(void *context, struct thespian_actor *self, struct thespian_value requirements,
                  void **object) {
  (void)context, (void)requirements;
  *object = calloc(1, sizeof(int64_t));
  return *object != NULL ? 0 : thespian_actor_fail(self, "no memory");
}

static int receive(void *object, struct thespian_actor *self, struct thespian_value message,
                   struct thespian_address sender) {
  int64_t *sum = object;
  struct thespian_builder *answer = thespian_builder_new();
  *sum += thespian_value_int(message, 0);
  thespian_put_int(answer, *sum);
  int error = thespian_actor_send(self, sender, answer, NULL);
  thespian_builder_free(answer);
  return error;
}

static const struct thespian_class tally = {.create = create, .receive = receive, .destroy = free};

/* ---- the programs ---------------------------------------------------------------------------- */

static int open_system(int64_t port, bool here, struct thespian_system **system,
                       struct thespian_reason *reason) {
  struct thespian_builder *capabilities = thespian_builder_new();
  struct thespian_options options = {.base = "multiprocTCPBase", .here = here};
  thespian_begin_map(capabilities);
  thespian_put_text(capabilities, "Admin Port");
  thespian_put_int(capabilities, port);
  thespian_put_text(capabilities, "Attach Only");
  thespian_put_bool(capabilities, true);
  thespian_end(capabilities);
  options.capabilities = capabilities;
  int error = thespian_open(&options, system, reason);
  thespian_builder_free(capabilities);
  return error;
}

static int add(struct thespian_system *system, int64_t number) {
  struct thespian_reason reason;
  struct thespian_address actor;
  struct thespian_message *answer;
  struct thespian_builder *value = thespian_builder_new();
  thespian_put_int(value, number);
  int error = thespian_create(system, "tally.Tally", NULL, "tally", NULL, &actor, &reason);
  if (error == 0) error = thespian_ask(system, actor, value, 60, &answer, &reason);
  thespian_builder_free(value);
  if (error != 0) return fail("no sum", error, &reason);
  printf("%lld\n", (long long)thespian_value_int(thespian_message_value(answer), -1));
  thespian_message_free(answer);
  return EXIT_SUCCESS;
}

static int serve(struct thespian_system *system) {
  struct thespian_reason reason;
  struct thespian_message *message;
  int error = thespian_register(system, "tally.Tally", &tally, NULL, &reason);
  if (error != 0) return fail("no class", error, &reason);
  printf("%u\n", thespian_port(system));
  fflush(stdout);
  while ((error = thespian_listen(system, THESPIAN_FOREVER, &message, &reason)) == 0)
    thespian_message_free(message);
  return error == THESPIAN_EGONE ? EXIT_SUCCESS : fail("no end", error, &reason);
}

int main(int argc, char **argv) {
  bool joins = argc == 4 && strcmp(argv[1], "join") == 0;
  bool serves = argc == 2 && strcmp(argv[1], "serve") == 0;
  struct thespian_reason reason;
  struct thespian_system *system;
  if (!joins && !serves) return 2;
  int error = open_system(joins ? strtoll(argv[2], NULL, 10) : 0, serves, &system, &reason);
  if (error != 0) return fail("no system", error, &reason);
  int status = joins ? add(system, strtoll(argv[3], NULL, 10)) : serve(system);
  thespian_close(system);
  return status;
}
