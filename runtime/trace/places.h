/* SPDX-License-Identifier: Apache-2.0
 *
 * Which addresses are runs that are mapped (weir_mapped_run_at). Any thread.
 */
#ifndef WEIR_TRACE_PLACES_H
#define WEIR_TRACE_PLACES_H

#include <stdint.h>

/* A file is mapped there; path, which is borrowed, is what people know it as. */
void weir__places_add(const char *at, uint64_t size, const char *path);
/* The mapping that begins there has become shorter; it goes. */
void weir__places_cut(const char *at, uint64_t size);
void weir__places_remove(const char *at);

#endif
