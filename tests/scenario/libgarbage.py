"""Sends what no program of ours would to an admin port.

libgarbage.py PORT KIND    waits until the system has closed the connection, and prints the port
                           that it came from, by which the system's log names it
libgarbage.py PORT kinds   prints all kinds
libgarbage.py PORT storm   sends messages that are well formed, but make no sense, to everybody
"""

import os
import random
import socket
import struct
import sys

import msgpack

PATIENCE = 60  # seconds

HELLO, WELCOME, REFUSE, MESSAGE, BYE = 1, 2, 3, 4, 5


def frame(kind, *items):
    body = bytes([kind]) + (msgpack.packb(list(items)) if items else b"")
    return struct.pack(">I", len(body)) + body


def hello(version=1, role=1):
    return frame(HELLO, "thespian", version, role, "0.0.0", os.getpid())


def noise(seed, size):
    return random.Random(seed).randbytes(size)


def huge(size):
    return struct.pack(">I", size) + b"\4" + b"x" * 1000


# What is sent, then whether the connection is ended by us ("end"), or it is up to the system.
BEFORE = {
    "random": (noise(1, 1000), ""),
    "random_long": (noise(2, 1 << 20), ""),
    "zeros": (b"\0" * 100, ""),
    "ones": (b"\xff" * 100, ""),
    "http": (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", ""),
    "tls": (bytes.fromhex("16030100c8010000c40303") + noise(3, 200), ""),
    "text": (b"hello?\n", ""),
    "huge": (huge(0xFFFFFFFF), ""),
    "huge_message": (huge(64 << 20), ""),
    "message_first": (frame(MESSAGE, 0, 0, 0, "", ""), ""),
    "bye_first": (struct.pack(">IB", 1, BYE), ""),
    "no_such_frame": (struct.pack(">IB", 1, 77), ""),
    "not_our_hello": (frame(HELLO, "theseus", 1, 1, "0.0.0", 1), ""),
    "hello_of_nothing": (struct.pack(">IB", 1, HELLO), ""),
    "hello_with_rest": (hello()[:3] + bytes([hello()[3] + 3]) + hello()[4:] + b"\1\2\3", ""),
    "other_version": (hello(version=99), ""),
    "other_role": (hello(role=9), ""),
    "half_ended": (hello()[:9], "end"),
    "byte_ended": (b"\0", "end"),
    "half_silent": (hello()[:9], ""),
    "silent": (b"", ""),
}
AFTER = {
    "random_later": (noise(4, 1000), ""),
    "huge_later": (huge(0xFFFFFFFF), ""),
    "http_later": (b"GET / HTTP/1.1\r\n\r\n", ""),
    "hello_twice": (hello(), ""),
    "empty_message": (struct.pack(">IB", 1, MESSAGE), ""),
    "not_a_message": (frame(MESSAGE, "a", "b"), ""),
    "half_later": (frame(MESSAGE, 0, 0, 0, "", "")[:8], "end"),
}


def read_frame(connection):
    data = b""
    while len(data) < 4 or len(data) < 4 + struct.unpack(">I", data[:4])[0]:
        more = connection.recv(4096)
        assert more, f"closed after {data!r}"
        data += more
    return data


def send(connection, data):
    """All of it, or as much as the system takes before it closes."""
    try:
        connection.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        pass


def await_close(connection):
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        pass


def garbage(port, kind):
    data, end = BEFORE[kind] if kind in BEFORE else AFTER[kind]
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        if kind in AFTER:
            connection.sendall(hello())
            assert read_frame(connection)[4] == WELCOME
        send(connection, data)
        if end:
            connection.shutdown(socket.SHUT_WR)
        await_close(connection)
        print(connection.getsockname()[1])


# ---- messages that make no sense -----------------------------------------------------------------

REQUEST, REPLY = 33, 34
CREATE, SHUTDOWN, NAME, CAPABILITY = 1, 6, 8, 9


class Connection:
    """A program's end of a connection, as far as it is needed here."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.sendall(hello())
        self.pending = b""
        self.ticket = 0
        self.endpoint, self.admin = msgpack.unpackb(self.receive()[1:])[:2]

    def receive(self):
        while True:
            if len(self.pending) >= 4:
                size = struct.unpack(">I", self.pending[:4])[0]
                if len(self.pending) >= 4 + size:
                    body, self.pending = self.pending[4 : 4 + size], self.pending[4 + size :]
                    return body
            more = self.socket.recv(1 << 16)
            assert more, "the connection was closed"
            self.pending += more

    def send(self, kind, flags, ticket, target, payload):
        head = msgpack.packb([kind, flags, ticket, target, None])
        body = bytes([MESSAGE]) + head + payload
        self.socket.sendall(struct.pack(">I", len(body)) + body)

    def request(self, *items):
        return self.request_packed(msgpack.packb(list(items)))

    def request_packed(self, payload):
        """Waits for the answer, passing over everything else."""
        self.ticket += 1
        ticket = self.ticket + (1 << 20)
        self.send(REQUEST, 0, ticket, self.admin, payload)
        while True:
            body = self.receive()
            unpacker = msgpack.Unpacker(strict_map_key=False)
            unpacker.feed(body[1:])
            head = unpacker.unpack()
            if head[0] == REPLY and head[2] == ticket:
                return unpacker.unpack()


PLAIN = [msgpack.packb(value) for value in (
    None, True, False, 0, -1, 1 << 40, -(1 << 63), (1 << 63) - 1, 1.5, float("nan"), float("inf"),
    "", "x", "echo", "echo.Echo", "../../etc/passwd", "a.b.c.d", b"\xff\0", "ab" * 32, "x" * 5000,
    [], [[]], [1, 2, 3], {}, {"a": {"b": []}}, {1: 2, "x": None})]
PLAIN.append(b"\x91" * 150 + b"\1")  # nested deeply


def extension(chance):
    """What an address, an instance or a reference is to look like, but does not."""
    size = chance.choice((0, 1, 7, 8, 16, 24, 40))
    code = chance.choice((1, 2, 3, 4, 5, 100))
    return msgpack.packb(msgpack.ExtType(code, chance.randbytes(size)))


def array(items):
    return struct.pack(">BH", 0xDC, len(items)) + b"".join(items)


def nonsense(chance):
    """A request, or just some value."""
    if chance.random() < 0.3:
        return chance.choice([*PLAIN, extension(chance)])
    operation = chance.choice([number for number in range(-1, 16) if number != SHUTDOWN])
    sorts = [*PLAIN, extension(chance)]
    return array([msgpack.packb(operation), *chance.choices(sorts, k=chance.randrange(6))])


# What a request may ask the system to keep, though somebody could not read it later.
UNKEPT_VALUES = [msgpack.packb(msgpack.ExtType(code, data)) for code, data in (
    (1, b"x"), (2, b"\5"), (2, b""), (3, b"x"), (3, b"\x92\xa1m\xa1M"), (3, b"\x90\x80"),
    (4, b""), (4, b"\1\1"), (4, b"\xd4\3x"), (100, b"x"))]
UNKEPT_VALUES += [b"\x91" + value for value in UNKEPT_VALUES]
UNKEPT_VALUES += [b"\x82\xa1a\1\xa1a\2", b"\x91" * 1050 + b"\1"]
UNKEPT_ALONE = [b"\x81\x90\1", msgpack.packb("x" * (2 << 20))]
UNKEPT_NAMES = [b"\xa0", b"\xa1\xff", b"\xa3a\0b", b"\xa3a\nb", b"\xa4\x1b[2J",
                msgpack.packb("x" * 2000)]


def refused(connection, what, *items):
    code, words = connection.request_packed(array([msgpack.packb(items[0]), *items[1:]]))
    assert code != 0, f"{what} was taken"
    assert isinstance(words, str) and words != "malformed data", (what, words)


def unkept(connection):
    """Each is refused in words, so nothing stays behind that would break the status."""
    nil, one, name = b"\xc0", b"\1", msgpack.packb("echo.Echo")
    for value in [*UNKEPT_VALUES, *UNKEPT_ALONE]:
        refused(connection, value[:80], CAPABILITY, b"\xa1x", value)
    for text in UNKEPT_NAMES:
        refused(connection, text[:80], CAPABILITY, text, one)
        refused(connection, text[:80], CREATE, text, nil, nil, nil)
        refused(connection, text[:80], CREATE, name, nil, text, nil)
    # Requirements are not kept: they fail the one actor whose they are.
    for value in UNKEPT_VALUES:
        refused(connection, value[:80], CREATE, name, value, nil, nil)


def storm(port):
    chance = random.Random(5)
    connection = Connection(port)
    unkept(connection)
    for turn in range(3000):
        if turn % 100 == 0:  # neither side has to hold too much, and some actors are still there
            code, echo = connection.request(CREATE, "echo.Echo", None, None, None)
            assert code == 0, echo
            nobody = msgpack.ExtType(echo.code, echo.data[:12] + b"\0\0\3\1" + echo.data[16:])
            stranger = msgpack.ExtType(echo.code, b"\1" * len(echo.data))
        targets = [connection.admin, connection.endpoint, echo, nobody, stranger, None]
        target = chance.choice(targets)
        kind = chance.choice([0, 0, 0, 1, 2, 3, 4, 5, 6, 7, REPLY, 35, 36])
        if target == connection.admin and chance.random() < 0.8:
            kind = REQUEST
        connection.send(kind, chance.randrange(4), chance.randrange(3), target, nonsense(chance))
    assert connection.request(NAME, "nobody") == [0, None]


if sys.argv[2] == "kinds":
    print("\n".join([*BEFORE, *AFTER]))
elif sys.argv[2] == "storm":
    storm(int(sys.argv[1]))
else:
    garbage(int(sys.argv[1]), sys.argv[2])
