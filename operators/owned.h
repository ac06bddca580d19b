/* SPDX-License-Identifier: Apache-2.0
 *
 * Records that are kept, and own the long strings in them: states, results. How records whose
 * strings lie elsewhere are sent.
 */
#ifndef WEIR_OPERATORS_OWNED_H
#define WEIR_OPERATORS_OWNED_H

#include <weir/batch.h>

/* Zeroed: of a record without long strings. */
typedef struct weir__owned {
    char *heap;
    uint32_t size;
} weir__owned;

/* After the record was written to: strings that lie elsewhere are copied, what it no longer has is
 * freed. Strings that it refers to must still be there. */
void weir__owned_settle(weir__owned *owned, const weir_type *type, char *record);
void weir__owned_free(weir__owned *owned);

/* Writes a record whose strings may lie anywhere. Returns it, as it lies in the builder. */
void *weir__emit_copy(weir_builder *out, const void *record);
/* The same in canonical form. */
void weir__emit_owned(weir_builder *out, const void *record);
/* Of a record that lies in the builder already: its strings are copied to there, too. */
void weir__emit_strings(weir_builder *out, const weir_type *type, char *record);

#endif
