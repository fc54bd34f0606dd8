"""Makes archives that no system may load: libzips.py FOLDER

For each of them there are NAME.zip and NAME.txt, the reason that its refusal must give. GOOD.zip is
what all of them would be, if they had not been tampered with: a bundle with the class app.App. It is
built as they are, so that each is refused for what is wrong with it and for nothing else."""

import struct
import sys
import zlib

APP = b"""local actors = require "thespian.actors"
local App = actors.class("App", actors.Actor)
function App:receiveMessage(message, sender)
  if message == "version" then self:send(sender, require("pkg").text) end
end
return { App = App }
"""
PKG = b"return { text = 'good' }\n"

STORED, DEFLATED = 0, 8


def deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


class Entry:
    """A file as it should be. What a test gets wrong it sets afterwards: fields of both headers in
    self, of one alone in self.local and self.central."""

    def __init__(self, name, data=b"", method=DEFLATED):
        self.name = name if isinstance(name, bytes) else name.encode()
        self.method = method
        self.packed = deflate(data) if method == DEFLATED else data
        self.flags = 0
        self.checksum = zlib.crc32(data)
        self.packed_size = len(self.packed)
        self.size = len(data)
        self.extra = b""
        self.attributes = 0
        self.disk = 0
        self.before = b""  # bytes of nobody
        self.after = b""  # such as a data descriptor
        self.offset = None  # where the directory says that it is; None: where it is
        self.is_there = True  # false: only the directory speaks of it
        self.local = {}
        self.central = {}

    def set(self, **fields):
        for name, value in fields.items():
            assert hasattr(self, name)
            setattr(self, name, value)
        return self

    def streamed(self, marked=True):
        """As it is written to a pipe: sizes and checksum are left open, and follow the data."""
        self.flags |= 8
        self.local.update(checksum=0, packed_size=0, size=0)
        self.after = struct.pack("<III", self.checksum, self.packed_size, self.size)
        if marked:
            self.after = b"PK\7\10" + self.after
        return self

    def fields(self, changes):
        said = dict(vars(self), **changes)
        return (said["flags"], said["method"], 0, 33, said["checksum"], said["packed_size"],
                said["size"], len(said["name"]), len(said["extra"])), said["name"] + said["extra"]

    def header(self):
        numbers, rest = self.fields(self.local)
        return b"PK\3\4" + struct.pack("<HHHHHIIIHH", 20, *numbers) + rest

    def record(self, offset):
        numbers, rest = self.fields(self.central)
        offset = offset if self.offset is None else self.offset
        return (b"PK\1\2" + struct.pack("<HHHHHHIIIHH", 0x314, 20, *numbers)
                + struct.pack("<HHHII", 0, self.disk, 0, self.attributes, offset) + rest)


def archive(*entries, gap=b"", after_directory=b"", comment=b"", records=None, **end):
    """The bytes. gap stands before the directory; records are the directory's, where they are not
    those of the entries; end sets fields of the end record, or adds to them as NAME_more."""
    body, offsets = bytearray(), []
    for entry in entries:
        body += entry.before
        offsets.append(len(body))
        if entry.is_there:
            body += entry.header() + entry.packed + entry.after
    body += gap
    if records is None:
        records = [entry.record(offset) for entry, offset in zip(entries, offsets)]
    directory = b"".join(records) + after_directory
    fields = {"disk": 0, "start": 0, "here": len(records), "count": len(records),
              "size": len(directory) - len(after_directory), "offset": len(body),
              "comment": len(comment)}
    for name, value in end.items():
        if name.endswith("_more"):
            fields[name[:-5]] += value
        else:
            fields[name] = value
    return bytes(body) + directory + b"PK\5\6" + struct.pack("<HHHHIIH", *fields.values()) + comment


def app(**fields):
    return Entry("app.lua", APP).set(**fields)


def pkg(**fields):
    return Entry("pkg/init.lua", PKG, STORED).set(**fields)


GOOD = archive(app(), pkg())


# ---- the archive as a whole ---------------------------------------------------------------------


def wholes():
    no_zip = "not a zip archive"
    cut = "the archive is cut off: its end is missing"
    around = "bytes stand before the archive, or between its directory and its end"
    yield "empty_file", b"", no_zip
    yield "text", b"return {}\n" * 100, no_zip
    yield "another_format", b"\x1f\x8b\x08" + bytes(100), no_zip
    yield "only_a_mark", b"PK\5\6", no_zip
    yield "cut_by_a_byte", GOOD[:-1], cut
    yield "cut_before_its_end", GOOD[:-22], cut
    yield "cut_in_half", GOOD[: len(GOOD) // 2], cut
    yield ("cut_in_its_comment", archive(app(), pkg(), comment=b"for people")[:-1],
           "the archive is cut off in its comment")
    yield "longer", GOOD + b"x", "bytes follow the end of the archive"
    comment = "the archive has a comment, which could hide another archive"
    yield "comment", archive(app(), pkg(), comment=b"for people"), comment
    yield "archive_in_comment", archive(app(), pkg(), comment=archive(Entry("evil.lua"))), around
    yield "script_before", b"#!/bin/sh\n" + GOOD, around
    yield "two_archives", GOOD + GOOD, around
    yield "after_directory", archive(app(), pkg(), after_directory=b"x"), around
    yield ("signature_after_directory",
           archive(app(), pkg(), after_directory=b"PK\5\5\4\0sign"), around)
    yield ("directory_far_away", archive(app(), pkg(), offset=1 << 30),
           "the directory reaches past the end of the archive")
    yield ("directory_too_long", archive(app(), pkg(), size_more=1),
           "the directory reaches past the end of the archive")
    for field in ("disk", "start"):
        yield "other_" + field, archive(app(), pkg(), **{field: 1}), "the archive spans several disks"
    yield "here_and_all", archive(app(), pkg(), here=1), "the archive spans several disks"
    for field, value in (("count", 0xFFFF), ("size", 0xFFFFFFFF), ("offset", 0xFFFFFFFF)):
        yield ("zip64_" + field, archive(app(), pkg(), **{field: value}),
               "zip64 archives are not supported")
    yield ("entries_missing", archive(app(), pkg(), here=1, count=1),
           "the directory holds more than its entries")
    yield "entries_too_many", archive(app(), pkg(), here=3, count=3), "the directory is cut off"
    records = [app().record(0), b"PK\1\1" + app().record(0)[4:]]
    yield "record_unmarked", archive(app(), records=records), "the directory is damaged"
    endless = bytearray(app().record(0))
    endless[28:30] = b"\xff\xff"  # the size of its name
    yield "record_endless", archive(app(), records=[bytes(endless)]), "the directory is damaged"


# ---- entries, and where they are ----------------------------------------------------------------


def places():
    yield ("gap_before_entry", archive(app(), pkg(before=b"hidden")), "pkg/init.lua",
           "bytes that belong to no entry stand before it")
    yield ("gap_at_front", archive(app(before=b"#!/bin/sh\n"), pkg()), "app.lua",
           "bytes that belong to no entry stand before it")
    yield ("gap_before_directory", archive(app(), pkg(), gap=b"hidden"), None,
           "bytes that belong to no entry stand before the directory")
    hidden = Entry("evil.lua", b"return 1")
    yield ("entry_not_listed", archive(app(), hidden, records=[app().record(0)]), None,
           "bytes that belong to no entry stand before the directory")
    yield ("overlapping", archive(app(), pkg(is_there=False, offset=0)), "pkg/init.lua",
           "it overlaps another entry")
    # A second header within what the first one packs: the way to bombs of petabytes.
    inner = Entry("inner.lua", b"-" * 50, STORED)
    outer = Entry("outer.lua", inner.header() + inner.packed, STORED)
    inner.set(is_there=False, offset=len(outer.header()))
    yield "quoting", archive(outer, inner), "inner.lua", "it overlaps another entry"
    yield ("outside", archive(app(), pkg(offset=1 << 20)), "pkg/init.lua",
           "it lies outside of the archive")
    beside = archive(app(), pkg(packed=b"", is_there=False), gap=b"x" * 40)
    yield "no_header", beside, "pkg/init.lua", "it has no header of its own"
    far = pkg()
    far.local["name"] = b"pkg/init.lua" + b"x" * 10000
    long_name = archive(app(), far)
    short = long_name.replace(b"x" * 10000, b"")
    offset = len(short) - len(long_name)
    yield ("header_endless",
           short[:-6] + struct.pack("<I", struct.unpack("<I", short[-6:-2])[0] + offset) + short[-2:],
           "pkg/init.lua", "its header runs into the directory")
    yield ("data_endless", archive(app(), Entry("big.lua").set(packed_size=9999, size=9999)),
           "big.lua", "its data runs into the directory")
    yield "other_disk", archive(app(), pkg(disk=1)), "pkg/init.lua", "it is on another disk"


# ---- two headers for one entry ------------------------------------------------------------------


def changed(header, **fields):
    entry = app()
    getattr(entry, header).update(fields)
    return archive(entry, pkg())


def headers():
    name, flags = "its own header has another name", "its own header has other flags or another method"
    size = "its own header has another size"
    yield "two_names", changed("local", name=b"two.lua"), "app.lua", name
    yield "two_names_longer", changed("local", name=b"app.luac"), "app.lua", name
    yield "two_flags", changed("local", flags=0x800), "app.lua", flags
    yield "two_methods", changed("local", method=STORED), "app.lua", flags
    yield ("two_checksums", changed("local", checksum=1), "app.lua",
           "its own header has another checksum")
    yield "two_packed_sizes", changed("local", packed_size=9), "app.lua", size
    yield "two_sizes", changed("central", size=len(APP) - 1), "app.lua", size
    yield "sizes_open_unflagged", changed("local", size=0), "app.lua", size
    missing = "its data descriptor is missing or differs"
    yield "descriptor_missing", archive(app().streamed().set(after=b""), pkg()), "app.lua", missing
    streamed = app().streamed()
    streamed.after = streamed.after[:-4] + b"\0\0\0\0"
    yield "descriptor_differs", archive(streamed, pkg()), "app.lua", missing
    two_ends = b"return 1 --PK\7\10" + struct.pack("<III", zlib.crc32(b"return 1 --"), 11, 11) + PKG
    yield ("descriptor_within", archive(app(), Entry("two.lua", two_ends, STORED).streamed()),
           "two.lua", "its data could be taken to end at a descriptor within it")
    for where in ("local", "central"):
        yield ("zip64_extra_" + where,
               changed(where, extra=struct.pack("<HHQQ", 1, 16, len(APP), len(APP))), "app.lua",
               "zip64 is not supported")
        yield ("second_name_" + where,
               changed(where, extra=struct.pack("<HHBI", 0x7075, 13, 1, 0) + b"evil.lua"),
               "app.lua", "it has a second name")
        yield ("extra_cut_" + where, changed(where, extra=b"UT\xff\xff\0"), "app.lua",
               "its extra fields are malformed")
    yield ("zip64_size", archive(app(size=0xFFFFFFFF), pkg()), "app.lua", "zip64 is not supported")


# ---- what an entry is ---------------------------------------------------------------------------


def kinds():
    yield "encrypted", archive(app(flags=1), pkg()), "app.lua", "it is encrypted"
    for bit, what in ((4, "enhanced"), (5, "patch"), (6, "strong"), (13, "masked")):
        yield ("flag_" + what, archive(app(flags=1 << bit), pkg()), "app.lua",
               "its flags 0x%04x are not supported" % (1 << bit))
    for method, what in ((1, "shrunk"), (9, "deflate64"), (12, "bzip2"), (14, "lzma"), (93, "zstd")):
        yield ("method_" + what, archive(app(method=method), pkg()), "app.lua",
               "its packing method %d is not supported" % method)
    yield ("stored_two_sizes", archive(app(), pkg(size=len(PKG) + 1)), "pkg/init.lua",
           "it is stored unpacked, but with two different sizes")
    for mode, what in ((0o120777, "link"), (0o010644, "fifo"), (0o020644, "device"),
                       (0o140644, "socket")):
        yield (what, archive(app(attributes=mode << 16), pkg()), "app.lua",
               "it is a link or another special file")
    marked = "it is marked as a folder, but not named as one"
    yield "folder_by_mode", archive(app(attributes=0o040755 << 16), pkg()), "app.lua", marked
    yield "folder_by_dos", archive(app(attributes=0x10), pkg()), "app.lua", marked
    yield ("file_named_folder", archive(app(), Entry("pkg/").set(attributes=0o100644 << 16)), "pkg/",
           "it is named as a folder, but marked as a file")
    yield ("folder_with_contents", archive(app(), Entry("pkg/", b"x", STORED)), "pkg/",
           "it is a folder with contents")


# ---- names --------------------------------------------------------------------------------------


def names():
    for what, name, shown, words in (
        ("empty", "", "", "is empty"),
        ("long", "n" * 201, "n" * 200 + "...", "is too long"),
        ("latin", b"caf\xe9.lua", "caf\\xe9.lua", "is not UTF-8"),
        ("overlong", b"..\xc0\xafevil.lua", "..\\xc0\\xafevil.lua", "is not UTF-8"),
        ("surrogate", b"\xed\xa0\x80.lua", "\\xed\\xa0\\x80.lua", "is not UTF-8"),
        ("zero", "good.lua\0.txt", "good.lua\\x00.txt", "contains a zero byte"),
        ("newline", "a\nb.lua", "a\\x0ab.lua", "contains a control character"),
        ("escape", "\x1b[2J.lua", "\\x1b[2J.lua", "contains a control character"),
        ("backslash", "pkg\\evil.lua", "pkg\\evil.lua", "contains a backslash"),
        ("hole", "pkg//evil.lua", "pkg//evil.lua", "has an empty part"),
        ("dot", "./evil.lua", "./evil.lua", 'has "." as a part'),
        ("up", "../evil.lua", "../evil.lua", "leaves the archive"),
        ("up_within", "pkg/../../evil.lua", "pkg/../../evil.lua", "leaves the archive"),
        ("up_at_end", "pkg/..", "pkg/..", "leaves the archive"),
        ("absolute", "/etc/evil.lua", "/etc/evil.lua", "is absolute"),
        ("drive", "C:evil.lua", "C:evil.lua", "begins with a drive"),
    ):
        yield "name_" + what, archive(app(), Entry(name, b"return 1")), shown, "the name " + words
    yield "twice", archive(app(), Entry("app.lua", b"return 1")), "app.lua", "the name is there twice"
    yield "twice_but_case", archive(app(), Entry("APP.lua")), ("app.lua", "APP.lua"), \
        "the name is there twice"
    yield "twice_as_folder", archive(app(), Entry("app.lua/", b"", STORED)), ("app.lua", "app.lua/"), \
        "the name is there twice"
    yield ("file_and_folder", archive(app(), pkg(), Entry("pkg")), "pkg/init.lua",
           "a part of its path is a file")
    yield ("file_and_folder_but_case", archive(app(), Entry("A/b/c/d.lua"), Entry("a-b"), Entry("a/B")),
           "A/b/c/d.lua", "a part of its path is a file")


# ---- contents -----------------------------------------------------------------------------------


def contents():
    damaged = "its checksum does not match (damaged)"
    yield ("checksum_stored", archive(app(), pkg(packed=PKG.upper())), "pkg/init.lua", damaged)
    yield "checksum_deflated", archive(app(checksum=1), pkg()), "app.lua", damaged
    yield ("data_damaged", archive(app(packed=b"\xff" * app().packed_size), pkg()), "app.lua",
           "its packed data is damaged")
    cut = app().packed[:-2]
    yield ("data_cut", archive(app(packed=cut, packed_size=len(cut)), pkg()), "app.lua",
           "its packed data is cut off")
    yield ("size_too_small", archive(app(size=len(APP) - 1), pkg()), "app.lua",
           "it unpacks to more than the size it declares")
    yield ("size_too_large", archive(app(size=len(APP) + 1), pkg()), "app.lua",
           "it unpacks to less than the size it declares")
    longer = app().packed + b"hidden"
    yield ("data_behind", archive(app(packed=longer, packed_size=len(longer)), pkg()), "app.lua",
           "bytes are hidden behind its packed data")
    yield ("bomb", archive(app(), Entry("bomb.lua", b"-" * (32 << 20))), None,
           "the archive unpacks to more than 200 times its size")
    big = [Entry("big%d.lua" % number).set(size=33 << 20, packed_size=0) for number in range(2)]
    yield ("too_large", archive(app(), *big), None, "the archive unpacks to more than 67108864 bytes")
    lying = Entry("lying.lua").set(size=0xFFFFFFF0)
    yield ("too_large_by_far", archive(app(), lying), None,
           "the archive unpacks to more than 67108864 bytes")
    many = [Entry("f%d" % number, b"", STORED) for number in range(20001)]
    yield ("too_many", archive(*many), None,
           "the archive has more than 20000 entries")
    for what, text, words in (
        ("broken", "{\n\"name\": }", "line 2: unexpected token near '}'"),
        ("list", "[]", "it must be a JSON object, {...}"),
        ("misspelt", '{"notafter": "2027-01-31"}',
         'a manifest has no field "notafter"; use name, version, notAfter or actors'),
        ("twice", '{"name": "a", "name": "b"}', """line 1: duplicate object key near '"name"'"""),
        ("time", '{"notAfter": "2027-02-30"}',
         '"notAfter" must be a day, "2027-01-31", or a time in UTC, "2027-01-31T12:00:00Z"'),
        ("actor", '{"actors": [{}]}', '"actors[0]" has no "class", such as "shop.Clerk"'),
    ):
        manifest = Entry("manifest.json", text.encode())
        yield "manifest_" + what, archive(app(), manifest), None, "manifest.json: " + words
    compiled = "compiled Lua is refused, pack its source text"
    yield "compiled", archive(app(), Entry("evil.luac", b"\x1bLua\x54")), "evil.luac", compiled
    yield "compiled_case", archive(app(), Entry("evil.LUAC", b"")), "evil.LUAC", compiled
    yield "compiled_as_text", archive(app(), Entry("evil.lua", b"\x1bLua\x54")), "evil.lua", compiled


def write(folder, name, data, words=None):
    with open(f"{folder}/{name}.zip", "wb") as file:
        file.write(data)
    if words is not None:
        with open(f"{folder}/{name}.txt", "w", encoding="utf-8") as file:
            file.write(words)


def main(folder):
    write(folder, "GOOD", GOOD)
    for name, data, words in wholes():
        write(folder, name, data, words)
    for corpus in (places, headers, kinds, names, contents):
        for name, data, entry, words in corpus():
            if isinstance(entry, tuple):  # either may be named
                entry = entry[-1]
            write(folder, name, data, words if entry is None else f'entry "{entry}": {words}')


if __name__ == "__main__":
    main(sys.argv[1])
