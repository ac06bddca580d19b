# SPDX-License-Identifier: Apache-2.0
"""An open loop at 80 % of what the peer can sustain at most: latencies on both sides."""
import pair
import tools

SHARE = 0.8
KEEPS_UP_US = 100000  # a median above this is a backlog that grows


def run(case, options):
    ratios = []
    for label, more in case.variants:
        flags = case.arguments(options.quick) + more.split()
        peer = tools.build_rust(case.peer) + [case.program]
        rate = rate_of(peer + flags, options)
        flags += ["--kind", "rate", "--rate", str(rate)]
        sides = []
        if options.only != "peer":
            ours = tools.build_ours("weir-bench-" + case.program)
            sides.append(pair.Side("weir", [ours] + flags))
        if options.only != "ours":
            sides.append(pair.Side(pair.NAMES[case.peer], peer + flags))
        pair.print_head(case, options, label)
        print(f"{rate} updates a second, {SHARE:.0%} of the peer's highest sustained rate",
              flush=True)
        pair.alternate(sides, options.runs,
                       lambda side: tools.execute(side.command, options.verbose))
        pair.print_table(sides)
        print(f"answer {sides[0].answers[0]}, in every run")
        if pair.ratio(sides):
            print(f"{case.name}, {label}: ratio {pair.ratio(sides):.2f}", flush=True)
        ratios.append(pair.ratio(sides))
    if all(ratios):
        print(f"{case.name} ratio {min(ratios):.2f}")


def rate_of(command, options):
    """Updates a second. What the peer takes in large batches, as fast as they go, it may not take
    one by one: the rate goes down by tenths of that until it keeps up."""
    told = tools.execute(command + ["--kind", "load"], options.verbose)
    most = 1e9 / float(told["cost"].split()[0])
    for tenths in range(10, 0, -1):
        rate = int(most * tenths / 10)
        told = tools.execute(command + ["--kind", "rate", "--rate", str(rate)], options.verbose)
        if float(told["beside-p50"].split()[0]) < KEEPS_UP_US:
            return int(SHARE * rate)
    raise tools.Failed("the peer keeps up with no rate")
