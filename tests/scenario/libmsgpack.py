"""Holds the codec against another MessagePack: what one packs, the other must read, both ways.

Usage: libmsgpack.py CODEC_TOOL. Values are made at random, from a seed that is printed and can be given
as MSGPACK_SEED; the tool gets each as a Lua expression.
"""
import math
import os
import random
import struct
import subprocess
import sys

import msgpack

INTEGERS = [0, 1, -1, 31, -32, -33, 127, 128, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1,
            2**32, 2**63 - 1, -128, -129, -32768, -32769, -2**31, -2**31 - 1, -2**63]
REALS = [0.0, -0.0, 1.0, -1.5, math.inf, -math.inf, math.nan, 2.0**53, 2.0**63, 5e-324, 1e308, 0.1]
SIZES = [0, 1, 31, 32, 255, 256, 65535, 65536]


def lua_integer(value):
    return "math.mininteger" if value == -2**63 else str(value)


def lua_real(value):
    if math.isnan(value):
        return "(0/0)"
    if math.isinf(value):
        return "(1/0)" if value > 0 else "(-1/0)"
    return value.hex()


def lua_string(value):
    return '"' + "".join("\\x%02x" % byte for byte in value) + '"'


def lua_key(key):
    return {bytes: lua_string, int: lua_integer, float: lua_real, bool: lambda b: str(b).lower()}[
        type(key)](key)


def lua(value):
    """The Lua expression for a value."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return lua_integer(value)
    if isinstance(value, float):
        return lua_real(value)
    if isinstance(value, bytes):
        return lua_string(value)
    if isinstance(value, list):
        return "{" + ",".join(lua(item) for item in value) + "}"
    if isinstance(value, msgpack.ExtType):
        return "address(%d,%d,%d,%d)" % struct.unpack(">qqIH", value.data.ljust(22, b"\0"))
    return "{" + ",".join("[%s]=%s" % (lua_key(key), lua(item)) for key, item in value.items()) + "}"


def make_address(dice):
    data = struct.pack(">qq", dice.randint(1, 2**63 - 1), dice.randint(1, 2**63 - 1))
    if dice.random() < 0.5:
        data += struct.pack(">IH", dice.randint(1, 2**32 - 1), dice.randint(1, 65535))
    return msgpack.ExtType(1, data)


def make_plain(dice):
    return dice.choice([
        lambda: dice.choice(INTEGERS),
        lambda: dice.randint(-2**dice.randint(1, 63), 2**dice.randint(1, 63) - 1),
        lambda: dice.choice(REALS),
        lambda: struct.unpack(">d", dice.randbytes(8))[0],
        lambda: dice.random() < 0.5,
        lambda: dice.randbytes(dice.randint(0, 50)),
        lambda: dice.randbytes(dice.choice(SIZES[:6])),
        lambda: make_address(dice),
    ])()


def make_key(dice):
    """Numbers other than small positive integers: those could turn the map into a sequence."""
    return dice.choice([
        lambda: dice.randbytes(dice.randint(0, 40)),
        lambda: dice.choice([0, -1, -500, 1000, 2**40, -2**63]),
        lambda: dice.random() + 0.25,
        lambda: True,
    ])()


def make(dice, depth):
    if depth == 0 or dice.random() < 0.4:
        return make_plain(dice)
    size = dice.choice([1, 2, 3, 15, 16, 17]) if depth > 1 else dice.choice([1, 15, 16, 300])
    if dice.random() < 0.5:
        return [make(dice, depth - 1) for _ in range(size)]
    return {make_key(dice): make(dice, depth - 1) for _ in range(size)}


def same(one, other):
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return math.isnan(one) and math.isnan(other) or struct.pack("d", one) == struct.pack("d", other)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        typed = {(type(key), key): value for key, value in other.items()}
        return len(one) == len(other) and all(
            (type(key), key) in typed and same(value, typed[type(key), key])
            for key, value in one.items())
    return one == other


def run(tool, what, lines):
    done = subprocess.run([tool, what], input="\n".join(lines) + "\n", stdout=subprocess.PIPE,
                          encoding="ascii", check=False)
    if done.returncode != 0:
        sys.exit("codec_tool %s failed" % what)
    return done.stdout.split()


def make_values(dice):
    values = [None, True, False, [], *INTEGERS, *REALS, *(b"x" * size for size in SIZES)]
    values += [list(range(size)) for size in SIZES[1:]]
    values += [{b"key %d" % i: i for i in range(size)} for size in SIZES[1:]]
    nested = 5
    for i in range(100):
        nested = [nested] if i % 2 else {b"next": nested}
    return values + [nested] + [make(dice, dice.randint(1, 3)) for _ in range(300)]


def check_ours(tool, values):
    """What the codec packs, Python reads; and it is as short as what Python packs."""
    for value, text in zip(values, run(tool, "encode", [lua(value) for value in values])):
        data = bytes.fromhex(text)
        back = msgpack.unpackb(data, raw=True, strict_map_key=False)
        if not same(back, value):
            sys.exit("packed by the codec: %s is read as %r" % (text[:200], back))
        if len(data) > len(msgpack.packb(value, use_bin_type=False)):
            sys.exit("longer than need be: " + text[:200])


def check_theirs(tool, values):
    """What Python packs, the codec reads: strings as str and as bin."""
    lines = []
    for value in values:
        for binary in (True, False):
            data = msgpack.packb(value, use_bin_type=binary)
            lines.append("%s %s" % (data.hex(), lua(value)))
    lines.append(msgpack.packb({}).hex() + " {}")
    lines.append(msgpack.packb(1.5, use_single_float=True).hex() + " 1.5")
    lines.append(msgpack.packb(2**64 - 1).hex() + " 0x1p64")
    lines.append(msgpack.packb({1: b"a", 2: b"b", 3: None}).hex() + " {'a', 'b'}")
    own = msgpack.ExtType(2, b"\0")
    shared = msgpack.ExtType(2, b"\1")
    lines.append(msgpack.packb([[1], shared, {b"x": shared}]).hex()
                 + " (function() local t = {1} return {t, t, {x = t}} end)()")
    lines.append(msgpack.packb({b"me": own}).hex()
                 + " (function() local t = {} t.me = t return t end)()")
    lines.append(msgpack.packb(msgpack.ExtType(4, msgpack.packb([1, [own]]))).hex()
                 + " (function() local t = {1} t[2] = {t} return t end)()")
    run(tool, "check", lines)


def main():
    seed = os.environ.get("MSGPACK_SEED") or str(random.randrange(2**32))
    print("MSGPACK_SEED=" + seed)
    values = make_values(random.Random(seed))
    check_ours(sys.argv[1], values)
    check_theirs(sys.argv[1], values)


main()
