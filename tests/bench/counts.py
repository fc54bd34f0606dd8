"""counts: instructions and allocations for each message, which no noise of the machine changes.

    python3 counts.py [--update] [--repeat N]     with HOST and BUILD set; counts.sh sets them

Each work runs under callgrind with few and with more messages, on the base that has one thread; so the
difference is what messages cost, without the start. Strings hash otherwise in each run, and handlers are
interrupted by time, which moves the numbers by two per cent, and medians of three runs by one. It is compared with counts.txt: ends with 1 where
something costs over 5 % more, with 77 (skipped) where valgrind is missing or the file is of another platform.
"""

import argparse
import concurrent.futures
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
FILE = HERE / "counts.txt"
HOST = os.environ["HOST"]
SKIPPED = 77
TOLERANCE = 0.05
RUNS = 3
PATIENCE = 300  # seconds for one program

# Name, program, messages of one count, fewer and more counts, and what else the program is given.
WORKS = [
    ("W1", "w1", 2, 1000, 6000, ()),
    ("W2", "w2", 1, 1000, 16000, ()),
    ("W4", "w4", 1, 100, 400, ("20",)),
    ("W8", "w8", 2, 200, 1700, ()),
]

HEAD = """\
# What a message costs, in instructions and allocations (calls of malloc, calloc and realloc), as counted by
# `sh tests/bench/counts.sh`; of W4 what an actor costs, from its creation to its end. Written by
# `sh tests/bench/counts.sh --update`, for changes that are meant.
#
# Another compiler, libc or Lua makes other numbers, so they count on the platform below alone; everywhere
# else the test is skipped. Processors without AVX2 take other ways through libc: some per cent at most.
"""


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def said(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


def this_platform():
    """What the numbers depend on: the compiler that made the program, and the libraries."""
    compiler = re.search(r"GCC: \([^)]*\) (\S+)|clang version (\S+)", said("readelf", "-p", ".comment", HOST))
    lua = re.search(r"Lua (\S+)", said("lua5.4", "-v"))
    return " ".join([platform.machine(), compiler.group(0).split(")")[-1].strip() if compiler else "?",
                     os.confstr("CS_GNU_LIBC_VERSION").replace(" ", "-"), f"lua-{lua.group(1) if lua else '?'}"])


# ---- counting -------------------------------------------------------------------------------------

ALLOCATING = {"malloc", "calloc", "realloc"}


def read_profile(file):
    """All instructions of a callgrind file, and the calls of what allocates from what does not."""
    names, caller, called, instructions, allocations = {}, None, None, None, 0

    def name(text):
        number, _, words = text.partition(" ")
        if words:
            names[number] = words.partition("'")[0]  # 'N: the Nth level of a recursion
        return names[number]

    for line in open(file):
        if line.startswith("fn="):
            caller = name(line[3:].strip())
        elif line.startswith("cfn="):
            called = name(line[4:].strip())
        elif line.startswith("calls="):
            if called in ALLOCATING and caller not in ALLOCATING:
                allocations += int(line[6:].split()[0])
        elif line.startswith("totals:"):
            instructions = int(line.split()[1])
    return instructions, allocations


def count(program, *arguments):
    with tempfile.NamedTemporaryFile(prefix="callgrind.") as profile:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile.name}", HOST, "run",
                   str(HERE / f"{program}.lua"), *arguments, "simpleSystemBase"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=PATIENCE)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}: ended with {done.returncode}\n{done.stdout}")
        return read_profile(profile.name)


def measure():
    """{work: [instructions, allocations]}, the medians of some runs; as many at once as there are processors."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        started = {(work, size): [pool.submit(count, work[1], str(size), *work[5]) for _ in range(RUNS)]
                   for work in WORKS for size in work[3:5]}
        totals = {key: zip(*(run.result() for run in runs)) for key, runs in started.items()}
    medians = {key: [statistics.median(of) for of in both] for key, both in totals.items()}
    return {work[0]: [(after - before) / ((work[4] - work[3]) * work[2])
                      for before, after in zip(medians[work, work[3]], medians[work, work[4]])]
            for work in WORKS}


# ---- comparing ------------------------------------------------------------------------------------


def recorded():
    """The platform of counts.txt, and {work: [instructions, allocations]}."""
    where, numbers = None, {}
    for line in FILE.read_text().splitlines() if FILE.exists() else ():
        words = line.split()
        if line.startswith("platform "):
            where = line[len("platform "):]
        elif words and words[0] != "#":
            numbers[words[0]] = [float(words[1]), float(words[3])]
    return where, numbers


def update(where, measured):
    lines = [f"{work} {of[0]:.0f} instructions {of[1]:.2f} allocations" for work, of in measured.items()]
    FILE.write_text(HEAD + "\n".join([f"platform {where}", *lines]) + "\n")
    print(f"written: {FILE}")


def judge(measured, known):
    """Prints each number beside what is recorded; whether none is worse."""
    worse = better = False
    for work, of in measured.items():
        for what, now, before in zip(("instructions", "allocations"), of, known.get(work, of)):
            # What allocates nothing may do so once in a hundred messages before it counts.
            margin = max(TOLERANCE * before, 0.01 if what == "allocations" else 0)
            word = "WORSE" if now > before + margin else "better" if now < before - margin else ""
            worse, better = worse or word == "WORSE", better or word == "better"
            print(f"{work} {now:10.2f} {what}, recorded {before:10.2f} {word}".rstrip())
    if worse:
        print("More than 5 % worse than tests/bench/counts.txt. If that is meant: "
              "sh tests/bench/counts.sh --update")
    elif better:
        print("More than 5 % better than tests/bench/counts.txt. To keep it so: "
              "sh tests/bench/counts.sh --update")
    return not worse


def main():
    parser = argparse.ArgumentParser(prog="counts.sh", allow_abbrev=False)
    parser.add_argument("--update", action="store_true", help="writes counts.txt")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="just prints N counts")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        skip("valgrind is not installed (Debian's package valgrind)")
    where, (there, known) = this_platform(), recorded()
    if not options.update and where != there:
        skip(f"counts.txt is of {there}, this is {where}")
    for _ in range(options.repeat if options.repeat > 1 else 0):
        for work, of in measure().items():
            print(work, "{:.1f} instructions {:.3f} allocations".format(*of))
    if options.repeat > 1:
        return
    measured = measure()
    if options.update:
        update(where, measured)
    elif set(measured) != set(known):
        sys.exit("counts.txt lacks a work: sh tests/bench/counts.sh --update")
    elif not judge(measured, known):
        sys.exit(1)


main()
