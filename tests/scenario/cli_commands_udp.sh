# The same story as cli_commands.sh, with systems of the UDP base.
BASE=multiprocUDPBase
. "$(dirname "$0")/cli_commands.sh"
