"""pictures: draws the results of run.sh as SVG: python3 pictures.py RESULTS.json FOLDER

    ratios.svg   how many times as good as each peer, by work
    memory.svg   bytes of resident memory for each idle actor, against their number
    rate.svg     messages a second of W1, against the number of idle actors around

Axes are logarithmic. A picture for which there are no results is not drawn.
"""

import json
import math
import pathlib
import statistics
import sys

WIDTH, HEIGHT = 860, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 50, 60
COLOURS = {"thespian": "#1b6ca8", "erlang": "#b5322e", "erlang +S 1": "#e08e45", "floor": "#7a7a7a"}
LESS_IS_BETTER = {"bytes/actor", "p50-us", "p99-us"}


def text(x, y, words, anchor="middle", more=""):
    words = words.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{words}</text>'


def short(number):
    for size, unit in ((1e6, " M"), (1e3, " k")):
        if number >= size:
            return f"{number / size:g}{unit}"
    return f"{number:g}"


class Scale:
    """A logarithmic axis: from decade to decade around all that is to be shown."""

    def __init__(self, numbers, begin, end):
        self.low = math.floor(math.log10(min(numbers)) + 1e-9)
        self.high = max(math.ceil(math.log10(max(numbers)) - 1e-9), self.low + 1)
        self.begin, self.end = begin, end

    def place(self, number):
        return self.begin + (math.log10(number) - self.low) / (self.high - self.low) * (self.end - self.begin)

    def ticks(self):
        return [10.0**power for power in range(self.low, self.high + 1)]


def level_lines(scale):
    """The lines of the vertical axis, with their numbers."""
    for tick in scale.ticks():
        y = scale.place(tick)
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        yield text(LEFT - 8, y + 4, short(tick), "end")


def legend(names):
    x = LEFT
    for name in names:
        yield f'<rect x="{x}" y="{HEIGHT - 20}" width="12" height="12" fill="{COLOURS[name]}"/>'
        yield text(x + 18, HEIGHT - 10, name, "start")
        x += 130


def save(file, title, parts):
    parts = [text(LEFT, 25, title, "start", 'font-size="16" font-weight="bold"'), *parts]
    file.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
                    'font-family="sans-serif" font-size="12" fill="#222">\n'
                    f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n")
    print(f"drawn: {file}")


# ---- ratios ---------------------------------------------------------------------------------------


def ratios(results):
    """[label, {peer: ratio}] of each work with peers; of W7 at one size alone, of W1 without idle actors."""
    for work, units in results.items():
        if work.startswith("W1.") or work.startswith("W7.") and work != "W7.100000":
            continue
        for unit, of in units.items():
            if "thespian" not in of or len(of) < 2:
                continue
            ours = statistics.median(of["thespian"])
            found = {}
            for peer, numbers in of.items():
                if peer != "thespian":
                    theirs = statistics.median(numbers)
                    found[peer] = theirs / ours if unit in LESS_IS_BETTER else ours / theirs
            yield f"{work} {unit}", found


def draw_ratios(results, file):
    bars = list(ratios(results))
    if not bars:
        return
    numbers = [ratio for _, of in bars for ratio in of.values()]
    scale = Scale([*numbers, 0.5, 2], HEIGHT - BOTTOM - 30, TOP)
    peers = [peer for peer in COLOURS if any(peer in of for _, of in bars)]
    step = (WIDTH - LEFT - RIGHT) / len(bars)
    one, width = scale.place(1), step * 0.8 / len(peers)
    parts = list(level_lines(scale))
    for number, (label, of) in enumerate(bars):
        x = LEFT + number * step + step * 0.1
        for place, peer in enumerate(peers):
            if peer in of:
                y = scale.place(of[peer])
                parts.append(f'<rect x="{x + place * width:.1f}" y="{min(y, one):.1f}" width="{width:.1f}" '
                             f'height="{max(abs(one - y), 0.5):.1f}" fill="{COLOURS[peer]}">'
                             f"<title>{label}, {peer}: {of[peer]:.2f}</title></rect>")
        work, unit = label.split()
        parts.append(text(x + step * 0.4, HEIGHT - BOTTOM, work, more='font-size="10"'))
        parts.append(text(x + step * 0.4, HEIGHT - BOTTOM + 14, unit, more='font-size="8"'))
    parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{one:.1f}" y2="{one:.1f}" stroke="#222"/>')
    save(file, "Thespian is so many times as good as (above 1: better)", [*parts, *legend(peers)])


# ---- curves ---------------------------------------------------------------------------------------


def curves(results, prefix, unit):
    """{contender: [(number of actors, median)]}"""
    found = {}
    for work, units in results.items():
        if work.startswith(prefix):
            for contender, numbers in units.get(unit, {}).items():
                found.setdefault(contender, []).append((int(work[len(prefix):]), statistics.median(numbers)))
    return {contender: sorted(points) for contender, points in found.items()}


def draw_curves(found, file, title):
    """No idle actors at all are shown where a logarithmic axis has room for them: one decade before the first."""
    sizes = sorted({size for points in found.values() for size, _ in points})
    if not sizes:
        return
    first = next((size for size in sizes if size > 0), 10)
    across = Scale([first / 10 if sizes[0] == 0 else first, sizes[-1] or 1], LEFT + 20, WIDTH - RIGHT - 20)
    up = Scale([number for points in found.values() for _, number in points], HEIGHT - BOTTOM, TOP)
    parts = list(level_lines(up))
    for size in sizes:
        parts.append(text(across.place(size or first / 10), HEIGHT - BOTTOM + 18, short(size)))
    for contender, points in found.items():
        colour = COLOURS[contender]
        places = [(across.place(size or first / 10), up.place(number)) for size, number in points]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for (x, y), (_, number) in zip(places, points):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}">'
                         f"<title>{contender}: {number:,.0f}</title></circle>")
    save(file, title, [*parts, *legend([name for name in COLOURS if name in found])])


def main():
    results = json.loads(pathlib.Path(sys.argv[1]).read_text())["results"]
    folder = pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    draw_ratios(results, folder / "ratios.svg")
    draw_curves(curves(results, "W7.", "bytes/actor"), folder / "memory.svg",
                "Bytes of memory for each idle actor, by their number")
    draw_curves(curves(results, "W1.", "messages/s"), folder / "rate.svg",
                "W1, messages a second, by the number of idle actors around")


main()
