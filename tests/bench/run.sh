#!/bin/sh
# How fast Thespian is, beside its peers: sh tests/bench/run.sh [OPTION...] [WORK...]
#
#   WORK         W1 to W9, W8b, W7.100000 ...; all of them if none is named
#   --runs N     how often each program runs: 5 times if not said, in turn with its peers
#   --quick      tiny counts, once: shows that all of it works, and says nothing about speed
#   --no-peers   Thespian alone
#   --json FILE  where the results go: build/release/bench/results.json if not said
#   --pictures   also draws docs/pictures/*.svg from the results
#
#   W1   two actors, 1,000,000 round trips of an integer
#   W2   one producer, one counter, 1,000,000 integers
#   W3   a ring of 100 actors, 1,000,000 hops of a token
#   W4   100,000 actors are created, get one message, reply and exit; 100 are there at once
#   W5   10,000 messages to each of 60 actors, to one after the other
#   W6   120 actors, each sends 2,000 pings to random others, one at a time
#   W7   bytes of resident memory for each of so many idle actors; and W1 beside them
#   W8   100,000 round trips of a nested record; W8b: 20,000 of 64 KiB
#   W9   50,000 round trips between two systems on 127.0.0.1, and 500,000 integers one way; TCP and UDP
#
# Actors are in Lua, under thespian-host run, in a release build with default settings. The peers are
# Erlang, if it is installed (Debian's erlang-base), with its default schedulers and with one, and "floor":
# bare Lua states called by C on one thread. The clock runs inside the programs, from the first send to the
# last receipt. Each checks its totals: what does not add up fails. The table tells medians; a ratio above 1
# means that Thespian is better, in bytes and microseconds too.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)

case " $* " in *" --help "* | *" -h "*)
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
  exit 0
  ;;
esac

sh "$root/tests/build.sh" release thespian-host floor >&2
BUILD=$root/build/release
HOST=$BUILD/thespian-host
export BUILD HOST
exec python3 "$here/measure.py" "$@"
