# SPDX-License-Identifier: Apache-2.0
"""The cases with a broker: starts a real one, fills a topic once, stops it by pid."""
import contextlib
import os
import re
import statistics
import subprocess
import tempfile

import pair
import tools

SCRIPTS = os.path.join(tools.ROOT, "tests", "kafka")
READ_LOOPS = ["batch", "batch-deep", "callback", "callback-deep"]


class Broker:
    def __init__(self, bootstrap, verbose):
        self.bootstrap = bootstrap
        self.verbose = verbose
        self.tool = tools.build_ours("bench-kafka")
        self.topics = 0

    def command(self, name, topic, *flags):
        return tools.execute([self.tool, name, "--bootstrap", self.bootstrap, "--topic", topic]
                             + [str(flag) for flag in flags], self.verbose)

    def new_topic(self):
        self.topics += 1
        topic = f"out-{self.topics}"
        self.command("create", topic)
        return topic


@contextlib.contextmanager
def broker(options):
    """A real broker with one node, for as long as the block lasts."""
    tools.java()
    build = os.path.join(tools.ROOT, "build")
    with tempfile.TemporaryDirectory(prefix="bench-", dir=build) as folder:
        place = os.path.join(folder, "kafka")
        tools.quiet("start-kafka", [os.path.join(SCRIPTS, "start-kafka"), "--dir", place, "--heap",
                                    "1g", "--life", "900", "--quiet"])
        try:
            with open(os.path.join(place, "env"), encoding="utf-8") as env:
                bootstrap = re.search(r"BOOTSTRAP='([^']*)'", env.read()).group(1)
            yield Broker(bootstrap, options.verbose)
        finally:
            subprocess.run([os.path.join(SCRIPTS, "stop-kafka"), place, "--rm"], check=False)


def messages_of(case, options):
    flags = case.arguments(options.quick)
    return int(flags[len(flags) - 1 - flags[::-1].index("--messages") + 1])


def run_read(case, options):
    sides = []
    reader = tools.build_ours("peer-rdkafka-read")
    if options.only != "peer":
        ours = tools.build_ours("weir-bench-" + case.program)
    with broker(options) as kafka:
        pair.print_head(case, options)
        kafka.command("load", "fixed", "--kind", "fixed", "--messages", messages_of(case, options))
        flags = case.arguments(options.quick) + ["--bootstrap", kafka.bootstrap, "--topic", "fixed"]
        if options.only != "peer":
            sides.append(pair.Side("weir", [ours] + flags))
        if options.only != "ours":
            loop = best_loop([reader] + flags, options)
            sides.append(pair.Side(pair.NAMES[case.peer], [reader] + flags + ["--kind", loop]))
        pair.alternate(sides, options.runs,
                       lambda side: tools.execute(side.command, options.verbose))
    pair.print_table(sides)
    pair.print_end(case, sides)


def best_loop(command, options):
    """The bare loop that is the fastest here, of two tries each."""
    tried = {}
    for _ in range(1 if options.quick else 2):
        for loop in READ_LOOPS:
            lines = tools.execute(command + ["--kind", loop], options.verbose)
            cost = float(lines["cost"].split()[0])
            tried[loop] = min(cost, tried.get(loop, cost))
    best = min(tried, key=tried.get)
    told = ", ".join(f"{loop} {cost:.0f}" for loop, cost in tried.items())
    print(f"bare loops, best of two: {told}; compared with {best}", flush=True)
    return best


def run_wordcount(case, options):
    if options.only != "peer":
        ours = tools.build_ours("weir-bench-" + case.program)
    if options.only != "ours":
        flink = tools.build_flink()
    with broker(options) as kafka:
        pair.print_head(case, options)
        loaded = kafka.command("load", "words", "--kind", "words", "--messages",
                               messages_of(case, options))
        flags = case.arguments(options.quick) + ["--bootstrap", kafka.bootstrap, "--topic", "words"]

        def sides():
            both = []
            if options.only != "peer":
                both.append(pair.Side("weir", [ours] + flags))
            if options.only != "ours":
                both.append(pair.Side(pair.NAMES[case.peer], flink + flags))
            return both

        newest, every = sides(), sides()
        pair.alternate(newest, options.runs, lambda side: count_once(kafka, side, 100, options))
        pair.print_table(newest)
        print_written(newest, 0)
        if newest[0].answers[0] != loaded["answer"]:
            raise tools.Failed(f"the answer is not {loaded['answer']}, that of the words written")
        # Beside the case: heavier, so twice only.
        pair.alternate(every, min(2, options.runs),
                       lambda side: count_once(kafka, side, 0, options))
        print("beside it, with every change written:")
        pair.print_table(every)
        print_written(every, messages_of(case, options))
    if pair.ratio(every):
        print(f"beside it, ratio {pair.ratio(every):.2f}")
    pair.print_end(case, newest)


def count_once(kafka, side, every_ms, options):
    """One run into a topic of its own, which is then read back for the answer."""
    out = kafka.new_topic()
    lines = tools.execute(side.command + ["--out", out, "--every-ms", str(every_ms)],
                          options.verbose)
    found = kafka.command("last", out)
    lines["answer"] = found["answer"]
    if "first" not in lines or "cost" not in lines:
        raise tools.Failed(f"{side.name} printed no line 'first' or 'cost'")
    # The broker stamps each message when it appends it: does its clock say the same?
    measured = int(found["last_ms"]) / 1e3 - int(lines["first"]) / 1e6
    said = float(lines["cost"].split()[0])
    if abs(measured - said) > 0.1 + 0.02 * measured:
        print(f"NOTE: {side.name} says {said:.3f} s, the broker's clock {measured:.3f} s")
    side.written.append(int(found["messages"]))
    return lines


def print_written(sides, every):
    """How many messages each side wrote; NOTE where every change was asked for and is not there."""
    told = ", ".join(f"{side.name} {statistics.median(side.written):.0f}" for side in sides)
    print(f"messages written: {told}")
    for side in sides:
        if every and any(written != every for written in side.written):
            print(f"NOTE: {side.name} did not write every one of the {every} changes")
