/* SPDX-License-Identifier: Apache-2.0
 *
 * Adding up log entries that a slow reader has missed, on the writer's thread. What an entry means
 * is known by the dataflow's description, so the table of those is locked meanwhile; what belongs
 * to a dataflow that is gone, nobody misses.
 */
#include <string.h>

#include "base/assert.h"
#include "base/planted.h"
#include "worker/runtime.h"

enum { HEADER = 8 };

/* The sum of one dataflow. */
typedef struct part {
    struct part *next;
    uint32_t id;
    weir__depths depths;
    weir__changes changes;
} part;

typedef struct fold {
    weir_runtime *runtime;
    part *parts;
    weir__id_table by_id;
} fold;

static void *fold_begin(void *ctx)
{
    fold *f = weir_alloc_must(sizeof *f);
    *f = (fold){ .runtime = ctx };
    pthread_mutex_lock(&f->runtime->dataflows_lock);
    return f;
}

static part *part_of(fold *f, uint32_t id)
{
    part *p = weir__id_table_find(&f->by_id, id);
    const weir_dataflow *dataflow = weir__id_table_find(&f->runtime->dataflow_table, id);
    if (p || !dataflow)
        return p;
    p = weir_alloc_must(sizeof *p);
    *p = (part){ .next = f->parts, .id = id,
                 .depths = weir__topology_depths(dataflow->graph->topology) };
    f->parts = p;
    weir__id_table_set(&f->by_id, id, p);
    return p;
}

static void fold_add(void *sum, const void *entry, size_t size)
{
    const char *data = entry;
    if (size % 4 == 0 && WEIR_PLANTED(FOLD_DROPS))
        return;
    for (size_t at = 0; at + HEADER <= size;) {
        uint32_t head[2];
        memcpy(head, data + at, sizeof head);
        at += HEADER;
        part *p = part_of(sum, head[0]);
        weir_status status = WEIR_OK;
        if (p)
            status = weir__changes_decode(&p->changes, p->depths, data + at, head[1], NULL);
        if (p && size % 4 == 0 && WEIR_PLANTED(FOLD_TWICE))
            status = weir__changes_decode(&p->changes, p->depths, data + at, head[1], NULL);
        WEIR_ASSERT(status == WEIR_OK, "our own log entry cannot be read");
        at += head[1];
    }
}

static weir_mail fold_finish(void *sum)
{
    fold *f = sum;
    size_t size = 0, at = 0;
    for (part *p = f->parts; p; p = p->next)
        if (!weir__changes_is_empty(&p->changes))
            size += HEADER + weir__changes_encoded_size(&p->changes, p->depths);
    char *block = weir_alloc_must(size);
    for (part *p = f->parts, *next; p; p = next) {
        next = p->next;
        if (!weir__changes_is_empty(&p->changes)) {
            uint32_t head[2] = { p->id,
                                 (uint32_t)weir__changes_encoded_size(&p->changes, p->depths) };
            memcpy(block + at, head, sizeof head);
            weir__changes_encode(&p->changes, p->depths, block + at + HEADER);
            at += HEADER + head[1];
        }
        weir__changes_fini(&p->changes);
        weir_free(p, sizeof *p);
    }
    pthread_mutex_unlock(&f->runtime->dataflows_lock);
    weir__id_table_fini(&f->by_id);
    weir_free(f, sizeof *f);
    return (weir_mail){ block, size };
}

weir_log_sum weir__runtime_log_sum(weir_runtime *runtime)
{
    return (weir_log_sum){ fold_begin, fold_add, fold_finish, runtime };
}
