"""Makes zips that must be refused: libzips.py FOLDER. Each NAME.zip has beside it NAME.txt with the
words that the refusal must contain."""

import struct
import sys
import warnings
import zipfile

MODULE = b"return { made = 'of many words, of many words, of many words' }\n"


def write(folder, name, data, *words):
    with open(f"{folder}/{name}.zip", "wb") as file:
        file.write(data)
    with open(f"{folder}/{name}.txt", "w", encoding="utf-8") as file:
        file.write("\n".join(words))


def packed(entries, method=zipfile.ZIP_DEFLATED):
    """The bytes of a zip with these entries, [(name or ZipInfo, data)], in that order."""
    import io

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return stream.getvalue()


def replaced(data, old, new, count=None):
    """data with every old, of which there are count, made new."""
    assert old in data and len(old) == len(new)
    assert count is None or data.count(old) == count
    return data.replace(old, new)


def link(name, target):
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = 0o120777 << 16
    return info, target


def main(folder):
    warnings.simplefilter("ignore")  # zipfile warns of duplicates
    good = packed([("good.lua", MODULE), ("pkg/init.lua", MODULE)])

    write(folder, "empty_file", b"", "not a zip archive")
    write(folder, "text", b"return {}\n" * 100, "not a zip archive")
    write(folder, "cut_end", good[:-10], "cut off")
    write(folder, "cut_half", good[: len(good) // 2], "cut off")
    write(folder, "longer", good + b"more", "bytes follow")
    write(folder, "before", b"#!/bin/sh\n" + good, "bytes stand before")

    for name, path in (
        ("up", "../evil.lua"),
        ("up_within", "pkg/../../evil.lua"),
        ("absolute", "/evil.lua"),
        ("dot", "./evil.lua"),
        ("hole", "pkg//evil.lua"),
    ):
        write(folder, name, packed([("good.lua", MODULE), (path, MODULE)]), f'"{path}"')
    slashes = packed([("good.lua", MODULE), ("pkg@evil.lua", MODULE)])
    write(folder, "backslash", replaced(slashes, b"pkg@evil", b"pkg\\evil", 2), "evil.lua")
    write(folder, "zero", replaced(slashes, b"pkg@evil", b"pkg\0evil", 2), "zero byte")

    write(folder, "twice", packed([("app.lua", MODULE), ("app.lua", MODULE)]), '"app.lua"', "twice")
    write(folder, "twice_case", packed([("app.lua", MODULE), ("APP.lua", MODULE)]), "twice")
    linked = packed([("app.lua", MODULE), link("etc.lua", "/etc/passwd")])
    write(folder, "link", linked, '"etc.lua"')

    stored = packed([("good.lua", MODULE), ("bad.lua", MODULE[::-1])], zipfile.ZIP_STORED)
    write(folder, "crc_stored", replaced(stored, MODULE[::-1], MODULE[::-1].upper()), '"bad.lua"',
          "checksum")
    deflated = packed([("bad.lua", MODULE * 20)])
    with_crc = struct.pack("<I", zipfile.crc32(MODULE * 20))
    write(folder, "crc_deflated", replaced(deflated, with_crc, b"\1\2\3\4", 2), '"bad.lua"',
          "checksum")
    start = 30 + len("bad.lua")
    write(folder, "data", deflated[:start] + b"\xff" * 8 + deflated[start + 8 :], '"bad.lua"')
    size = struct.pack("<I", len(MODULE * 20))
    write(folder, "size", replaced(deflated, size, struct.pack("<I", 7), 2), '"bad.lua"')
    write(folder, "bomb", packed([("bomb.lua", b"-" * (32 << 20))]), "unpacks to more")

    secret = bytearray(packed([("secret.lua", MODULE)]))
    secret[6] |= 1  # the flag "encrypted", in the entry's own header and in the directory
    secret[secret.index(b"PK\1\2") + 8] |= 1
    write(folder, "encrypted", bytes(secret), '"secret.lua"', "encrypted")
    write(folder, "method", packed([("app.lua", MODULE)], zipfile.ZIP_BZIP2), '"app.lua"')
    two = packed([("one.lua", MODULE)])
    local = two.index(b"one.lua")
    write(folder, "two_names", two[:local] + b"two.lua" + two[local + 7 :], '"one.lua"')

    write(folder, "compiled", packed([("app.luac", b"\x1bLua\x54")]), '"app.luac"', "compiled")
    write(folder, "compiled_lua", packed([("app.lua", b"\x1bLua\x54")]), '"app.lua"', "compiled")


main(sys.argv[1])
