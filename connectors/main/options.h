/* SPDX-License-Identifier: Apache-2.0
 *
 * The options of a program, from its configuration, the environment and flags, and what is wrong
 * with them. Pure: it prints nothing, starts nothing, and reads no global.
 */
#ifndef WEIR_MAIN_OPTIONS_H
#define WEIR_MAIN_OPTIONS_H

#include <weir/connectors/main.h>

/* Where an option was given; a greater one wins. */
typedef enum weir__layer {
    WEIR__LAYER_PROGRAM, WEIR__LAYER_ENVIRONMENT, WEIR__LAYER_FLAG, WEIR__LAYER_PREPARE
} weir__layer;

typedef struct weir__given {
    weir_setting setting; /* its value is "true" if bare */
    weir__layer layer;
    bool bare;            /* a flag without a value */
    char *owned;          /* what it points into, or NULL; owned_size bytes */
    size_t owned_size;
} weir__given;

enum { WEIR__SECRET_MAX = 1024 };

/* Zeroed, it is empty. Texts of argv and environ are borrowed. */
typedef struct weir__options {
    weir__given *given;
    size_t count, capacity;
    /* the built-in ones, by weir__options_read_builtins */
    unsigned workers;     /* 0: not given */
    const char *http;     /* NULL: not given */
    size_t budget;        /* 0: not given */
    const char *spill_dir; /* NULL: not given */
    const char *state;     /* the same */
    weir_log_level log_level;
    double seconds;       /* 0: no end */
    const char *flight;   /* NULL: not given; "off" */
    bool flight_all;
    unsigned long_step_ms, held_ms; /* 0: not given; UINT_MAX: off */
    bool help, version;
    /* 0 or NULL: not given */
    unsigned processes, process, connect_ms, silence_ms;
    const char *hosts, *secret;
    char secret_text[WEIR__SECRET_MAX]; /* from a file */
} weir__options;

/* Whether --help or --version is among the flags: they win over whatever else is wrong. */
void weir__options_early(weir__options *options, int argc, char **argv);
/* Takes in the program's own configuration (may be NULL), the environment (ends with NULL), and
 * flags. Flags are refused where they are none, or where a built-in one has two values. */
weir_status weir__options_add_program(weir__options *options, const weir_main_config *config,
                                      weir_error *error);
weir_status weir__options_add_environment(weir__options *options, char *const *environment,
                                          weir_error *error);
weir_status weir__options_add_flags(weir__options *options, int argc, char **argv,
                                    weir_error *error);
/* Then: reads the values of the built-in ones. */
weir_status weir__options_read_builtins(weir__options *options, weir_error *error);
/* Those of them that are the runtime's, but for its workers, over what the config says. */
void weir__options_apply(const weir__options *options, weir_config *config);
/* What counts for an option, the last of the winning layer, or NULL. */
const weir__given *weir__options_find(const weir__options *options, const char *name);
/* Sets an option over everything given for it; copies. */
weir_status weir__options_set(weir__options *options, const char *name, const char *value,
                              weir_error *error);
/* Writes the settings of the program's own options, each of its winning layer only, into settings
 * (room for options->count); how many. */
size_t weir__options_settings(const weir__options *options, weir_setting *settings);

/* What the build declared. */
typedef struct weir__declared {
    const weir_option_info *const *info;
    size_t count;
    bool is_partial; /* it failed: there may be others, which it has not come to */
} weir__declared;

/* Holds what was given against what the build declared: unknown names, values that are missing or
 * cannot be read, two values for one. If others may be declared, unknown names are refused only if
 * they are near to one that is. Names of variables that no option has are not refused either, but
 * told to `unknown_variable` (may be NULL): they may be meant for others. */
weir_status weir__options_check(const weir__options *options, const weir__declared *declared,
                                void (*unknown_variable)(const char *variable), weir_error *error);
void weir__options_fini(weir__options *options);

/* A built-in option. */
typedef struct weir__builtin {
    const char *name, *value, *fallback, *help;
    weir_status (*read)(weir__options *options, const char *value, weir_error *error);
} weir__builtin;
extern const weir__builtin weir__builtins[];
extern const size_t weir__builtin_count;
const weir__builtin *weir__builtin_find(const char *name);

/* cluster.c: those of a process of a cluster, and what of them goes into the runtime's config. */
weir_status weir__read_processes(weir__options *options, const char *value, weir_error *error);
weir_status weir__read_process(weir__options *options, const char *value, weir_error *error);
weir_status weir__read_hosts(weir__options *options, const char *value, weir_error *error);
weir_status weir__read_connect(weir__options *options, const char *value, weir_error *error);
weir_status weir__read_silence(weir__options *options, const char *value, weir_error *error);
weir_status weir__read_secret(weir__options *options, const char *value, weir_error *error);
weir_status weir__read_secret_file(weir__options *options, const char *value, weir_error *error);
void weir__options_join(const weir__options *options, weir_config *config);

/* The name among built-in and declared ones that is nearest to a misspelt one, or NULL; among the
 * declared ones alone if others may be: --brokers is near to --workers. */
const char *weir__options_nearest(const char *name, const weir__declared *declared);

#endif
