/* SPDX-License-Identifier: Apache-2.0
 *
 * Which mistake is made in this process, and which ones it has met: see planted.h. Not part of
 * other builds.
 */
#include "base/planted.h"

#include <stdlib.h>

int weir__planted;
bool weir__planted_met[WEIR__MISTAKES];

static __attribute__((constructor)) void choose(void)
{
    const char *number = getenv("WEIR_PLANTED");
    weir__planted = number ? (int)strtol(number, NULL, 10) : 0;
}
