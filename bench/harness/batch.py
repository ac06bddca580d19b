# SPDX-License-Identifier: Apache-2.0
"""The case batch: ours beside engines that compute once, from scratch, in turn."""
import os

import pair
import tools

FOLDER = os.path.join(tools.PEERS, "batch")
PREPARE = os.path.join(tools.ROOT, "tests", "python", "prepare")
VENV = os.path.join(tools.ROOT, "build", "venv-batch")
REQUIREMENTS = os.path.join(FOLDER, "requirements.txt")


def engines():
    """Their names and versions, as they are pinned."""
    with open(REQUIREMENTS, encoding="utf-8") as pinned:
        versions = dict(line.strip().split("==") for line in pinned if "==" in line)
    return {name: f"{name} {versions[name]}" for name in ("polars", "duckdb", "datafusion")}


def python():
    tools.quiet("the environment of the peers", [PREPARE, VENV, REQUIREMENTS])
    return os.path.join(VENV, "bin", "python3")


def run(case, options):
    """A ratio for each variant and engine; the case's is the smallest."""
    ratios = []
    for label, more in case.variants:
        flags = case.arguments(options.quick) + more.split()
        sides = []
        if options.only != "peer":
            sides.append(pair.Side("weir", [tools.build_ours("weir-bench-batch")] + flags))
        if options.only != "ours":
            command = [python(), os.path.join(FOLDER, "peer.py")]
            sides += [pair.Side(name, command + [engine] + flags)
                      for engine, name in engines().items()]
        pair.print_head(case, options, label)
        pair.alternate(sides, options.runs,
                       lambda side: tools.execute(side.command, options.verbose))
        pair.print_table(sides)
        print(f"answer {sides[0].answers[0]}, in every run")
        if options.only:
            continue
        for peer in sides[1:]:
            ratios.append(peer.median() / sides[0].median())
            print(f"{case.name}, {label}, {peer.name}: ratio {ratios[-1]:.2f}", flush=True)
    if ratios:
        print(f"{case.name} ratio {min(ratios):.2f}")
