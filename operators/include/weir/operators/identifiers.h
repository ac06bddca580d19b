/* SPDX-License-Identifier: Apache-2.0
 *
 * identifiers: each different record of a collection with a number that no other one has.
 *
 *     #define PAGE(F)     F(str, address)
 *     #define NUMBERED(F) F(str, address) F(u64, id)
 *     …
 *     weir_stream(numbered) n = weir_identifiers(pages, numbered);
 *
 * The result has the record's fields, in order, then the number, and is unique by it. A record has
 * the same number at each run and on each number of workers, as long as the same records are there:
 * it is the hash of its fields, and where two have one, that of the greater record, in the order of
 * fields, is moved until it is free. Each record is there once, while its diffs add up to more than
 * 0. In scopes of any depth but the last one.
 */
#ifndef WEIR_OPERATORS_IDENTIFIERS_H
#define WEIR_OPERATORS_IDENTIFIERS_H

#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* Refuses, on the graph, a result of other fields, and records that are too large for it. */
WEIR_API weir_port *weir_identifiers_erased(weir_port *in, const weir_type *out);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/record.h>

/* weir_identifiers(stream, OUT) */
#define weir_identifiers(s, OUT)                                                                   \
    ((weir_stream(OUT)){ .port = weir_identifiers_erased((s).port, OUT##_type()) })
#endif

#endif
