# SPDX-License-Identifier: Apache-2.0
"""What a round costs as a program grows: a table, and a plot in build/."""
import math
import os

import pair
import tools

# Axis: the program, the flag that grows, its values, the flags beside it by the value.
AXES = {
    "operators": ("epochs", "--nodes", (1, 10, 100, 1000, 10000, 100000),
                  lambda n, quick: f"-w 1 --epochs {max(5, (20000 if quick else 3000000) // n)}"),
    "times": ("open", "--epochs", (1, 10, 100, 1000, 10000),
              lambda n, quick: f"-w 1 --rounds {200 if quick else min(200000, 50000000 // n)}"),
    "workers": ("barrier", "-w", (1, 2, 4, 8, 16),
                lambda n, quick: f"--rounds {200 if quick else 200000 // n}"),
}
NAMESPACE = "http:" + "//www.w3.org/2000/svg"
COLORS = ("#0a6", "#a30")


def run(case, options):
    sides = []
    if options.only != "peer":
        sides.append(("weir", lambda program: [tools.build_ours("weir-bench-" + program)]))
    if options.only != "ours":
        peer = tools.build_rust("timely")
        sides.append((pair.NAMES[case.peer], lambda program: peer + [program]))
    pair.print_head(case, options)
    growths, curves = [], {}
    for axis, (program, flag, values, beside) in AXES.items():
        if options.axis not in (None, axis):
            continue
        print(f"{axis:12}" + "".join(f"{name:>16}" for name, _ in sides) + "   us a round")
        made = [(name, command(program)) for name, command in sides]
        for value in values:
            flags = [flag, str(value)] + beside(value, options.quick).split()
            point = [pair.Side(name, command + flags) for name, command in made]
            pair.alternate(point, options.runs,
                           lambda side: tools.execute(side.command, options.verbose))
            costs = [side.median() for side in point]
            for side, cost in zip(point, costs):
                curves.setdefault((axis, side.name), []).append((value, cost))
            print(f"{value:<12}" + "".join(f"{cost:16.4g}" for cost in costs), flush=True)
            if len(sides) == 2:
                print(f"scaling, {axis} {value}: ratio {pair.ratio(point):.2f}")
        grown = [curves[axis, name][-1][1] / curves[axis, name][0][1] for name, _ in sides]
        print(f"{axis}, last over first: " + ", ".join(f"{g:.4g}" for g in grown))
        if len(sides) == 2:
            growths.append(grown[1] / grown[0])
            print(f"scaling, growth with {axis}: ratio {growths[-1]:.2f}", flush=True)
    os.makedirs(os.path.join(tools.ROOT, "build"), exist_ok=True)
    path = os.path.join(tools.ROOT, "build", "scaling.svg")
    with open(path, "w", encoding="utf-8") as file:
        file.write(plot(curves, [name for name, _ in sides]))
    print("plot: build/scaling.svg")
    if growths:
        print(f"{case.name} ratio {min(growths):.2f}")


def plot(curves, names):
    """A panel an axis, both scales logarithmic, a line a side."""
    width, height = 360, 300
    axes = list(dict.fromkeys(axis for axis, _ in curves))
    out = [f'<svg xmlns="{NAMESPACE}" width="{width * len(axes)}" '
           f'height="{height + 20}" font-family="sans-serif" font-size="11">',
           '<rect width="100%" height="100%" fill="white"/>']
    for i, axis in enumerate(axes):
        out += panel(axis, [(name, curves[axis, name]) for name in names], i * width, height)
    return "\n".join(out + ["</svg>\n"])


def panel(axis, lines, left, height):
    points = [point for _, line in lines for point in line]
    (x0, x1), (y0, y1) = ((math.floor(math.log10(min(v))), math.ceil(math.log10(max(v)) + 0.01))
                          for v in zip(*points))

    def at(value, cost):
        return (left + 50 + 290 * (math.log10(value) - x0) / (x1 - x0),
                height - 30 - (height - 60) * (math.log10(cost) - y0) / (y1 - y0))
    out = [f'<text x="{left + 50}" y="16">us a round, by {axis}</text>']
    for power in range(x0, x1 + 1):
        x, y = at(10 ** power, 10 ** y0)
        out.append(f'<text x="{x:.0f}" y="{y + 16:.0f}" text-anchor="middle">1e{power}</text>')
    for power in range(y0, y1 + 1):
        x, y = at(10 ** x0, 10 ** power)
        out.append(f'<text x="{x - 6:.0f}" y="{y + 4:.0f}" text-anchor="end">1e{power}</text>')
        out.append(f'<path d="M{x:.0f} {y:.0f} h290" stroke="#ddd"/>')
    for k, (name, line) in enumerate(lines):
        path = " L".join("{:.1f} {:.1f}".format(*at(*point)) for point in line)
        out.append(f'<path d="M{path}" fill="none" stroke="{COLORS[k]}" stroke-width="2"/>')
        out.append(f'<text x="{left + 60 + 120 * k}" y="{height + 10}" fill="{COLORS[k]}">'
                   f'{name}</text>')
    return out
