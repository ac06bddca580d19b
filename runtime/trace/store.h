/* SPDX-License-Identifier: Apache-2.0
 *
 * What the form of segments needs of the store.
 */
#ifndef WEIR_TRACE_STORE_H
#define WEIR_TRACE_STORE_H

#include "trace/segment.h"

/* Cuts the file to this size; it is read only from now on. False: it failed (logged). */
bool weir__store_seal(weir__segment *segment, uint64_t size);
/* Maps a file of the folder that is there. NULL: it cannot be, as the error says. */
weir__segment *weir__store_open(weir__store *store, const char *name, weir_error *error);
/* The file stays where it is. */
void weir__store_forget(weir__segment *segment);

#endif
