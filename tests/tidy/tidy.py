#!/usr/bin/env python3
"""Checks the repository against its own rules: layers, sizes, banned calls, words, dead files.

A rule is a function over a Tree (path -> text) that yields findings (path, line, sentence); the
decorator puts it into RULES. selftest.py provokes each of them. To run: tidy.py REPOSITORY
"""
import os
import re
import subprocess
import sys

LIBRARY = ("runtime/", "operators/", "connectors/")
LAYERS = LIBRARY + ("examples/",)
RULES = {}


def rule(function):
    RULES[function.__name__] = function
    return function


class Tree:
    """The text files of a repository, by path."""

    def __init__(self, files):
        self.files = files
        self.code_of = {}

    def sources(self, *prefixes, ends=(".c", ".h")):
        for path in sorted(self.files):
            if path.endswith(ends) and (not prefixes or path.startswith(prefixes)):
                yield path

    def code(self, path):
        """The text of a C source with comments and the insides of strings blanked, line by line."""
        if path not in self.code_of:
            self.code_of[path] = blank(self.files[path])
        return self.code_of[path]

    def grep(self, path, pattern, code=True):
        text = self.code(path) if code else self.files[path]
        for match in re.finditer(pattern, text):
            yield text.count("\n", 0, match.start()) + 1, match


def blank(text):
    def spaces(match):
        found = match.group(0)
        if found[0] == '"':
            return '"' + " " * (len(found) - 2) + '"'
        return re.sub(r"[^\n]", " ", found)

    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', spaces, text,
                  flags=re.S)


def includes(tree, path):
    """(line, '<' or '\"', name) of each include. Read from the text: names lie in strings."""
    for line, match in tree.grep(path, r'(?m)^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', False):
        yield line, match.group(1), match.group(2)


# ---- layers

# A layer, and the layers whose public headers it may include.
MAY_SEE = {
    "runtime": ("runtime",),
    "operators": ("runtime", "operators"),
    "connectors": ("runtime", "operators", "connectors"),
    "examples": ("runtime", "operators", "connectors"),
}
# A part of the runtime that is kept pure, and the parts it may include besides itself.
PURE = {"base": (), "data": ("base",), "progress": ("base",)}
ALLOWED = {("base", "pthread.h"), ("base", "sys/mman.h")}
OUTSIDE = re.compile(r"^(uv|pthread|threads|unistd|fcntl|poll|signal)\.h$|^(sys|netinet|arpa)/")
STANDARD = re.compile(r"^(assert|ctype|errno|float|inttypes|limits|math|stdarg|stdatomic|stdbool|"
                      r"stddef|stdint|stdio|stdlib|string|time)\.h$")


@rule
def layers(tree):
    """examples -> connectors -> operators -> runtime, by public headers; private ones stay home."""
    for path in tree.sources(*LAYERS):
        layer = path.split("/")[0]
        homes = [f"{seen}/include/" for seen in MAY_SEE[layer]]
        for line, form, name in includes(tree, path):
            if name.startswith("weir/"):
                if not any(home + name in tree.files for home in homes):
                    yield path, line, f"{layer} must not include <{name}>"
            elif form == '"':
                near = os.path.normpath(os.path.join(os.path.dirname(path), name))
                if near not in tree.files and f"{layer}/{name}" not in tree.files:
                    yield path, line, f'"{name}" is no private header of {layer}'
                elif not near.startswith(layer + "/") and f"{layer}/{name}" not in tree.files:
                    yield path, line, f'"{name}" leaves {layer}'


@rule
def public_headers(tree):
    """What is installed includes what is installed and the C library, nothing else."""
    for path in tree.sources():
        if not re.match(r"(runtime|operators|connectors|tests/harness)/include/", path):
            continue
        for line, form, name in includes(tree, path):
            if form == '"' or not (name.startswith("weir/") or STANDARD.match(name)):
                yield path, line, f"a public header must not include {name}"


def reached(tree, path, found=None):
    """The public headers that one includes, by others too."""
    found = set() if found is None else found
    for _, _, name in includes(tree, path):
        for layer in LIBRARY:
            header = f"{layer}include/{name}"
            if header in tree.files and header not in found:
                found.add(header)
                reached(tree, header, found)
    return found


# What keyed operators are made of: for those who write one.
OF_OPERATORS = {"weir/gather.h", "weir/history.h", "weir/match.h", "weir/table.h"}


@rule
def typed_headers(tree):
    """A header with typed calls brings the records that these are about: it is enough alone."""
    record, umbrella = "runtime/include/weir/record.h", "operators/include/weir/weir.h"
    for path in tree.sources(*(f"{layer}include/" for layer in LIBRARY), ends=(".h",)):
        typed = re.search(r"\b(weir_stream\(|WEIR_(CHECK|CARRIES|SAME|KEY_FITS)_\()",
                          tree.code(path))
        if typed and path != record and record not in reached(tree, path):
            yield path, 1, "has typed calls, but does not include <weir/record.h>"
    if umbrella in tree.files:
        inside = OF_OPERATORS | {name for _, _, name in includes(tree, umbrella)}
        for path in tree.sources("runtime/include/", "operators/include/", ends=(".h",)):
            if path != umbrella and path.split("/include/")[1] not in inside:
                yield umbrella, 1, f"leaves out {path}"


@rule
def kinds(tree):
    """The library's kinds of operators are named as the calls are: words joined by '_'."""
    for path in tree.sources("operators/", "connectors/"):
        for line, text in enumerate(tree.files[path].split("\n"), 1):
            for kind in re.findall(r'(?:\.kind|\bwhere) = "([^"]*)"', text):
                if not re.fullmatch(r"[a-z][a-z0-9_]*", kind):
                    yield path, line, f"the kind '{kind}' is no name of a call"


@rule
def pure_parts(tree):
    """base (but for its locks and mappings), data and progress know no threads, sockets, files."""
    for path in tree.sources("runtime/"):
        part = path.split("/")[1]
        if part not in PURE:
            continue
        for line, form, name in includes(tree, path):
            if OUTSIDE.match(name) and (part, name) not in ALLOWED:
                yield path, line, f"runtime/{part} is pure: it must not include {name}"
            other = name.split("/")[0]
            if form == '"' and "/" in name and other != part and other not in PURE[part]:
                yield path, line, f"runtime/{part} must not include from runtime/{other}"
            if part == "progress" and name in ("weir/type.h", "weir/batch.h", "weir/record.h"):
                yield path, line, "runtime/progress knows times and ports, no records"


# ---- sizes

FILE_LINES, FUNCTION_LINES, PARAMETERS, COLUMNS = 800, 70, 5, 100
# Hot, pairs of pairs, or called by libmicrohttpd or jemalloc: a struct would say less.
MANY_PARAMETERS = ("weir_key_hash_column", "weir_key_equal_across",
                   "weir__request_handle", "read_part", "take_huge", "commit_huge")


@rule
def file_length(tree):
    for path in tree.sources(*LAYERS):
        lines = tree.files[path].count("\n")
        if lines > FILE_LINES:
            yield path, FILE_LINES, f"{lines} lines, above {FILE_LINES}: split it by idea"


@rule
def function_length(tree):
    for path in tree.sources(*LAYERS):
        opened = 0
        for number, line in enumerate(tree.code(path).split("\n"), 1):
            if line.startswith("{"):
                opened = number
            elif line.startswith("}") and opened:
                if number - opened > FUNCTION_LINES:
                    yield path, opened, f"{number - opened} lines, above {FUNCTION_LINES}: split it"
                opened = 0


def declarators(code):
    """(line, name, number of parameters) of each function declared or defined at file level."""
    code = re.sub(r"(?m)^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group(0)),
                  code)
    depth, position = 0, 0
    for match in re.finditer(r"[{}]|\b([a-z_]\w*)\s*\(", code):
        if match.start() < position:
            continue
        if match.group(0) in "{}":
            depth = max(0, depth + (1 if match.group(0) == "{" else -1))
        elif depth == 0 and match.group(1) not in ("__attribute__", "__typeof__", "sizeof"):
            nesting, count, position = 1, 1, match.end()
            while nesting and position < len(code):
                nesting += {"(": 1, ")": -1}.get(code[position], 0)
                count += code[position] == "," and nesting == 1
                position += 1
            count -= code[match.end():position].endswith("...)")
            yield code.count("\n", 0, match.start()) + 1, match.group(1), count


@rule
def parameters(tree):
    for path in tree.sources(*LAYERS):
        for line, name, count in declarators(tree.code(path)):
            if count > PARAMETERS and name not in MANY_PARAMETERS:
                yield path, line, f"{name} has {count} parameters, above {PARAMETERS}"


@rule
def line_length(tree):
    for path in tree.sources(ends=(".c", ".h", ".cpp", ".py", ".sh", ".cmake", "CMakeLists.txt")):
        for number, line in enumerate(tree.files[path].split("\n"), 1):
            if len(line) > COLUMNS:
                yield path, number, f"{len(line)} columns, above {COLUMNS}"


# ---- text

@rule
def opening(tree):
    """Each source says its licence, then what it owns."""
    for path in tree.sources(ends=(".c", ".h", ".cpp")):
        head = tree.files[path].split("\n", 6)[:6]
        if not any("SPDX-License-Identifier: Apache-2.0" in line for line in head[:2]):
            yield path, 1, "no line SPDX-License-Identifier: Apache-2.0 at the top"
        elif path.startswith(LAYERS) and not any(re.match(r" \* \S", line) for line in head[1:4]):
            yield path, 1, "no paragraph at the top that says what the file owns"


@rule
def left_over(tree):
    words = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX)\b")
    for path, text in sorted(tree.files.items()):
        for number, line in enumerate(text.split("\n"), 1):
            if words.search(line):
                yield path, number, "something left for later: finish it"


@rule
def whitespace(tree):
    for path, text in sorted(tree.files.items()):
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip() or ("\t" in line and path.endswith((".c", ".h", ".cpp"))):
                yield path, number, "a tab, or blanks at the end of the line"
        if text and not text.endswith("\n"):
            yield path, text.count("\n") + 1, "the last line has no end"


# Addresses that may be named: name spaces, the licence, the loopback address, examples.
ADDRESSES = re.compile(r"^https?://(www\.apache\.org/licenses/|maven\.apache\.org/POM/|"
                       r"127\.0\.0\.1|localhost|\[::1\]|([\w-]+\.)*example\b|\$|%s|HOST\b)")


@rule
def places(tree):
    """No address and no path that means something on one machine only."""
    for path, text in sorted(tree.files.items()):
        for number, line in enumerate(text.split("\n"), 1):
            for match in re.finditer(r"https?://[^\s\"'<>)]*", line):
                if not ADDRESSES.match(match.group(0)):
                    yield path, number, f"names the address {match.group(0)}"
            if re.search(r"(?<![\w.}])/(?:root|home|work)/|\.\./shared\b", line):
                yield path, number, "names a path of one machine"


@rule
def scripts(tree):
    """What a shell or Python would refuse to read."""
    for path, text in sorted(tree.files.items()):
        if re.match(r"#!.*\bbash\b", text) or path.endswith(".sh"):
            done = subprocess.run(["bash", "-n"], input=text, stderr=subprocess.PIPE, text=True)
            if done.returncode:
                yield path, 1, "bash does not read it: " + " ".join(done.stderr.split())
        elif re.match(r"#!.*\bpython3\b", text) or path.endswith(".py"):
            try:
                compile(text, path, "exec")
            except SyntaxError as error:
                yield path, error.lineno or 1, f"Python does not read it: {error.msg}"


# Words that the glossary has another word for. In code and comments of the layers, and in docs.
SYNONYMS = {
    "savepoint": "checkpoint", "subtask": "node", "executor": "worker",
    "retraction": "negative diff", "datastream": "stream", "materialized": "published",
    "ingress": "enter", "egress": "leave", "superstep": "step",
}


@rule
def words(tree):
    pattern = re.compile(r"(?i)(?<![a-z])(" + "|".join(SYNONYMS) + r")s?(?![a-z])")
    for path in tree.sources(*LAYERS, "docs/", "README.md", ends=(".c", ".h", ".md")):
        for line, match in tree.grep(path, pattern, False):
            found = match.group(1).lower()
            yield path, line, f"the glossary's word for '{found}' is: {SYNONYMS[found]}"


@rule
def names(tree):
    """weir_ in front of what a linker sees, no _t, and _fn behind types of callbacks."""
    for path in tree.sources(*LIBRARY):
        for line, match in tree.grep(path, r"(?m)^(?!static\b|typedef\b|else\b)[a-z_][\w *]*?\b"
                                           r"(?!weir_|main\b)([a-z]\w*)\([^;{}#]*\)\s*\n\{"):
            yield path, line, f"{match.group(1)} is seen by the linker: static, or weir__"
        for line, match in tree.grep(path, r"(?m)\btypedef\b[^;{}]*\b(\w+_t)\s*;|^\} *(\w+_t);"):
            yield path, line, f"{match.group(1) or match.group(2)}: names of types have no _t"
        for line, match in tree.grep(path, r"\btypedef\b[^;{}(]*[ *](\w+)\((?!\*)[^;{}]*\)\s*;"):
            if not match.group(1).endswith("_fn"):
                yield path, line, f"{match.group(1)}: types of callbacks end in _fn"


# ---- calls

# (what, why, where it is refused, where it is allowed after all)
BANNED = (
    (r"strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atoll|atof|alloca",
     "has no bound or no error", LAYERS + ("tests/", "bench/"), ()),
    (r"printf|vprintf|fprintf|puts|fputs|putchar|perror",
     "the library never prints: weir_log", LIBRARY,
     ("runtime/base/assert.c", "connectors/main/", "connectors/inspect/")),
    (r"exit|_exit|quick_exit|abort",
     "the library never ends the process", LIBRARY, ("runtime/base/assert.c", "connectors/main/")),
    (r"malloc|calloc|realloc|aligned_alloc|posix_memalign|strdup|strndup|asprintf|vasprintf",
     "memory comes from weir/memory.h", LIBRARY, ("runtime/base/memory",)),
    (r"clock_gettime|gettimeofday|time|uv_hrtime|uv_now|rand|random|rand_r|drand48|getrandom|clock",
     "clocks and random numbers come from runtime/env", ("runtime/", "operators/"),
     ("runtime/env/",)),
    (r"sleep|usleep|nanosleep|uv_sleep|thrd_sleep",
     "wait for a thing, not for a while", LAYERS + ("tests/",), ()),
)


@rule
def calls(tree):
    for what, why, where, but in BANNED:
        for path in tree.sources(*where):
            if path.startswith(but or ("no such path",)) or "/include/" in path:
                continue
            for line, match in tree.grep(path, rf"(?<![\w.>])({what})\s*\("):
                yield path, line, f"{match.group(1)}(): {why}"


# ---- files that belong together

@rule
def operator_tests(tree):
    for path in tree.sources("operators/", ends=(".c",)):
        stem = os.path.basename(path)[:-2]
        if f"tests/operators/check_{stem}.c" not in tree.files:
            yield path, 1, f"has no test tests/operators/check_{stem}.c"


@rule
def test_levels(tree):
    """A check program in a folder that the build does not look into would never run."""
    build = tree.files.get("tests/CMakeLists.txt", "")
    match = re.search(r"set\(levels ([^)]*)\)", build)
    levels = match.group(1).split() if match else []
    for path in tree.sources("tests/", ends=(".c",)):
        name, level = os.path.basename(path), path.split("/")[1]
        if name.startswith("check_") and (level not in levels or path.count("/") != 2):
            yield path, 1, "is built by nothing: its folder is no level of tests/CMakeLists.txt"


@rule
def named_in_tests(tree):
    """Each source of the library is the subject of a test: by its name, or by a call."""
    tests = "\n".join(path + "\n" + tree.files[path] for path in tree.sources("tests/"))
    seen = set(re.findall(r"\w+", tests))
    for path in tree.sources(*LIBRARY, ends=(".c",)):
        stem = os.path.basename(path)[:-2]
        own = set(re.findall(r"(?m)^(?!static)[\w *]*?\b(\w+)\(", tree.code(path)))
        if stem not in seen and f"check_{stem}" not in seen and not own & seen:
            yield path, 1, "no test has its name or calls one of its functions"


@rule
def compiled_code(tree):
    """A C listing in the docs is a part of a source that is compiled, named in the line before it:
    <!-- examples/NAME/NAME.c -->"""
    for path in tree.sources("docs/", "README.md", "examples/", ends=(".md",)):
        lines = tree.files[path].split("\n")
        for number, line in enumerate(lines, 1):
            if line.strip() != "```c":
                continue
            named = re.fullmatch(r"<!-- (\S+) -->", lines[number - 2].strip())
            end = next((i for i in range(number, len(lines)) if lines[i].strip() == "```"), None)
            if end is None:
                yield path, number, "a listing without an end"
            elif not named or named.group(1) not in tree.files:
                yield path, number, "a listing that does not name the compiled source it is from"
            elif squeeze("\n".join(lines[number:end])) not in squeeze(tree.files[named.group(1)]):
                yield path, number, f"the listing is not in {named.group(1)} as it stands here"


PARITY_PAGES = ("docs/reference/coming-from-timely.md",
                "docs/reference/coming-from-differential.md")


@rule
def names_of_ours(tree):
    """What the pages for users of other engines say is ours is in a public header."""
    known = set()
    for path in tree.sources(ends=(".h",)):
        if "/include/weir/" in path:
            known |= set(re.findall(r"\w+", tree.code(path)))
            for name in re.findall(r"\b[X]X\((\w+),", tree.code(path)):
                known |= {f"WEIR_{name}", f"WEIR_EVENT_{name}"}
    for page in PARITY_PAGES:
        for line, match in tree.grep(page, r"`[^`\n]*`", False) if page in tree.files else ():
            ours = re.findall(r"\b(?:weir|WEIR)_\w+", match.group(0))
            fields = re.findall(r"(?:`|\bweir_\w+)\.([a-z_]+)", match.group(0))
            for name in ours + fields:
                if name not in known:
                    yield page, line, f"{name} is in no public header"


SIMULATION = "docs/internals/simulation.md"


def called_by_users(tree, path):
    """(line, name) of each call of a header that is no part of another one there: macros, and
    functions that no macro stands for."""
    code = tree.code(path)
    macros = "\n".join(re.findall(r"(?m)^#define(?:[^\n]*\\\n)*[^\n]*", code))
    inside = set(re.findall(r"\w+", re.sub(r"(?m)^#define \w+", "", macros)))
    for line, match in tree.grep(path, r"(?m)^#define (weir_\w*[a-z0-9])\(|"
                                       r"\bWEIR_API\b[^;(]*?\b(weir_[a-z]\w*)\("):
        name = match.group(1) or match.group(2)
        if match.group(1) or name not in inside and not name.endswith("_erased"):
            yield line, name


@rule
def simulated(tree):
    """Each operator is in the simulator, or in the page's table of those that are not, which gives
    the reason for a name or a whole header; and the table has none that is."""
    seen = set()
    for path in tree.sources("tests/sim/"):
        seen |= set(re.findall(r"\w+", tree.code(path)))
    excused, stale = {}, dict()
    for number, line in enumerate(tree.files.get(SIMULATION, "").split("\n"), 1):
        row = re.match(r"\| (`weir[^|]*`) \| \S", line)
        for name in re.findall(r"`(weir[\w/.]*)`", row.group(1)) if row else ():
            excused[name] = stale[name] = number
    for path in tree.sources("operators/include/weir/operators/",
                             "connectors/include/weir/connectors/", ends=(".h",)):
        header = path.split("/include/")[1]
        for line, name in called_by_users(tree, path):
            is_seen = name in seen or name.replace("weir_", "weir__", 1) in seen
            for key in (header, name):
                if key in excused and not (is_seen and key == name):
                    stale.pop(key, None)
            if not is_seen and header not in excused and name not in excused:
                yield path, line, f"{name} is not in tests/sim, and {SIMULATION} does not say why"
    for name, number in stale.items():
        yield SIMULATION, number, f"{name} is in the simulator, or in no header"


def squeeze(text):
    return " ".join(text.split())


@rule
def links(tree):
    """A relative link of a page leads to a file."""
    folders = {os.path.dirname(path) for path in tree.files}
    folders |= {os.path.dirname(folder) for folder in folders}
    for path in tree.sources(ends=(".md",)):
        for line, match in tree.grep(path, r"\]\(([^)#\s]+)(?:#[^)]*)?\)", False):
            target = match.group(1)
            if re.match(r"[a-z]+:", target):
                continue
            near = os.path.normpath(os.path.join(os.path.dirname(path), target))
            if near not in tree.files and near not in folders:
                yield path, line, f"the link to {target} leads nowhere"


# ---- running

def read(repository):
    listed = subprocess.run(["git", "-C", repository, "ls-files", "-z", "--cached", "--others",
                             "--exclude-standard"], check=True, stdout=subprocess.PIPE).stdout
    files = {}
    for path in listed.decode().split("\0"):
        full = os.path.join(repository, path)
        if not path or not os.path.isfile(full):
            continue
        with open(full, "rb") as file:
            data = file.read()
        if b"\0" not in data:
            files[path] = data.decode("utf-8")
    return Tree(files)


def main():
    tree = read(sys.argv[1] if len(sys.argv) > 1 else ".")
    findings = 0
    for name, check in RULES.items():
        for path, line, text in check(tree):
            print(f"{path}:{line}: {text} [{name}]")
            findings += 1
    print(f"{len(tree.files)} files, {len(RULES)} rules, {findings} findings")
    return 1 if findings or not tree.files else 0


if __name__ == "__main__":
    sys.exit(main())
