/* SPDX-License-Identifier: Apache-2.0
 *
 * See planted.h. Owns the entries that a planted mistake keeps back.
 */
#include "worker/planted.h"

#include <string.h>

#include "worker/cluster.h"

void weir__planted_publish(weir_worker *worker, weir__dataflow *dataflow,
                           weir__planted_publish_fn *publish)
{
    weir__changes *all = &dataflow->unpublished, raised = { 0 };
    uint32_t count;
    const weir__change *entries = weir__changes_entries(all, &count);
    for (uint32_t i = 0; i < count; i++)
        if (entries[i].diff > 0)
            weir__changes_add(&raised, entries[i].port, &entries[i].time, entries[i].diff);
    for (uint32_t i = 0; i < raised.count; i++)
        weir__changes_add(all, raised.entries[i].port, &raised.entries[i].time,
                          -raised.entries[i].diff);
    if (!weir__changes_is_empty(all))
        publish(worker, dataflow);
    weir__changes_merge(all, &raised);
    weir__changes_fini(&raised);
    if (WEIR_PLANTED(SPLIT_SET) && !weir__changes_is_empty(all))
        publish(worker, dataflow);
}

/* By receiver and sender. */
static weir_mail kept[WEIR_WORKERS_MAX][WEIR_WORKERS_MAX];

bool weir__planted_keep(weir_worker *worker, unsigned from, const weir_mail *entry)
{
    weir_mail *k = &kept[worker->context.self][from];
    if (k->data)
        return false;
    void *copy = weir_alloc_must(entry->size);
    *k = (weir_mail){ memcpy(copy, entry->data, entry->size), entry->size };
    return true;
}

bool weir__planted_release(weir_worker *worker, unsigned from, weir__planted_apply_fn *apply)
{
    weir_mail *k = &kept[worker->context.self][from], entry = *k;
    *k = (weir_mail){ NULL, 0 };
    if (!entry.data)
        return false;
    apply(worker, &entry);
    weir_free((void *)entry.data, entry.size);
    return true;
}

static struct postponed {
    weir_mail entry;
    uint32_t id;
    uint64_t turn;
    bool goes;
} postponed[WEIR_WORKERS_MAX];

bool weir__planted_postpone(weir_worker *worker, weir__dataflow *dataflow, const void *data,
                            size_t size)
{
    struct postponed *p = &postponed[worker->context.self];
    if (p->entry.data || p->goes)
        return false;
    *p = (struct postponed){ .entry = { weir_alloc_must(size), size },
                             .id = dataflow->graph->id,
                             .turn = worker->turns };
    memcpy((void *)p->entry.data, data, size);
    return true;
}

void weir__planted_resume(weir_worker *worker)
{
    struct postponed *p = &postponed[worker->context.self];
    if (!p->entry.data || worker->turns - p->turn < 3)
        return;
    weir__dataflow *dataflow = weir__id_table_find(&worker->dataflows, p->id);
    p->goes = true;
    if (dataflow)
        weir__cluster_relay(worker->cluster, dataflow, p->entry.data, p->entry.size);
    weir_free((void *)p->entry.data, p->entry.size);
    *p = (struct postponed){ .goes = false };
}
