# The same story as only_kill.sh, with systems of the UDP base.
BASE=multiprocUDPBase
. "$(dirname "$0")/only_kill.sh"
