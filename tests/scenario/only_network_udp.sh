# The same story as only_network.sh, with systems of the UDP base.
BASE=multiprocUDPBase
. "$(dirname "$0")/only_network.sh"
