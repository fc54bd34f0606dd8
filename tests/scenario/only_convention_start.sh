# start --convention: addresses that are none, and leaders that are not there, or are something else.
set -eu
. "$(dirname "$0")/lib_systems.sh"

# ---- what cannot be meant ------------------------------------------------------------------------

refused() {
  expect "$1" "$2" "$HOST" start --port 0 --convention "$3"
}

refused 1 "0 is no port: use 1 to 65535" 127.0.0.1:0
refused 1 "70000 is no port" 127.0.0.1:70000
refused 1 '"127.0.0.1:" has no port after its colon: write "host:port"' 127.0.0.1:
refused 1 '"127.0.0.1:abc" has no port' 127.0.0.1:abc
refused 1 'host "no such host" is not known here' "no such host:1900"
refused 2 "option --convention has an empty value" ""
nothing_runs

# ---- who is no leader ----------------------------------------------------------------------------

cat >other.py <<'PY'
# Answers each connection that says something as another version would, or as a web server.
import socket, struct, sys
import msgpack
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen()
print(server.getsockname()[1], flush=True)
refusal = bytes([3]) + msgpack.packb([-5014, "this system speaks version 2"])
answer = {"refuse": struct.pack(">I", len(refusal)) + refusal, "web": b"HTTP/1.1 400 Bad Request\r\n\r\n"}
while True:
    connection = server.accept()[0]
    connection.recv(4096)
    connection.sendall(answer[sys.argv[1]])
    connection.close()
PY

# nobody NAME PORT WORDS: a system whose leader is sought at that port starts, and its log tells once.
nobody() {
  begin "$1" --convention "127.0.0.1:$2" --capability "Convention Check-in Period=0.1"
  await "WARNING convention: no leader at 127.0.0.1:$2: $3" "$work/$1.log"
  contains "it is sought every 0.1 s" "$(cat "$work/$1.log")"
  expect 0 "" "$HOST" status --port "$port"
  contains "Convention, whose leader is not there" "$out"
  contains "127.0.0.1:$2" "$(echo "$out" | grep "  sought")"
}

for kind in refuse web; do
  /usr/bin/python3 other.py $kind >$kind.port &
  other=$!
  looks=0
  until [ -s $kind.port ]; do again "the port of what is no leader"; done
  case $kind in
    refuse) nobody refuse "$(cat $kind.port)" "this system speaks version 2" ;;
    web) nobody web "$(cat $kind.port)" "" ;;
  esac
  expect 0 "" "$HOST" shutdown --port "$port"
  kill "$other"
done

# ---- one that comes late -------------------------------------------------------------------------

begin early --port 0
late=$port
expect 0 "" "$HOST" shutdown --port "$late"
gone "$pid"
nobody member "$late" ""
member=$port
expect 0 "" "$HOST" start --daemon --port "$late" --log-file "$work/late.log"
looks=0
until "$HOST" status --port "$member" | grep -Fq registered; do again "the leader is found"; done
[ "$(grep -c "no leader at" "$work/member.log")" = 1 ] || fail "not once: $(cat "$work/member.log")"
# A period that is none is the shortest there is: nobody is given up at once.
begin hasty --convention "127.0.0.1:$late" --capability "Convention Check-in Period=0"
looks=0
until "$HOST" status --port "$port" | grep -Fq registered; do again "that the hasty one is taken"; done
expect 0 "" "$HOST" shutdown --port "$port"
expect 0 "" "$HOST" shutdown --port "$late"
# It is missed again, once.
looks=0
until [ "$(grep -c "no leader at" "$work/member.log")" = 2 ]; do again "that it is missed"; done
expect 0 "" "$HOST" shutdown --port "$member"
nothing_runs
