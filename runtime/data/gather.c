/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/gather.h. What fits one column of the builder never becomes a batch: it is read where it
 * was written.
 */
#include <weir/gather.h>

#include "data/builder.h"
#include "data/pool.h"

enum { COLUMN_BYTES = (64 << 10) - WEIR__BUFFER_HEADER };

struct weir_gather {
    weir__sink sink; /* first: what the builder knows */
    weir__builder builder;
    weir__pool *pool;
    weir_batch **batches; /* that filled up, in order */
    weir_gathered *pieces;
    size_t count, capacity; /* of batches; there is room for one piece more */
};

static void push(weir__sink *sink, weir_batch *batch)
{
    weir_gather *g = (weir_gather *)(void *)sink;
    if (g->count == g->capacity) {
        size_t capacity = 2 * g->capacity + 4;
        g->batches = weir_realloc_must(g->batches, g->capacity * sizeof *g->batches,
                                       capacity * sizeof *g->batches);
        g->pieces = weir_realloc_must(g->pieces, (g->capacity + 1) * sizeof *g->pieces,
                                      (capacity + 1) * sizeof *g->pieces);
        g->capacity = capacity;
    }
    g->batches[g->count++] = batch;
}

weir_gather *weir_gather_create(const weir_type *type)
{
    weir_gather *g = weir_alloc_zero(sizeof *g);
    if (!g)
        return NULL;
    g->sink.push = push;
    g->pool = weir__pool_create();
    g->pieces = weir_alloc(sizeof *g->pieces);
    if (!g->pool || !g->pieces) {
        weir_gather_destroy(g);
        return NULL;
    }
    weir__builder_spec spec = { .pool = g->pool, .type = type, .depth = 1,
                                .batch_bytes = COLUMN_BYTES, .sink = &g->sink };
    weir__builder_init(&g->builder, &spec);
    return g;
}

static void drop_batches(weir_gather *g)
{
    for (size_t i = 0; i < g->count; i++)
        weir_batch_release(g->batches[i]);
    g->count = 0;
}

void weir_gather_destroy(weir_gather *g)
{
    if (!g)
        return;
    drop_batches(g);
    weir_free(g->batches, g->capacity * sizeof *g->batches);
    weir_free(g->pieces, (g->capacity + 1) * sizeof *g->pieces);
    weir__builder_fini(&g->builder);
    if (g->pool)
        weir__pool_close(g->pool);
    weir_free(g, sizeof *g);
}

weir_builder *weir_gather_begin(weir_gather *g)
{
    drop_batches(g);
    weir__builder_rewind(&g->builder);
    return &g->builder.b;
}

size_t weir_gather_end(weir_gather *g, const weir_gathered **pieces)
{
    const weir_builder *b = &g->builder.b;
    size_t count = g->count;
    for (size_t i = 0; i < count; i++)
        g->pieces[i] = (weir_gathered){ g->batches[i]->records, g->batches[i]->diffs,
                                        g->batches[i]->count };
    if (b->next != b->begin)
        g->pieces[count++] =
            (weir_gathered){ b->begin, b->diffs, weir__builder_count(&g->builder) };
    *pieces = g->pieces;
    return count;
}
