# SPDX-License-Identifier: Apache-2.0
"""A side that is several processes: started together on free ports of the loopback address."""
import contextlib
import socket
import subprocess
import tempfile
import time

import tools


def execute(command, case, verbose=False):
    """Runs the command as the processes of the case; returns what their lines say together."""
    if case.processes == 1:
        return tools.execute(command, verbose, case.cores)
    hosts = ",".join(f"127.0.0.1:{port}" for port in free_ports(case.processes))
    commands = [command + ["--processes", str(case.processes), "--process", str(i),
                           "--hosts", hosts] for i in range(case.processes)]
    if verbose:
        for one in commands:
            print("+", " ".join(one), flush=True)
    return merge([tools.lines_of(output) for output in run_together(commands, verbose)])


def free_ports(count):
    """Ports that nobody listens at; all are held until the last is known, so they differ."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def run_together(commands, verbose):
    """The standard outputs. If a process fails, or none ends in time, all are stopped."""
    with contextlib.ExitStack() as open_files:
        def file():
            return open_files.enter_context(tempfile.TemporaryFile("w+", errors="replace"))
        outputs = [(file(), file()) for _ in commands]
        processes = []
        try:
            for command, (out, err) in zip(commands, outputs):
                processes.append(subprocess.Popen(command, stdout=out, stderr=err))
            wait(commands, processes, outputs)
        finally:
            for process in processes:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        texts = [read(out) for out, _ in outputs]
    if verbose:
        print("".join(texts), end="", flush=True)
    return texts


def wait(commands, processes, outputs):
    end = time.monotonic() + tools.TIMEOUT
    while any(process.poll() is None for process in processes):
        if time.monotonic() > end:
            raise tools.Failed(f"no end after {tools.TIMEOUT} s: {' '.join(commands[0])}")
        if any(process.poll() for process in processes):
            time.sleep(1)  # the others may know better why
            break
        time.sleep(0.02)
    for command, process, (_, err) in zip(commands, processes, outputs):
        if process.poll():
            raise tools.Failed(
                f"status {process.returncode}: {' '.join(command)}\n{read(err)[-2000:]}")


def read(file):
    file.seek(0)
    return file.read()


def merge(parts):
    """One answer, the sums of theirs; one cost, the slowest's. Bytes are added up. A process that
    says `of N` has divided its time by N: the slowest's time counts, over the sum of the N."""
    for wanted in "answer", "cost":
        if any(wanted not in part for part in parts):
            raise tools.Failed(f"a process printed no line '{wanted}'")
    numbers = zip(*(map(int, part["answer"].split()) for part in parts))
    unit = parts[0]["cost"].split()[1]
    costs = [float(part["cost"].split()[0]) for part in parts]
    if unit == "bytes":
        cost = sum(costs)
    elif "of" in parts[0]:
        shares = [float(part["of"]) for part in parts]
        cost = max(c * n for c, n in zip(costs, shares)) / sum(shares)
    else:
        cost = max(costs)
    return {"answer": " ".join(str(sum(n) % 2 ** 64) for n in numbers), "cost": f"{cost} {unit}"}
