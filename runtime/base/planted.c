/* SPDX-License-Identifier: Apache-2.0
 *
 * Which mistake is made in this process: see planted.h. Not part of other builds.
 */
#include "base/planted.h"

#include <stdlib.h>

int weir__planted;

static __attribute__((constructor)) void choose(void)
{
    const char *number = getenv("WEIR_PLANTED");
    weir__planted = number ? (int)strtol(number, NULL, 10) : 0;
}
