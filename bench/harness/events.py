# SPDX-License-Identifier: Apache-2.0
"""What the engine's events cost while nobody reads them: beside a build without them."""
import pair
import tools


def run(case, options):
    target = "weir-bench-" + case.program
    flags = case.arguments(options.quick)
    without = tools.build_ours(target, tools.NO_EVENTS, ["-DWEIR_EVENTS=OFF"])
    sides = [pair.Side("weir", [tools.build_ours(target)] + flags),
             pair.Side("built without events", [without] + flags)]
    pair.print_head(case, options)
    pair.alternate(sides, options.runs, lambda side: tools.execute(side.command, options.verbose))
    pair.print_table(sides)
    print(f"{case.name} ratio {pair.ratio(sides):.3f}")
