/* SPDX-License-Identifier: Apache-2.0
 *
 * weir-inspect: prints what a flight recorder's file holds. A program of its own, which prints and
 * has exit statuses; what is in a file is weir/flight.h's affair.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "inspect/show.h"

enum { STATUS_OK, STATUS_UNREADABLE, STATUS_REFUSED };

static const char help[] =
    "weir-inspect [OPTIONS] FILE...\n"
    "\n"
    "Prints what a Weir program did in its last seconds, from the file that its flight recorder\n"
    "has left: weir-PID-N.flight, in $XDG_RUNTIME_DIR or /tmp, or where --flight has put it. The\n"
    "program may have been killed, or be running.\n"
    "\n"
    "  --json          one JSON object a line: the file, its workers, its events\n"
    "  --last SECONDS  only events of the last so many seconds\n"
    "  --worker N      only events of this worker\n"
    "  --summary       no events\n"
    "  --remove        removes each file after it was printed, if its program has ended\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0; 1 if a file could not be read, is damaged or of another version; 2 if an\n"
    "option was refused.\n";

static int refuse(const char *what, const char *argument)
{
    fprintf(stderr, "weir-inspect: %s %s; see --help\n", argument, what);
    return STATUS_REFUSED;
}

static bool read_number(const char *text, double *number)
{
    char *end;
    errno = 0;
    *number = text ? strtod(text, &end) : -1;
    return text && !errno && end != text && !*end && *number >= 0 && *number < 1e12;
}

/* The option at argv[*i] and its value; STATUS_OK if it could be read. */
static int read_option(weir__show *show, char **argv, int *i)
{
    const char *option = argv[*i];
    double number;
    if (strcmp(option, "--json") == 0) {
        show->json = true;
    } else if (strcmp(option, "--summary") == 0) {
        show->summary = true;
    } else if (strcmp(option, "--remove") == 0) {
        show->remove = true;
    } else if (strcmp(option, "--last") == 0 || strcmp(option, "--worker") == 0) {
        if (!read_number(argv[++*i], &number))
            return refuse("needs a number", option);
        if (strcmp(option, "--last") == 0)
            show->last_ns = (uint64_t)(number * 1e9) + 1;
        else
            show->worker = (int64_t)number;
    } else {
        return refuse("is no option", option);
    }
    return STATUS_OK;
}

static int show_file(const weir__show *show, const char *path)
{
    char text[1600];
    weir_error error = { .status = WEIR_OK };
    weir_flight_info info;
    weir_flight *flight = weir_flight_open(path, &error);
    if (!flight) {
        weir_error_text(&error, text, sizeof text);
        bool is_named = strncmp(error.what, path, strlen(path)) == 0;
        fprintf(stderr, "weir-inspect: %s%s%s\n", is_named ? "" : path, is_named ? "" : ": ", text);
        return STATUS_UNREADABLE;
    }
    weir_flight_get_info(flight, &info);
    if (show->json)
        weir__show_json(show, flight, path);
    else
        weir__show_text(show, flight, path);
    weir_flight_close(flight);
    if (info.damaged)
        fprintf(stderr, "weir-inspect: %s is damaged: %zu entries are not what was written\n", path,
                info.damaged);
    if (show->remove && info.alive)
        fprintf(stderr, "weir-inspect: %s is kept: its program is running\n", path);
    else if (show->remove && unlink(path) != 0)
        fprintf(stderr, "weir-inspect: %s cannot be removed: %s\n", path, strerror(errno));
    return info.damaged ? STATUS_UNREADABLE : STATUS_OK;
}

int main(int argc, char **argv)
{
    weir__show show = { .worker = -1 };
    int status = STATUS_OK, files = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(help, stdout);
            return STATUS_OK;
        }
        if (strcmp(argv[i], "--version") == 0) {
            printf("weir-inspect (weir %s)\n", weir_version());
            return STATUS_OK;
        }
    }
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-')
            files++;
        else if (read_option(&show, argv, &i) != STATUS_OK)
            return STATUS_REFUSED;
    }
    if (!files) {
        fputs(help, stderr);
        return STATUS_REFUSED;
    }
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-') {
            int one = show_file(&show, argv[i]);
            status = one > status ? one : status;
        } else if (strcmp(argv[i], "--last") == 0 || strcmp(argv[i], "--worker") == 0) {
            i++;
        }
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "weir-inspect: standard output could not be written\n");
        return STATUS_UNREADABLE;
    }
    return status;
}
