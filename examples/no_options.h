/* SPDX-License-Identifier: Apache-2.0
 *
 * What a program that takes no options answers to any: like weir_main, help with status 0, and a
 * sentence with status 2 to what it does not know.
 */
#ifndef WEIR_EXAMPLES_NO_OPTIONS_H
#define WEIR_EXAMPLES_NO_OPTIONS_H

#include <stdio.h>
#include <string.h>

/* The exit status. There is an argument, argv[1]. */
static inline int no_options(char **argv, const char *name)
{
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        printf("usage: %s\n\n%s takes no options, and no input; its source says what it shows.\n",
               name, name);
        return fflush(stdout) == 0 ? 0 : 1;
    }
    fprintf(stderr, "%s: it takes no options, and '%.80s' is one\n  to do: leave it out\n", name,
            argv[1]);
    return 2;
}

#endif
