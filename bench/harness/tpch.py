# SPDX-License-Identifier: Apache-2.0
"""TPC-H as a stream: some queries, each in batches of two sizes, the mean of all ratios, and the
tails of batches."""
import math
import os
import subprocess

import pair
import tools

QUERIES = ("q1", "q3", "q4", "q5", "q6", "q9", "q10", "q12", "q14", "q17", "q18", "q19")
BATCHES = (1000000, 1000)
WORKERS = "1,2"
SCALE, QUICK_SCALE = "0.1", "0.01"
TAILS = ("p50", "p99", "worst")  # of a batch, in microseconds
PEER = os.path.join(tools.PEERS, "tpch")


def tables(scale):
    """The folder of the tables of this scale, made if it is not there."""
    folder = os.path.join(tools.ROOT, "build", "tpch", scale)
    if os.path.isdir(folder):
        return folder
    prepare = os.path.join(tools.ROOT, "tests", "python", "prepare")
    made = subprocess.run([prepare, os.path.join(tools.ROOT, "build", "venv-tpch"),
                           os.path.join(PEER, "requirements.txt")],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if made.returncode:
        raise tools.Missing("the tables are made by tpchgen-cli, a Python package, which cannot "
                            "be had:\n" + made.stderr)
    generator = os.path.join(os.path.dirname(made.stdout.strip()), "tpchgen-cli")
    new = folder + ".new"
    tools.quiet("tpchgen-cli", [generator, "--quiet", "--overwrite", "--scale-factor", scale,
                                "--output-dir", new])
    os.rename(new, folder)
    return folder


def chosen(options):
    names = options.query.split(",") if options.query else QUERIES
    unknown = [name for name in names if name not in QUERIES]
    if unknown:
        raise tools.Failed(f"no query {unknown[0]} here; there are: {' '.join(QUERIES)}")
    return names


def rate(cost):
    """Millions of rows a second."""
    return f"{1e3 / cost:.3g}"


def print_line(name, sides):
    costs = "".join(f"{side.median():10.4g} ({min(side.costs):.4g} to {max(side.costs):.4g})"
                    for side in sides)
    told = f"; ratio {pair.ratio(sides):.2f}" if len(sides) == 2 else ""
    rates = " and ".join(rate(side.median()) for side in sides)
    print(f"{name}:{costs} ns/row, {rates} M rows/s{told}", flush=True)


def print_tails(sides):
    """How long a batch takes; returns what is lost. Where all comes in one batch: nothing."""
    if all(side.beside["p50"] == side.beside["worst"] for side in sides):
        return []
    told, lost = [], []
    for name in TAILS:
        took = pair.medians(sides, name)
        told.append(f"{name} " + " and ".join(f"{us:.4g}" for us in took))
        if len(sides) == 2:
            told[-1] += ", " + pair.compared(*took)
            lost += [name] if took[1] < took[0] else []
    print(f"    a batch, us: {'; '.join(told)}", flush=True)
    return lost


def run(case, options):
    names = chosen(options)
    scale = options.scale or (QUICK_SCALE if options.quick else SCALE)
    data = tables(scale)
    programs = []
    if options.only != "peer":
        programs.append(("weir", [tools.build_ours("weir-bench-" + case.program)]))
    if options.only != "ours":
        programs.append((pair.NAMES["differential"], tools.build_rust("tpch") + [case.program]))
    ratios, lost = {}, []
    for workers in (options.workers or WORKERS).split(","):
        for batch in BATCHES:
            pair.print_head(case, options, f"scale {scale}, batches of {batch:,}, {workers} "
                                           f"worker{'s' if workers != '1' else ''}")
            for name in names:
                flags = ["-w", workers, "--kind", name, "--batch", str(batch), "--data", data]
                sides = [pair.Side(who, command + flags) for who, command in programs]
                pair.alternate(sides, options.runs,
                               lambda side: tools.execute(side.command, options.verbose))
                what = f"{name} in batches of {batch:,}, -w {workers}"
                print_line(name, sides)
                lost += [f"{tail} of {what}" for tail in print_tails(sides)]
                if len(sides) == 2:
                    ratios[what] = pair.ratio(sides)
    for tail in lost:
        print(f"LOST: {tail}")
    if ratios:
        least = min(ratios, key=ratios.get)
        mean = math.exp(sum(map(math.log, ratios.values())) / len(ratios))
        print(f"the least ratio is {ratios[least]:.2f}, of {least}")
        print(f"{case.name} ratio {mean:.2f}")
