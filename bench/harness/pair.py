# SPDX-License-Identifier: Apache-2.0
"""Two programs, alternating, on the same work: the same answer, and the medians of their costs."""
import statistics

import cluster
import tools

NAMES = {"timely": "timely 0.32.0", "differential": "differential 0.26.0",
         "flink": "Flink 2.2.1", "librdkafka": "librdkafka alone"}


class Side:
    """One of the programs, and what its runs have said."""

    def __init__(self, name, command):
        self.name = name
        self.command = command
        self.costs = []
        self.beside = {}      # by name: figures that are told beside the cost
        self.answers = []
        self.unit = ""
        self.written = []     # messages, where a run writes any

    def take(self, lines):
        for wanted in "answer", "cost":
            if wanted not in lines:
                raise tools.Failed(f"{self.name} printed no line '{wanted}'")
        number, self.unit = lines["cost"].split()
        self.costs.append(float(number))
        self.answers.append(lines["answer"])
        for name, told in lines.items():
            if name.startswith("beside-"):
                self.beside.setdefault(name.removeprefix("beside-"), []).append(
                    float(told.split()[0]))

    def median(self):
        return statistics.median(self.costs)


def alternate(sides, runs, once, then=lambda: None):
    """Runs each side `runs` times, in turn; once(side) returns the lines of a run."""
    for _ in range(runs):
        for side in sides:
            side.take(once(side))
        then()
    answers = {answer: side.name for side in sides for answer in side.answers}
    if len(answers) > 1:
        told = "; ".join(f"{answer} ({name})" for answer, name in answers.items())
        raise tools.Failed(f"the answers differ: {told}")
    if len({side.unit for side in sides}) > 1:
        raise tools.Failed("the units differ: " + ", ".join(side.unit for side in sides))


def print_table(sides):
    print(f"{'':26}{'median':>12}{'min':>12}{'max':>12}   {sides[0].unit}")
    for side in sides:
        print_row(side.name, side.costs)
    if len(sides) == 2 and len(sides[0].costs) > 1:
        print(f"  the worst run: {compared(*(max(side.costs) for side in sides))}")
    for name in sides[0].beside:
        for side in sides:
            print_row(f"{side.name}, {name}", side.beside[name])
        if len(sides) == 2:
            print(f"  {name}: {compared(*medians(sides, name))}")


def medians(sides, name):
    """Of what is told beside the cost, on each side."""
    return [statistics.median(side.beside[name]) for side in sides]


def compared(ours, peer):
    return f"ratio {peer / ours:.2f}{', LOST' if peer < ours else ''}"


def print_row(name, costs):
    print(f"{name:26}{statistics.median(costs):12.4g}{min(costs):12.4g}{max(costs):12.4g}")


def ratio(sides):
    """The peer's median over ours; None without both."""
    if len(sides) < 2:
        return None
    return statistics.median(sides[1].costs) / statistics.median(sides[0].costs)


def print_head(case, options, label=""):
    note = ""
    if options.runs < 5 or options.quick:
        note = "; too few for a figure"
    print(f"{case.name}{', ' if label else ''}{label}: {case.what}")
    print(f"{tools.machine()}; {options.runs} runs each{note}", flush=True)


def print_end(case, sides):
    print(f"answer {sides[0].answers[0]}, in every run")
    if len(sides) == 2:
        print(f"{case.name} ratio {ratio(sides):.2f}")


def same_text(ours, peer, blocks_mib, options):
    """Both sides make the same text: their fingerprints of it agree."""
    flags = ["--mib", blocks_mib]
    mine = tools.execute([ours] + flags, options.verbose)["answer"]
    theirs = tools.execute(peer + ["text"] + flags, options.verbose)["answer"]
    if mine != theirs:
        raise tools.Failed(f"the texts differ: {mine} (ours), {theirs} (peer)")
    print(f"text {mine}, the same on both sides")


def run(case, options):
    """Every variant of the case; its ratio is the smallest of those that count."""
    ratios = []
    several = len(case.variants + case.beside) > 1
    for variant in case.variants + case.beside:
        sides = run_once(case, variant, options)
        if several and ratio(sides):
            print(f"{case.name}, {variant[0]}: ratio {ratio(sides):.2f}", flush=True)
        if variant in case.variants:
            ratios.append(ratio(sides))
    if not all(ratios):
        return None
    print(f"{case.name} ratio {min(ratios):.2f}")
    return min(ratios)


def run_several(case, options, cases):
    """A case that consists of others, given by name: the smallest of their ratios is its own."""
    ratios = []
    for part in case.parts:
        print(f"-- {part}", flush=True)
        ratios.append(run(cases[part], options))
    if all(ratios):
        print(f"{case.name} ratio {min(ratios):.2f}")


def run_once(case, variant, options):
    label, more, *alone = variant
    flags = case.arguments(options.quick) + more.split()
    peers = flags + " ".join(alone).split()
    sides = []
    if options.only != "peer":
        sides.append(Side("weir", [tools.build_ours("weir-bench-" + case.program)] + flags))
    if options.only != "ours":
        peer = tools.build_rust(case.peer)
        sides.append(Side(NAMES[case.peer], peer + [case.program] + peers))
    print_head(case, options, label)
    if case.program == "wordcount" and options.only != "ours":
        same_text(tools.build_ours("weir-bench-text"), peer, "128" if options.quick else "512",
                  options)
    bare = bare_of(case, flags)
    alternate(sides, options.runs,
              lambda side: cluster.execute(side.command, case, options.verbose),
              lambda: bare and bare.take(tools.execute(bare.command, options.verbose)))
    print_table(sides)
    if bare:
        print_bare(bare, sides[0])
    print(f"answer {sides[0].answers[0]}, in every run")
    return sides


def bare_of(case, flags):
    """The work of the case without an engine, if there is such a program."""
    if not case.bare:
        return None
    program, *more = case.bare.split()
    return Side(f"bare: {program}", [tools.build_ours("weir-bench-" + program)] + flags + more)


def print_bare(bare, first):
    print_row(bare.name, bare.costs)
    for name, figures in bare.beside.items():
        print_row(f"{bare.name}, {name}", figures)
    print(f"  bare: {100 * bare.median() / first.median():.0f} % of {first.name}")
