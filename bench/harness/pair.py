# SPDX-License-Identifier: Apache-2.0
"""Two programs, alternating, on the same work: the same answer, and the medians of their costs."""
import statistics

import tools

NAMES = {"timely": "timely 0.32.0", "flink": "Flink 2.2.1", "librdkafka": "librdkafka alone"}


class Side:
    """One of the programs, and what its runs have said."""

    def __init__(self, name, command):
        self.name = name
        self.command = command
        self.costs = []
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


def alternate(sides, runs, once):
    """Runs each side `runs` times, in turn; once(side) returns the lines of a run."""
    for _ in range(runs):
        for side in sides:
            side.take(once(side))
    answers = {answer: side.name for side in sides for answer in side.answers}
    if len(answers) > 1:
        told = "; ".join(f"{answer} ({name})" for answer, name in answers.items())
        raise tools.Failed(f"the answers differ: {told}")
    if len({side.unit for side in sides}) > 1:
        raise tools.Failed("the units differ: " + ", ".join(side.unit for side in sides))


def print_table(sides):
    print(f"{'':18}{'median':>12}{'min':>12}{'max':>12}   {sides[0].unit}")
    for side in sides:
        print(f"{side.name:18}{statistics.median(side.costs):12.4g}{min(side.costs):12.4g}"
              f"{max(side.costs):12.4g}")


def ratio(sides):
    """The peer's median over ours; None without both."""
    if len(sides) < 2:
        return None
    return statistics.median(sides[1].costs) / statistics.median(sides[0].costs)


def print_head(case, options):
    note = ""
    if options.runs < 5 or options.quick:
        note = "; too few for a figure"
    print(f"{case.name}: {case.what}")
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
    flags = case.arguments(options.quick)
    sides = []
    if options.only != "peer":
        sides.append(Side("weir", [tools.build_ours("weir-bench-" + case.program)] + flags))
    if options.only != "ours":
        peer = tools.build_timely()
        sides.append(Side(NAMES[case.peer], peer + [case.program] + flags))
    print_head(case, options)
    if case.program == "wordcount" and options.only != "ours":
        same_text(tools.build_ours("weir-bench-text"), peer, "128" if options.quick else "512",
                  options)
    alternate(sides, options.runs,
              lambda side: tools.execute(side.command, options.verbose, case.cores))
    print_table(sides)
    print_end(case, sides)
