/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/branch.h.
 */
#include <weir/operators/branch.h>

enum { PIECE = 512 };

typedef struct complement {
    weir_filter_fn *fn;
    size_t size; /* of a record */
} complement;

/* Asks for a piece at a time, and turns the answer round. */
static size_t keep_others(const void *in, size_t count, uint32_t *keep, void *ctx)
{
    const complement *c = ctx;
    size_t kept = 0;
    for (size_t from = 0; from < count; from += PIECE) {
        uint32_t yes[PIECE];
        size_t n = count - from < PIECE ? count - from : PIECE;
        size_t yes_count = c->fn((const char *)in + from * c->size, n, yes, NULL);
        for (size_t i = 0, y = 0; i < n; i++) {
            if (y < yes_count && yes[y] == i)
                y++;
            else
                keep[kept++] = (uint32_t)(from + i);
        }
    }
    return kept;
}

weir_port *weir__filter_not(weir_port *in, const weir_type *type, weir_filter_fn *fn,
                            const char *name)
{
    if (!in)
        return NULL;
    complement *c = weir_graph_alloc(weir_port_graph(in), sizeof *c);
    *c = (complement){ fn, type->size };
    return weir_stage_add(in, &(weir_stage_spec){ .struct_size = sizeof(weir_stage_spec),
                                                  .kind = "filter", .name = name, .in = type,
                                                  .out = type, .filter = keep_others,
                                                  .ctx = c });
}
