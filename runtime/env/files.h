/* SPDX-License-Identifier: Apache-2.0
 *
 * The storage of an env on the machine's own file system.
 */
#ifndef WEIR_ENV_FILES_H
#define WEIR_ENV_FILES_H

#include "env/env.h"

/* Sets the members of the table that are about files. */
void weir__env_files_set(weir_env *env);
/* maps.c: those about files that are mapped; called by the one above. */
void weir__env_maps_set(weir_env *env);

#endif
