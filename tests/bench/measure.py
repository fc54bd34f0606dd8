"""measure: runs the works of this folder and their peers in turn, and prints what they reach as a table.

Called by run.sh, whose head says how; by hand, with HOST (thespian-host), BUILD (the build tree) set:

    python3 measure.py [--quick] [--runs N] [--no-peers] [--json FILE] [--pictures] [WORK...]

A work's programs print lines WORK UNIT NUMBER. Each contender runs once before any runs again, so that
what else the machine does meets all of them. A program that fails, or whose count does not add up, ends
it all with 1.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import secrets
import shutil
import socket
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD") or ROOT / "build/release").resolve()
HOST = os.environ.get("HOST") or str(BUILD / "thespian-host")
WORK = BUILD / "bench"  # compiled peers and logs
PATIENCE = 1800  # seconds for one program

ROUND_TRIPS, FEW_ROUND_TRIPS = 1000000, 1000

# Name, program, counts at full size and when quick, and who runs it besides Thespian.
LOCAL = ("erlang", "erlang +S 1", "floor")
WORKS = [
    ("W1", "w1", (ROUND_TRIPS,), (FEW_ROUND_TRIPS,), LOCAL),
    ("W2", "w2", (1000000,), (1000,), LOCAL),
    ("W3", "w3", (1000000, 100), (1000, 10), LOCAL),
    ("W4", "w4", (100000, 100), (100, 10), LOCAL),
    ("W5", "w5", (10000, 60), (50, 10), LOCAL),
    ("W6", "w6", (2000, 120), (50, 10), LOCAL),
    ("W7.0", "w7", (0, ROUND_TRIPS), (0, FEW_ROUND_TRIPS), LOCAL[:2]),
    ("W7.1000", "w7", (1000, ROUND_TRIPS), (10, FEW_ROUND_TRIPS), LOCAL),
    ("W7.10000", "w7", (10000, ROUND_TRIPS), (20, FEW_ROUND_TRIPS), LOCAL),
    ("W7.100000", "w7", (100000, ROUND_TRIPS), (50, FEW_ROUND_TRIPS), LOCAL),
    ("W7.1000000", "w7", (1000000, ROUND_TRIPS), (100, FEW_ROUND_TRIPS), LOCAL),
    ("W8", "w8", (100000,), (100,), LOCAL),
    ("W8b", "w8b", (20000, 65536), (50, 65536), LOCAL),
    ("W9", "w9", (50000, 500000), (100, 1000), LOCAL),
    ("W9u", "w9", (50000, 500000, "multiprocUDPBase"), (100, 1000, "multiprocUDPBase"), ()),
]

AT_FIRST = "bytes/actor-at-first"
LESS_IS_BETTER = {"bytes/actor", AT_FIRST, "p50-us", "p99-us"}


def run(command, **more):
    """The lines that a program prints, as {(work, unit): number}."""
    environment = {"THESPLOG_FILE": str(WORK / "thespian.log"), **os.environ, **more.pop("env", {})}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=PATIENCE, env=environment,
                          stdin=subprocess.DEVNULL, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: ended with {done.returncode}")
    found = {}
    for line in done.stdout.splitlines():
        work, unit, number = line.split()
        found[work, unit] = float(number)
    if not found:
        sys.exit(f"{' '.join(map(str, command))}: printed no result")
    return found


# ---- the contenders -------------------------------------------------------------------------------


def run_thespian(program, counts):
    return run([HOST, "run", HERE / f"{program}.lua", *map(str, counts)])


def run_floor(program, counts):
    return run([BUILD / "tests/bench/floor", program, *map(str, counts)])


def erlang(schedulers, *more):
    return ["erl", *schedulers, "-noshell", "-pa", str(WORK), *more, "-run", "works"]


def run_erlang(program, counts, schedulers=()):
    if program == "w9":
        return run_far_erlang(schedulers, counts)
    processes = ("+P", "2000000") if program == "w7" else ()  # as many as it may have, usually 262,144
    return run([*erlang((*schedulers, *processes)), "main", program, *map(str, counts)])


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def run_far_erlang(schedulers, counts):
    """Two nodes, without the daemon that usually tells nodes of each other's ports."""
    joint = ("-setcookie", secrets.token_hex(16), "-start_epmd", "false",
             "-erl_epmd_port", str(free_port()), "-kernel", "inet_dist_use_interface", "{127,0,0,1}")
    far = subprocess.Popen([*erlang(schedulers, "-name", "far@127.0.0.1", *joint), "wait"],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if far.stdout.readline() != "ready\n":
            sys.exit("the other Erlang node did not start")
        near = erlang(schedulers, "-name", "near@127.0.0.1", "-dist_listen", "false", *joint)
        return run([*near, "main", "w9", *map(str, counts)], env={"FAR": "far@127.0.0.1"})
    finally:
        far.communicate("")


CONTENDERS = {
    "thespian": run_thespian,
    "erlang": run_erlang,
    "erlang +S 1": lambda program, counts: run_erlang(program, counts, ("+S", "1")),
    "floor": run_floor,
}


def prepare_peers():
    """Which of them there are, ready to run."""
    there = ["floor"]
    if shutil.which("erl") and shutil.which("erlc"):
        subprocess.run(["erlc", "-o", WORK, HERE / "works.erl"], check=True)
        there += ["erlang", "erlang +S 1"]
    else:
        print("Erlang is not installed (Debian's erlang-base), so it is not measured", file=sys.stderr)
    return there


# ---- measuring ------------------------------------------------------------------------------------


def available_memory():
    for line in open("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024


class Results:
    """What each contender has reached: {work: {unit: {contender: [number of each run]}}}."""

    def __init__(self):
        self.of = {}

    def add(self, contender, found):
        for (work, unit), number in found.items():
            self.of.setdefault(work, {}).setdefault(unit, {}).setdefault(contender, []).append(number)

    def bytes_each(self, contender):
        """What an idle actor took where most of them were, as far as that is known."""
        known = [(int(work[3:]), max(units[unit][contender]))
                 for work, units in self.of.items() if work.startswith("W7.")
                 for unit in (AT_FIRST, "bytes/actor") if contender in units.get(unit, {})]
        return max(known, default=(0, 0))[1]


def fits(results, contender, program, counts):
    if program != "w7" or counts[0] * results.bytes_each(contender) < 0.9 * available_memory():
        return True
    print(f"{contender}: no room for {counts[0]} actors of {results.bytes_each(contender):.0f} bytes",
          file=sys.stderr)
    return False


def measure(results, work, contenders, runs, is_quick):
    name, program, full, quick, peers = work
    counts = quick if is_quick else full
    taking_part = [contender for contender in CONTENDERS
                   if contender in contenders and contender in ("thespian", *peers)
                   and fits(results, contender, program, counts)]
    for number in range(1, runs + 1):
        for contender in taking_part:
            print(f"{name} {number}/{runs} {contender}", file=sys.stderr, flush=True)
            results.add(contender, CONTENDERS[contender](program, counts))


def chosen(names):
    """The works that are named; W7 is all of its sizes, W9 both carriers."""
    if not names:
        return WORKS
    picked = [work for work in WORKS
              if any(work[0].lower() == name.lower() or work[1] == name.lower() for name in names)]
    for name in names:
        if not any(name.lower() in (work[0].lower(), work[1]) for work in WORKS):
            sys.exit(f"no work is called {name}: there are {', '.join(work[0] for work in WORKS)}")
    return picked


# ---- telling --------------------------------------------------------------------------------------


def digits(number):
    return f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"


def ratio(unit, ours, theirs):
    """How many times as good ours is; above 1 is better, whatever is measured."""
    return theirs / ours if unit in LESS_IS_BETTER else ours / theirs


def table(results):
    peers = [contender for contender in CONTENDERS if contender != "thespian"
             and any(contender in of for units in results.of.values() for of in units.values())]
    head = ["work", "unit", "min", "median", "max"]
    for peer in peers:
        head += [peer, "ratio"]
    rows = [head, ["---", "---"] + ["---:"] * (len(head) - 2)]
    for work, units in results.of.items():
        for unit, of in units.items():
            if "thespian" not in of:
                continue
            ours = of["thespian"]
            middle = statistics.median(ours)
            row = [work, unit, digits(min(ours)), digits(middle), digits(max(ours))]
            for peer in peers:
                theirs = statistics.median(of[peer]) if peer in of else None
                row += [digits(theirs), digits(ratio(unit, middle, theirs))] if theirs else ["-", "-"]
            rows.append(row)
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
                     for row in rows)


def first_line(*command):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except OSError:
        return None
    return done.stdout.strip().split("\n")[0] or None


def machine():
    processors = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    version = 'io:put_chars(erlang:system_info(otp_release)), halt(0).'
    return {
        "processor": f"{os.cpu_count()} x {processors[0] if processors else platform.machine()}",
        "memory": f"{memory:.0f} GiB",
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
        "compiler": first_line("gcc", "--version"),
        "erlang": first_line("erl", "-noshell", "-eval", version),
        "commit": first_line("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"),
    }


def main():
    parser = argparse.ArgumentParser(prog="run.sh", allow_abbrev=False)
    parser.add_argument("works", nargs="*", metavar="WORK")
    parser.add_argument("--quick", action="store_true", help="tiny counts, once: do they work?")
    parser.add_argument("--runs", type=int, metavar="N", help="how often each runs (5)")
    parser.add_argument("--no-peers", action="store_true", help="Thespian alone")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="where the results go")
    parser.add_argument("--pictures", action="store_true", help="draws docs/pictures/*.svg")
    options = parser.parse_args()
    runs = options.runs or (1 if options.quick else 5)
    works = chosen(options.works)
    WORK.mkdir(parents=True, exist_ok=True)
    (WORK / "thespian.log").unlink(missing_ok=True)
    contenders = ["thespian"] + ([] if options.no_peers else prepare_peers())
    results = Results()
    for work in works:
        measure(results, work, contenders, runs, options.quick)
    told = {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "command": " ".join(["sh tests/bench/run.sh", *sys.argv[1:]]), "runs": runs,
            "quick": options.quick, "machine": machine(), "results": results.of}
    file = options.json or WORK / "results.json"
    file.write_text(json.dumps(told, indent=1) + "\n")
    print(f"\n{told['date']}, {told['command']}, {runs} runs of each: medians, and how many times as good "
          "Thespian is")
    print("; ".join(f"{key} {value}" for key, value in told["machine"].items() if value), end="\n\n")
    print(table(results), flush=True)
    if options.pictures:
        subprocess.run([sys.executable, HERE / "pictures.py", file, ROOT / "docs/pictures"], check=True)


main()
