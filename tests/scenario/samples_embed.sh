# The sample embed: a C program whose actor in C and actor in Lua talk to each other.
set -eu
. "$(dirname "$0")/lib_systems.sh"

expect 0 "" "$BUILD/samples/embed/till" "$SOURCE/samples/embed"
[ "$out" = "cheese was the last, 12.00 in all" ] || fail "the sample printed: $out"
! "$BUILD/samples/embed/till" "$work" 2>err || fail "there was a customer in an empty folder"
grep -q "no customer: module 'customer' not found" err || fail "not why it failed: $(cat err)"
nothing_runs
