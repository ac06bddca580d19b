# SPDX-License-Identifier: Apache-2.0
"""The case cost: what a program costs before it does any work, and how late its answers are."""
import json
import os
import shlex
import shutil
import statistics
import subprocess
import tempfile
import time

import kafka
import tools

EXAMPLE = "wordcount"          # the forty-line program: examples/EXAMPLE
RATES = [20000, 200000]


class Part:
    """Prints the lines of the report, and remembers what could not be measured."""

    def __init__(self):
        self.missing = []

    def say(self, what, value):
        print(f"{what:48} {value}", flush=True)

    def attempt(self, what, measure):
        try:
            measure()
        except tools.Failed as failed:
            self.missing.append(what)
            self.say(what, f"not measured: {str(failed).splitlines()[0]}")


def cpu_seconds(pid):
    """CPU time that the process has used: by the ticks of stat, and exactly, from its threads'
    schedstat (which forgets threads that have ended)."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    ticks = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    exact = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as schedstat:
            exact += int(schedstat.read().split()[0])
    return ticks, exact / 1e9


def memory_mib(pid):
    """Resident, private to the process, and of that written to, in MiB. What else is private are
    pages of the program and of libraries that nobody else here has mapped at the moment."""
    rss = private = written = 0
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        for line in rollup:
            name, _, rest = line.partition(":")
            if name == "Rss":
                rss = int(rest.split()[0])
            elif name in ("Private_Clean", "Private_Dirty"):
                private += int(rest.split()[0])
                written += int(rest.split()[0]) if name == "Private_Dirty" else 0
    return rss / 1024, private / 1024, written / 1024


class Running:
    """A program that prints `ready` and then runs until SIGTERM."""

    def __init__(self, command):
        self.command = command

    def __enter__(self):
        start = time.monotonic()
        self.child = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        if self.child.stdout.readline().strip() != "ready":
            self.__exit__()
            raise tools.Failed(f"no line 'ready' from {self.command[0]}")
        self.start_ms = (time.monotonic() - start) * 1e3
        return self

    def stop(self):
        """Asks it to end and returns the lines that it printed since."""
        self.child.terminate()
        try:
            lines = self.child.communicate(timeout=20)[0].splitlines()
        except subprocess.TimeoutExpired:
            raise tools.Failed(f"{self.command[0]} did not end on SIGTERM") from None
        if self.child.returncode:
            raise tools.Failed(f"{self.command[0]} ended with {self.child.returncode}")
        return lines

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()

    def idle(self, part, what, seconds):
        """Reports CPU over that many idle seconds, and memory after them."""
        time.sleep(1)
        before = cpu_seconds(self.child.pid)
        time.sleep(seconds)
        ticks, exact = (after - b for after, b in zip(cpu_seconds(self.child.pid), before))
        part.say(f"idle CPU over {seconds} s, {what}",
                 f"{exact / seconds * 100:.4f} % of a core ({exact * 1e3:.2f} ms; "
                 f"by ticks {ticks * 1e3:.0f} ms)")
        rss, private, written = memory_mib(self.child.pid)
        part.say(f"memory, {what}", f"{rss:.1f} MiB resident, {private:.1f} MiB private, "
                 f"{written:.1f} of them written to")


def in_memory(part, options):
    command = [tools.build_ours("weir-bench-idle"), "-w", "2"]
    starts = []
    for _ in range(options.runs):
        with Running(command) as running:
            starts.append(running.start_ms)
            running.stop()
    part.say("start to first record, in memory", f"{statistics.median(starts):.1f} ms")
    with Running(command) as running:
        running.idle(part, "2 workers", 2 if options.quick else 10)
        running.stop()


def first_message(part, broker, options):
    command = [tools.build_ours("weir-bench-kafka-read"), "-w", "1", "--bootstrap",
               broker.bootstrap, "--topic", "fixed", "--messages", "1"]
    broker.command("load", "fixed", "--kind", "fixed", "--messages", 1, "--partitions", 1)
    seconds = []
    for _ in range(options.runs):
        start = time.monotonic()
        tools.execute(command, options.verbose)
        seconds.append(time.monotonic() - start)
    milliseconds = statistics.median(seconds) * 1e3
    part.say("start to first message counted, and end", f"{milliseconds:.1f} ms")


def latency(part, broker, program, what, options):
    """From producing a message to seeing it, at each rate."""
    path = tools.build_ours(program)
    for rate in RATES:
        topic = broker.new_topic()
        command = [path, "-w", "1", "--bootstrap", broker.bootstrap, "--topic", topic]
        with Running(command) as running:
            if rate == RATES[0]:
                running.idle(part, f"{what}, topic assigned", 2 if options.quick else 10)
            sent = broker.command("produce", topic, "--rate", rate, "--seconds",
                                  2 if options.quick else 10)
            lines = [line for line in running.stop() if line.startswith("latency ")]
        if not lines or len(lines[0].split()) != 7:
            raise tools.Failed(f"no line 'latency' from {path}")
        _, count, p50, p90, p99, p999, most = lines[0].split()
        part.say(f"{what}, {rate} messages/s (sent {sent['sent'].split()[2]}/s)",
                 f"p50 {p50} p90 {p90} p99 {p99} p99.9 {p999} max {most} ms, of {count}")


def example_program(part, options):
    """Size of the forty-line program, stripped, and how long the compiler takes for its source."""
    program = os.path.join(tools.BUILD, "examples", EXAMPLE, EXAMPLE)
    source = os.path.join(tools.ROOT, "examples", EXAMPLE, EXAMPLE + ".c")
    if not os.path.exists(source):
        raise tools.Failed(f"examples/{EXAMPLE}/{EXAMPLE}.c is not there")
    tools.quiet("the build", ["cmake", "--build", tools.BUILD, "--target", EXAMPLE])
    with open(os.path.join(tools.BUILD, "compile_commands.json"), encoding="utf-8") as database:
        entry = next(e for e in json.load(database) if e["file"] == source)
    with tempfile.TemporaryDirectory() as folder:
        stripped = os.path.join(folder, EXAMPLE)
        shutil.copy(program, stripped)
        tools.quiet("strip", ["strip", stripped])
        part.say(f"size of {EXAMPLE}, stripped", f"{os.path.getsize(stripped) / 1024:.0f} KiB")
        command = shlex.split(entry["command"])
        command[command.index("-o") + 1] = os.path.join(folder, "object.o")
        seconds = []
        for _ in range(options.runs):
            start = time.monotonic()
            tools.quiet("the compiler", command, cwd=entry["directory"])
            seconds.append(time.monotonic() - start)
        part.say(f"time to compile {EXAMPLE}.c", f"{statistics.median(seconds) * 1e3:.0f} ms")


def run(case, options):
    part = Part()
    print(f"{case.name}: {case.what}")
    print(tools.machine(), flush=True)
    part.attempt("in memory", lambda: in_memory(part, options))
    part.attempt("the example", lambda: example_program(part, options))
    with kafka.broker(options) as broker:
        part.attempt("start to first message", lambda: first_message(part, broker, options))
        part.attempt("produce to view", lambda: latency(part, broker, "weir-bench-latency",
                                                        "produce to view", options))
        part.attempt("bare hop", lambda: latency(part, broker, "peer-rdkafka-hop",
                                                 "bare hop, no engine", options))
    if part.missing:
        raise tools.Failed("not measured: " + ", ".join(part.missing))
