/* till: a program with an actor system in it. The till is an actor written in C, its customer one
 * written in Lua (customer.lua); they talk to each other, each as if the other were of its kind.
 *
 *   till FOLDER      where customer.lua is
 */
#include <stdio.h>
#include <stdlib.h>
#include <thespian.h>

/* ---- the actor in C -------------------------------------------------------------------------- */

struct till {
  int64_t cents;
};

static int till_create(void *context, struct thespian_actor *self,
                       struct thespian_value requirements, void **object) {
  struct till *till = malloc(sizeof *till);
  (void)context;
  if (till == NULL) return thespian_actor_fail(self, "no memory for a till");
  till->cents = thespian_value_int(thespian_value_find(requirements, "cents"), 0);
  *object = till;
  return 0;
}

/* A customer gets a receipt: {what = ..., total = ...}. */
static int give_receipt(struct thespian_actor *self, struct thespian_address customer,
                        struct thespian_value what, int64_t total) {
  struct thespian_builder *receipt = thespian_builder_new();
  thespian_begin_map(receipt);
  thespian_put_text(receipt, "what");
  thespian_put_value(receipt, what);
  thespian_put_text(receipt, "total");
  thespian_put_int(receipt, total);
  thespian_end(receipt);
  int error = thespian_actor_send(self, customer, receipt, NULL);
  thespian_builder_free(receipt);
  return error;
}

/* A purchase is {what = "bread", cents = 420}. */
static int till_receive(void *object, struct thespian_actor *self, struct thespian_value message,
                        struct thespian_address sender) {
  struct till *till = object;
  struct thespian_value cents = thespian_value_find(message, "cents");
  if (thespian_value_type(cents) != THESPIAN_INT)
    return thespian_actor_fail(self, "a purchase without a price");
  till->cents += thespian_value_int(cents, 0);
  return give_receipt(self, sender, thespian_value_find(message, "what"), till->cents);
}

static const struct thespian_class till_class = {
  .create = till_create,
  .receive = till_receive,
  .destroy = free,
};

/* ---- the program ----------------------------------------------------------------------------- */

static int fail(const char *what, int error, const struct thespian_reason *reason) {
  fprintf(stderr, "till: %s: %s (%s)\n", what, reason->words, thespian_error_words(error));
  return EXIT_FAILURE;
}

/* Tells the customer where the till is; the customer creates nothing, it only buys. */
static int go_shopping(struct thespian_system *system, struct thespian_address customer,
                       struct thespian_address till) {
  struct thespian_reason reason;
  struct thespian_message *answer;
  struct thespian_builder *errand = thespian_builder_new();
  char text[200];
  thespian_put_address(errand, till);
  int error = thespian_ask(system, customer, errand, 60.0, &answer, &reason);
  thespian_builder_free(errand);
  if (error != 0) return fail("no answer from the customer", error, &reason);
  thespian_value_text(thespian_message_value(answer), text, sizeof text);
  puts(text);
  thespian_message_free(answer);
  return EXIT_SUCCESS;
}

static int run(struct thespian_system *system) {
  struct thespian_reason reason;
  struct thespian_address till, customer;
  int error = thespian_register(system, "till.Till", &till_class, NULL, &reason);
  if (error != 0) return fail("no class", error, &reason);
  error = thespian_create(system, "till.Till", NULL, NULL, NULL, &till, &reason);
  if (error != 0) return fail("no till", error, &reason);
  error = thespian_create(system, "customer.Customer", NULL, NULL, NULL, &customer, &reason);
  if (error != 0) return fail("no customer", error, &reason);
  return go_shopping(system, customer, till);
}

int main(int argc, char **argv) {
  const char *folder = argc > 1 ? argv[1] : ".";
  struct thespian_options options = {
    .base = "multiprocQueueBase", .path = &folder, .path_count = 1, .without_log = true};
  struct thespian_reason reason;
  struct thespian_system *system;
  int error = thespian_open(&options, &system, &reason);
  if (error != 0) return fail("no system", error, &reason);
  int status = run(system);
  error = thespian_shutdown(system, &reason);
  if (error != 0) status = fail("no end", error, &reason);
  thespian_close(system);
  return status;
}
