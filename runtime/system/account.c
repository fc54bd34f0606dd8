/* account: slots where nobody lives, whose mailboxes others are held for.
 *
 * What waits for another system, or in a mailbox there, counts as waiting in an account. Slots are
 * for ever, so whoever is about to be held for one need not see to it that it stays.
 *
 * Threads: any. */
#include "system/inside.h"

struct th_actor *th_account_open(struct th_system *system) {
  uint64_t number;
  struct th_actor *account = th_registry_reserve(system->registry, false, &number);
  if (account != NULL) th_actor_account(account);
  return account;
}

void th_account_waits(struct th_system *system, struct th_actor *account, size_t messages) {
  /* Sequentially consistent, as in hold.c: who comes to be held sees the room, or is seen here. */
  atomic_store(&account->backlog, messages);
  if (atomic_load(&account->holders) != 0) th_holds_make_room(system->holds, account);
}

void th_account_close(struct th_system *system, struct th_actor *account) {
  th_account_waits(system, account, 0);
  th_actor_close_account(account);
  th_registry_release(system->registry, account);
}
