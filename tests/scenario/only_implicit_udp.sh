# The same story as only_implicit.sh, with systems of the UDP base.
BASE=multiprocUDPBase
. "$(dirname "$0")/only_implicit.sh"
