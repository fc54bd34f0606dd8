"""Sends what no program of ours would to the admin port of a multiprocUDPBase system.

libdatagrams.py PORT noise    1000 datagrams that are none of ours, some of them nearly
libdatagrams.py PORT opens    asks 1000 times for a connection, and takes up none
libdatagrams.py PORT guests   1000 datagrams of connections that there are not: prints the types
                              of what came back
libdatagrams.py PORT inside   a connection that is in order, and on it what is not: prints the
                              port that it came from
"""

import random
import socket
import struct
import sys

MAGIC = b"\xd4th\1"
OPEN, COOKIE, ACCEPT, STREAM, LOOSE, PING, ACK, CLOSE = range(1, 9)
MOST = 1 << 62

chance = random.Random(7)
plain = socket.socket(type=socket.SOCK_DGRAM)
plain.settimeout(60)
plain.connect(("127.0.0.1", int(sys.argv[1])))


def datagram(kind, number, *numbers, rest=b""):
    return struct.pack(f">4sBQ{len(numbers)}Q", MAGIC, kind, number, *numbers) + rest


def receive():
    data = plain.recv(65536)
    magic, kind, number = struct.unpack(">4sBQ", data[:13])
    assert magic == MAGIC, data
    return kind, number, data


def noise():
    """Many sizes; some begin as they should, and go on otherwise."""
    for turn in range(1000):
        begins = [b"", MAGIC[: turn % 4], MAGIC[:3] + b"\2", MAGIC + b"\0", MAGIC + b"\x09"]
        begin = chance.choice(begins)
        plain.send(begin + chance.randbytes(chance.choice([0, 1, 7, 20, 60, 1400, 60000])))
        if turn % 20 == 0:  # so that the system reads them, and does not lose them
            plain.send(datagram(OPEN, turn + 1, 0))
            receive()


def opens():
    for turn in range(1000):
        asked = datagram(OPEN, chance.getrandbits(64), chance.getrandbits(64))
        plain.send(asked)
        kind, _, data = receive()
        assert kind == COOKIE and len(data) <= len(asked)


def guests():
    kinds = set()
    for turn in range(1000):
        kind = chance.choice([STREAM, LOOSE, PING, ACK])
        numbers = [0, 0, 0, 1] + ([0] if kind in (STREAM, LOOSE) else [])
        rest = b"" if kind in (PING, ACK) else (b"\3" if kind == LOOSE else b"") + b"bytes"
        asked = datagram(kind, chance.getrandbits(64), *numbers, rest=rest)
        plain.send(asked)
        answer, number, data = receive()
        assert number == struct.unpack(">Q", asked[5:13])[0] and len(data) <= len(asked)
        kinds.add(answer)
    print(*sorted(kinds))


def connect():
    number = chance.getrandbits(64)
    plain.send(datagram(OPEN, number, 0))
    cookie = struct.unpack(">Q", receive()[2][13:])[0]
    plain.send(datagram(OPEN, number, cookie))
    assert receive()[0] == ACCEPT
    return number


def inside():
    """Numbers that cannot be change nothing; bytes that are no greeting end it."""
    number = connect()
    for numbers in ([MOST] * 4, [1 << 40, 0, 0, 0], [0, 1 << 40, 0, 0], [0, 1 << 40, 1 << 40, 0]):
        plain.send(datagram(ACK, number, *numbers))
        plain.send(datagram(STREAM, number, *numbers, 1 << 50, rest=b"far ahead"))
        plain.send(datagram(LOOSE, number, *numbers[:3], 8, 7, rest=b"\1" + b"x" * 1000))
    plain.send(datagram(PING, number, 0, 0, 0, 0))
    while receive()[0] != ACK:
        pass
    plain.send(datagram(STREAM, number, 0, 0, 0, 0, 0, rest=b"GET / HTTP/1.1\r\n\r\n"))
    kind = receive()[0]
    while kind != CLOSE:
        kind = receive()[0]
    print(plain.getsockname()[1])


{"noise": noise, "opens": opens, "guests": guests, "inside": inside}[sys.argv[2]]()
