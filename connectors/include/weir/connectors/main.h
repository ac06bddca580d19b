/* SPDX-License-Identifier: Apache-2.0
 *
 * weir_main: what a program's main() calls. Reads options, builds the dataflow, starts workers and
 * HTTP, and ends cleanly. The one part of Weir that prints, handles signals and knows exit
 * statuses.
 *
 * Options come from three places, later ones winning: the program (weir_main_config), the
 * environment (--input-topic is WEIR_INPUT_TOPIC there; an empty variable counts as unset), and
 * flags (--input-topic lines, or --input-topic=lines; a flag option takes no value, or =false).
 * --help lists the built-in ones, and those that the build function declares by weir_option_*.
 *
 *     --workers N        threads; default: the cores that the process may use
 *     --processes N      a cluster of N processes that run this program with the same options
 *     --process I        the number of this one, from 0
 *     --hosts LIST       where each of them listens, in order: HOST:PORT,HOST:PORT,...
 *     --secret-file PATH what all of them must know; or the variable WEIR_SECRET; default: nothing
 *     --connect-seconds N  how long to wait until all are there; default 60
 *     --silence-seconds N  after which a silent process is lost, and all end; default 10
 *     --budget BYTES     what may be under way of each dataflow, as in 512M; default 256M, or less
 *                        where the memory of the process is limited
 *     --spill-dir DIR    for what that has no room for; default $TMPDIR, or /tmp
 *     --state DIR        where large parts of what collections keep lie; default: in memory
 *     --http ADDRESS     HOST:PORT, PORT (on 127.0.0.1; 0 takes a free one) or off; default 8080,
 *                        and 8080 + I in process I of a cluster
 *     --log-level LEVEL  off, error, warn, info or debug, to standard error; default info
 *     --seconds N        end after so many seconds, as SIGINT would; 0: do not
 *     --flight DIR       where the flight recorder's file lies (weir/flight.h), or off; default
 *                        $XDG_RUNTIME_DIR, or /tmp
 *     --flight-keep WHAT coarse or all; default coarse
 *     --long-step-ms N   log operators that keep a worker longer, or off; default 100
 *     --held-ms N        log who holds a frontier back for longer, or off; default 10000
 *     --help, --version
 *
 * SIGINT and SIGTERM end the sources, complete what is under way, and end with status 0; a second
 * signal ends the process at once. --seconds takes SIGALRM and the process's real-time timer
 * (setitimer). SIGPIPE is ignored; SIGBUS in a file of the state directory is told with the file's
 * name, and ends the program with status 1. What was not written to standard output is
 * an error: it is looked at before the end.
 *
 * Exit status: 0 ended as asked or because the input ended; 1 it could not start, or failed while
 * running; 2 an option was refused, before anything was started. Errors go to standard error.
 */
#ifndef WEIR_CONNECTORS_MAIN_H
#define WEIR_CONNECTORS_MAIN_H

#include <weir/worker.h>

WEIR_BEGIN_DECLS

/* Runs a whole program; returns its exit status. ctx is handed to build. Once a process at a time,
 * in the main thread. */
WEIR_API int weir_main(int argc, char **argv, weir_build_fn *build, void *ctx);

/* A program while weir_main_with runs it. */
typedef struct weir_main_program weir_main_program;

/* Zero means default for every field. Borrowed until weir_main_with returns. */
typedef struct weir_main_config {
    size_t struct_size;
    const char *name;         /* default: the last part of argv[0] */
    const char *about;        /* what --help says first */
    const char *version;      /* what --version says; default: Weir's */
    const char *http;         /* as --http */
    const char *log_level;    /* as --log-level */
    double seconds;           /* as --seconds */
    weir_config run;          /* the environment and flags win over what it sets */
    /* Called in this order, in the main thread; each may be NULL. `prepare` comes before the graph
     * is built and may set options; a failure ends the program with status 1 (2, if the build,
     * which is called for that, knows no such option as was given). `started` comes when the
     * workers run. `ended` comes after they have ended and before the views go, also if something
     * failed, once `prepare` has succeeded. */
    weir_status (*prepare)(weir_main_program *program, void *hook_ctx, weir_error *error);
    void (*started)(weir_main_program *program, void *hook_ctx);
    void (*ended)(weir_main_program *program, void *hook_ctx);
    void *hook_ctx;
} weir_main_config;

WEIR_API int weir_main_with(const weir_main_config *config, int argc, char **argv,
                            weir_build_fn *build, void *ctx);

/* What is set for an option of the program's own, or NULL: from `prepare` on. */
WEIR_API const char *weir_main_option(const weir_main_program *program, const char *name);
/* Sets an option over whatever was given for it. In `prepare` only; both texts are copied. */
WEIR_API weir_status weir_main_set_option(weir_main_program *program, const char *name,
                                          const char *value);
/* From `started` to `ended`. */
WEIR_API weir_runtime *weir_main_runtime(const weir_main_program *program);
/* Ends the program as the first SIGINT does: what is under way is completed. Also when it has been
 * asked to end already, by a call or a signal, where a second weir_runtime_stop would give up on
 * completion. Any thread, from `started` to `ended`. */
WEIR_API void weir_main_stop(weir_main_program *program);
/* "http://127.0.0.1:8080", or NULL if it is off. From `started` to `ended`. */
WEIR_API const char *weir_main_url(const weir_main_program *program);

WEIR_END_DECLS
#endif
