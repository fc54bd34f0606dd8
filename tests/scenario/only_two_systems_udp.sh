# The same story as only_two_systems.sh, with systems of the UDP base.
BASE=multiprocUDPBase
. "$(dirname "$0")/only_two_systems.sh"
