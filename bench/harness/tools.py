# SPDX-License-Identifier: Apache-2.0
"""Where things are, how they are built, how a program is run."""
import os
import re
import shutil
import subprocess

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.join(ROOT, "build", "release")
NO_EVENTS = os.path.join(ROOT, "build", "release-no-events")
PEERS = os.path.join(ROOT, "bench", "peers")
FLINK = os.path.join(ROOT, "bench", "peers", "flink")
RUST = (1, 88)
JAVA = 17
TIMEOUT = 170


class Failed(Exception):
    """A program failed, or answers differ."""


class Missing(Exception):
    """Something has to be installed."""


def quiet(what, command, **options):
    """Runs a build step; its output is shown only if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False, **options)
    if done.returncode:
        raise Failed(f"{what} failed:\n" + "\n".join(done.stdout.splitlines()[-40:]))


def version_of(command, pattern):
    """The numbers that pattern finds in what command prints, or None without the command."""
    if not shutil.which(command[0]):
        return None
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    found = re.search(pattern, done.stdout)
    return tuple(int(n) for n in found.groups()) if found else None


def build_ours(target, build=BUILD, settings=()):
    """Builds a C program of this repository and returns its path."""
    if target.startswith("weir-bench-"):
        source = "case_" + target.removeprefix("weir-bench-").replace("-", "_") + ".c"
        if not os.path.exists(os.path.join(ROOT, "bench", source)):
            raise Failed(f"bench/{source} is not there")
    if not os.path.exists(os.path.join(build, "build.ninja")):
        quiet("cmake", ["cmake", "--preset", "release", "-B", build, *settings], cwd=ROOT)
    quiet("the build", ["cmake", "--build", build, "--target", target])
    for folder in "bench", "examples", ".":
        path = os.path.join(build, folder, target)
        if os.access(path, os.X_OK):
            return path
    raise Failed(f"the build made no {target}")


def build_rust(name):
    """Builds the peer of this name under bench/peers and returns its command."""
    have = version_of(["rustc", "--version"], r"rustc (\d+)\.(\d+)")
    if have is None or not shutil.which("cargo") or have < RUST:
        found = "there is none" if have is None else f"here is {have[0]}.{have[1]}"
        raise Missing(f"the peer needs Rust {RUST[0]}.{RUST[1]} or newer with cargo; {found}")
    quiet("cargo", ["cargo", "build", "--release", "--quiet"],
          cwd=os.path.join(PEERS, name))
    return [os.path.join(PEERS, name, "target", "release", "peer-" + name)]


def build_flink():
    java()
    libraries = os.path.join(FLINK, "target", "lib")
    classes = os.path.join(FLINK, "target", "classes")
    made = os.path.join(classes, "bench", "WordCount.class")
    sources = [os.path.join(FLINK, "pom.xml")]
    for folder, _, names in os.walk(os.path.join(FLINK, "src")):
        sources += [os.path.join(folder, name) for name in names]
    newest = max(os.path.getmtime(source) for source in sources)
    if not os.path.isdir(libraries) or not os.path.exists(made) or os.path.getmtime(made) < newest:
        if not shutil.which("mvn"):
            raise Missing("the peer needs Maven to be built")
        quiet("mvn", ["mvn", "-q", "-B", "clean", "package"], cwd=FLINK)
    # Standard JVM of a program with 2 GB of heap. Flink tells of itself at level info: off.
    return ["java", "-Xmx2g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
            "-cp", f"{classes}:{libraries}/*", "bench.WordCount"]


def java():
    have = version_of(["java", "-version"], r'version "(\d+)')
    if have is None or have[0] < JAVA:
        found = "there is none" if have is None else f"here is {have[0]}"
        raise Missing(f"this case needs Java {JAVA} or newer; {found}")


def execute(command, verbose=False, cores=0, timeout=TIMEOUT):
    """Runs a program to its end and returns what its lines say: {first word: rest}."""
    if verbose:
        print("+", " ".join(command), flush=True)

    def limit():
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])

    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              errors="replace", timeout=timeout, check=False,
                              preexec_fn=limit if cores else None)
    except subprocess.TimeoutExpired:
        raise Failed(f"no end after {timeout} s: {' '.join(command)}") from None
    if done.returncode:
        raise Failed(f"status {done.returncode}: {' '.join(command)}\n{done.stderr[-2000:]}")
    if verbose:
        print(done.stdout, end="", flush=True)
    return lines_of(done.stdout)


def lines_of(output):
    return {line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in output.splitlines()
            if " " in line}


def machine():
    """One line about the machine, and whether others use it."""
    model = "?"
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        found = re.search(r"model name\s*: (.*)", info.read())
        model = found.group(1) if found else model
    load = os.getloadavg()[0]
    busy = "" if load < 0.7 else "; OTHERS USE THIS MACHINE: do not trust the figures"
    return f"{model}, {len(os.sched_getaffinity(0))} cores, load {load:.1f}{busy}"
