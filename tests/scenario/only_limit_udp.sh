# The same story as only_limit.sh, with systems of the UDP base.
BASE=multiprocUDPBase
. "$(dirname "$0")/only_limit.sh"
