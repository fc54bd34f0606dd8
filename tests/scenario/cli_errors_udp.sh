# The same story as cli_errors.sh, with systems of the UDP base.
BASE=multiprocUDPBase
. "$(dirname "$0")/cli_errors.sh"
