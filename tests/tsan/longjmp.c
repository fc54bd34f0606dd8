/* longjmp: errors of Lua, seen by the thread sanitizer; part of each program of a tsan build.
 *
 * The sanitizer keeps a stack of the functions a thread is in. It takes frames off where a function
 * returns, and where setjmp and longjmp, which it knows, leave many at once. Debian's liblua is
 * compiled with _FORTIFY_SOURCE and raises errors by __longjmp_chk, which the sanitizer does not
 * know: each error that passed a function of ours left a frame behind, and after 65,536 of them the
 * process ended. Defined in the program, this one comes before the C library's, and jumps as the
 * sanitizer knows it. What is lost is the check that the jump leads up the stack.
 */
#undef _FORTIFY_SOURCE /* it makes longjmp mean __longjmp_chk */
#include <setjmp.h>

_Noreturn void __longjmp_chk(jmp_buf target, int value);

__attribute__((visibility("default"))) _Noreturn void __longjmp_chk(jmp_buf target, int value) {
  longjmp(target, value);
}
