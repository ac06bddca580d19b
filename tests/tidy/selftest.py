#!/usr/bin/env python3
"""Provokes every rule of tidy.py with trees that break it, and shows it some that do not."""
import sys

import tidy

HEAD = "/* SPDX-License-Identifier: Apache-2.0\n *\n * Owns nothing.\n */\n"
LEVELS = "set(levels unit operators)\n"


def body(lines):
    return "int f(void)\n{\n" + "    f();\n" * lines + "}\n"


# rule: (trees that break it, trees that do not)
CASES = {
    "layers": ([
        {"runtime/base/a.c": "#include <weir/op.h>\n", "operators/include/weir/op.h": HEAD},
        {"runtime/base/a.c": '#include "operators/op.h"\n', "operators/op.h": HEAD},
        {"runtime/base/a.c": '#include "../../operators/op.h"\n', "operators/op.h": HEAD},
        {"operators/map.c": '#include "base/assert.h"\n', "runtime/base/assert.h": HEAD},
        {"examples/a/a.c": '#include "kafka/k.h"\n', "connectors/kafka/k.h": HEAD},
    ], [
        {"runtime/base/a.c": '#include "data/b.h"\n', "runtime/data/b.h": HEAD},
        {"examples/a/a.c": "#include <weir/op.h>\n", "operators/include/weir/op.h": HEAD},
        {"connectors/kafka/a.c": "#include <weir/op.h>\n#include <uv.h>\n#include \"b.h\"\n",
         "operators/include/weir/op.h": HEAD, "connectors/kafka/b.h": HEAD},
    ]),
    "public_headers": ([
        {"runtime/include/weir/a.h": '#include "base/assert.h"\n'},
        {"connectors/include/weir/connectors/k.h": "#include <uv.h>\n"},
    ], [{"runtime/include/weir/a.h": "#include <stdint.h>\n#include <weir/b.h>\n"}]),
    "typed_headers": ([
        {"operators/include/weir/operators/a.h": "#define a(s) ((weir_stream(b)){ (s).port })\n",
         "runtime/include/weir/record.h": HEAD},
        {"operators/include/weir/weir.h": "#include <weir/a.h>\n", "runtime/include/weir/a.h": HEAD,
         "runtime/include/weir/b.h": HEAD},
    ], [{"operators/include/weir/operators/a.h": "#include <weir/b.h>\nweir_stream(c) d;\n",
         "runtime/include/weir/b.h": "#include <weir/record.h>\n",
         "runtime/include/weir/record.h": HEAD},
        {"operators/include/weir/weir.h": "#include <weir/a.h>\n",
         "runtime/include/weir/a.h": HEAD}]),
    "kinds": ([
        {"operators/a.c": '    spec.kind = "as-of join";\n'},
        {"operators/a.c": 'static const char *const where = "prefix-sum";\n'},
    ], [{"operators/a.c": 'x = (spec){ .kind = "flat_map" };\n'}]),
    "pure_parts": ([
        {"runtime/progress/a.c": "#include <uv.h>\n"},
        {"runtime/data/a.c": "#include <sys/socket.h>\n"},
        {"runtime/progress/a.c": '#include "dataflow/graph.h"\n'},
        {"runtime/progress/a.c": "#include <weir/type.h>\n"},
    ], [{"runtime/progress/a.c": '#include "base/assert.h"\n#include <weir/time.h>\n',
         "runtime/worker/a.c": '#include <uv.h>\n#include "dataflow/graph.h"\n',
         "runtime/base/log.c": "#include <pthread.h>\n"}]),
    "file_length": ([{"runtime/base/a.c": "\n" * 801}], [{"runtime/base/a.c": "\n" * 800}]),
    "function_length": ([{"operators/a.c": body(70)}], [{"operators/a.c": body(69)}]),
    "parameters": ([
        {"runtime/include/weir/a.h": "int weir_a(int a, int b,\n  int c, int d, int e, int f);\n"},
        {"runtime/base/a.c": "static int f(int (*g)(int), int b, int c, int d, int e, int h)\n{\n"},
    ], [{"runtime/base/a.c": "int f(int a, int b, int c, int d, const char *e, ...)\n{\n"},
        {"runtime/base/a.c": "#define F(a, b, c, d, e, f) g(a, b, c, d, e, f)\n"
         "int f(int (*g)(int, int, int), int b, int c, int d)\n{\n  h(1, 2, 3, 4, 5, 6);\n"}]),
    "line_length": ([{"dev.sh": "#" * 101 + "\n"}], [{"docs/a.md": "a" * 101 + "\n"}]),
    "opening": ([
        {"runtime/base/a.c": "int a;\n"},
        {"runtime/base/a.c": "/* SPDX-License-Identifier: Apache-2.0 */\nint a;\n"},
        {"tests/unit/check_a.c": "/* none */\n"},
    ], [{"runtime/base/a.c": HEAD}]),
    "left_over": ([{"docs/a.md": "TO" "DO: write it\n"}, {"dev": "# FIX" "ME\n"}],
                  [{"docs/a.md": "what users do\n"}]),
    "whitespace": ([{"a.md": "a \n"}, {"runtime/base/a.c": "\tint a;\n"}, {"a.md": "a"}],
                   [{"a.md": "a\n"}]),
    "places": ([
        {"dev": "fetch http" "s://host.invalid/file\n"}, {"a.md": "cd /ro" "ot/project\n"},
        {"a.md": "see ../sha" "red/notes\n"},
    ], [{"pom.xml": "http://maven.apache.org/POM/4.0.0\n", "b.md": "network/root/x\n",
         "a.md": "http://127.0.0.1:8080/views\n"}]),
    "scripts": ([{"dev": "#!/usr/bin/env bash\nif true; then\n"}, {"a.py": "if True\n"}],
                [{"dev": "#!/usr/bin/env bash\ntrue\n", "a.py": "a = 1\n", "if.c": "if (\n"}]),
    "words": ([{"runtime/base/a.c": "int the_savepoint;\n"}, {"docs/a.md": "A savepoint\n"}],
              [{"docs/a.md": "A checkpoint of the graph\n", "tests/a.c": "int savepoint;\n"}]),
    "names": ([
        {"runtime/base/a.c": "int helper(void)\n{\n}\n"},
        {"runtime/base/a.h": "typedef unsigned count_t;\n"},
        {"runtime/base/a.h": "typedef struct a {\n    int b;\n} a_t;\n"},
        {"runtime/base/a.h": "typedef void weir_done(void *ctx);\n"},
    ], [{"runtime/base/a.c": "static int helper(void)\n{\n}\nint weir__helper(int a)\n{\n}\n",
         "runtime/base/a.h": "typedef struct a {\n    uint8_t b;\n} a;\ntypedef uint8_t b;\n"
         "typedef void weir_done_fn(void *ctx);\ntypedef size_t weir_place;\n"
         "typedef weir_stream(word) words;\n",
         "examples/a/a.c": "void build(int a)\n{\n}\n"}]),
    "calls": ([
        {"tests/support.c": "x = atoi(s);\n"}, {"operators/a.c": "printf(s);\n"},
        {"runtime/base/a.c": "exit(1);\n"}, {"connectors/file/a.c": "p = malloc(3);\n"},
        {"runtime/worker/a.c": "clock_gettime(a, b);\n"}, {"tests/unit/check_a.c": "usleep(5);\n"},
    ], [{"runtime/base/a.c": '/* malloc(3) */ f("exit(1)"); weir_printf(s); env->time(x);\n',
         "runtime/base/assert.c": "abort();\n", "connectors/main/a.c": "printf(s);\n",
         "examples/a/a.c": "printf(s);\n", "runtime/env/a.c": "clock_gettime(a, b);\n"}]),
    "operator_tests": ([{"operators/map.c": HEAD}],
                       [{"operators/map.c": HEAD, "tests/operators/check_map.c": HEAD}]),
    "test_levels": ([
        {"tests/CMakeLists.txt": LEVELS, "tests/other/check_a.c": HEAD},
        {"tests/CMakeLists.txt": LEVELS, "tests/unit/deep/check_a.c": HEAD},
    ], [{"tests/CMakeLists.txt": LEVELS, "tests/unit/check_a.c": HEAD, "tests/support.c": HEAD}]),
    "named_in_tests": ([{"runtime/base/lonely.c": HEAD + "int f(void)\n{\n}\n"}],
                       [{"runtime/base/log.c": HEAD, "tests/unit/check_log.c": HEAD},
                        {"runtime/base/a.c": "int weir_f(int a)\n{\n}\n",
                         "tests/unit/check_b.c": "weir_f(3);\n"}]),
    "compiled_code": ([
        {"docs/a.md": "```c\nint a;\n```\n"},
        {"docs/a.md": "<!-- examples/a/a.c -->\n```c\nint a;\n```\n", "examples/a/a.c": "int b;\n"},
        {"README.md": "<!-- examples/a/a.c -->\n```c\nint a;\n", "examples/a/a.c": "int a;\n"},
    ], [{"docs/a.md": "<!-- examples/a/a.c -->\n```c\nint a;\n```\n```sh\nls\n```\n",
         "examples/a/a.c": "int main;\n    int a;\n"}]),
    "names_of_ours": ([
        {"docs/reference/coming-from-timely.md": "| map | `weir_nap` |\n",
         "operators/include/weir/operators/map.h": "/* weir_nap */ void weir_map(void);\n"},
        {"docs/reference/coming-from-timely.md": "| Config | `weir_c.threads` |\n",
         "operators/include/weir/operators/map.h": "struct weir_c { int workers; };\n"},
        {"docs/reference/coming-from-timely.md": "| bounded | `.bound` of a loop |\n",
         "operators/include/weir/operators/map.h": "struct weir_c { int limit; };\n"},
    ], [{"docs/reference/coming-from-timely.md":
         "`weir_map`, `WEIR_FULL`, `weir_c.workers`, `.workers`\n",
         "operators/include/weir/operators/map.h": "struct weir_c { int workers; } weir_map;\n"
         "X" "X(FULL, 1)\n"}]),
    "simulated": ([
        {"operators/include/weir/operators/map.h": "#define weir_map(s, fn) (s)\n"},
        {"operators/include/weir/operators/map.h": "WEIR_API int weir_map(weir_port *in);\n"},
        {"operators/include/weir/operators/map.h": "#define weir_map(s) weir_map_erased(s)\n",
         "tests/sim/forms.c": "weir_map(s);\n",
         "docs/internals/simulation.md": "| `weir_map` | it does nothing |\n"},
        {"docs/internals/simulation.md": "| `weir_gone`, `weir_map` | they do nothing |\n",
         "operators/include/weir/operators/map.h": "#define weir_map(s) (s)\n"},
    ], [{"operators/include/weir/operators/map.h":
         "#define weir_map(s) weir_map_by(s)\nWEIR_API weir_port *weir_map_by(weir_port *in);\n"
         "WEIR_API weir_port *weir_map_erased(weir_port *in);\n#define weir_map_(s) (s)\n",
         "tests/sim/forms.c": "weir_map(s);\n"},
        {"operators/include/weir/operators/map.h": "WEIR_API void weir_send(int n);\n",
         "tests/sim/forms.c": "weir__send(3);\n"},
        {"connectors/include/weir/connectors/http.h": "WEIR_API void weir_start(int n);\n",
         "docs/internals/simulation.md": "| `weir/connectors/http.h` | has threads |\n"},
        {"operators/include/weir/operators/map.h": "#define weir_map(s) (s)\n",
         "docs/internals/simulation.md": "| `weir_map` | it does nothing |\n"}]),
    "links": ([{"README.md": "[guide](docs/guide.md)\n"}],
              [{"README.md": "[a](docs/a.md#b), [it](docs), [here](#there)\n", "docs/a.md": ""}]),
}


def main():
    failures = [f"{name}: no case provokes it" for name in tidy.RULES if name not in CASES]
    checked = 0
    for name, (broken, sound) in CASES.items():
        for trees, wanted in ((broken, True), (sound, False)):
            for tree in trees:
                findings = list(tidy.RULES[name](tidy.Tree(tree)))
                checked += 1
                if bool(findings) != wanted:
                    failures.append(f"{name}: {'nothing' if wanted else findings} found in {tree}")
    failures.append(f"{checked} cases of {len(CASES)} rules, {len(failures)} failures")
    print("\n".join(failures))
    return 1 if len(failures) > 1 else 0


if __name__ == "__main__":
    sys.exit(main())
