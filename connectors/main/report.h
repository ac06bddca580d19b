/* SPDX-License-Identifier: Apache-2.0
 *
 * What a program says to people: help, version, errors and log lines. The texts, and nothing of
 * when they are said.
 */
#ifndef WEIR_MAIN_REPORT_H
#define WEIR_MAIN_REPORT_H

#include <stdio.h>

#include "main/options.h"

/* The page of --help. */
void weir__report_help(FILE *out, const weir_main_config *config, const char *name,
                       const weir__declared *declared);
/* "NAME: what", then detail and hint on lines of their own. */
void weir__report_error(FILE *out, const char *name, const weir_error *error);
/* "NAME: warn: text" */
void weir__report_log(FILE *out, const char *name, weir_log_level level, const char *text);

#endif
