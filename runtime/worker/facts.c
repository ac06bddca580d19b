/* SPDX-License-Identifier: Apache-2.0
 *
 * See facts.h. In this order: who differs in the version is told so, and not that graphs differ.
 */
#include "worker/facts.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"

enum { NAME = 400, VALUE = 4096 };

/* "line(text str 0, at instant 16) of 24 bytes": what another process must read alike. */
static void describe(const weir_type *type, char *text, size_t size)
{
    size_t at = (size_t)snprintf(text, size, "%s(", type->name);
    for (uint32_t i = 0; i < type->field_count && at < size; i++) {
        const weir_field *f = &type->fields[i];
        at += (size_t)snprintf(text + at, size - at, "%s%s %s%s %u", i ? ", " : "", f->name,
                               f->optional ? "optional " : "", weir_kind_name(f->kind), f->offset);
    }
    if (at < size)
        snprintf(text + at, size - at, ") of %u bytes", type->size);
}

static void add_edges(const weir_graph *graph, const char *dataflow, weir__mesh *mesh)
{
    char name[NAME], value[VALUE];
    for (uint32_t e = 0; e < graph->edges.count; e++) {
        const weir__edge *edge = graph->edges.items[e];
        if (edge->routing.route == WEIR_LOCAL)
            continue;
        snprintf(name, sizeof name, "the records that operator '%.150s' of dataflow '%.100s' "
                 "receives", edge->to->name, dataflow);
        describe(edge->to->spec.inputs[edge->input].type, value, sizeof value);
        weir__mesh_add_fact(mesh, name, value);
    }
}

uint64_t weir__facts_layouts(const weir_graph *graph)
{
    char value[VALUE];
    uint64_t hash = 0;
    for (uint32_t e = 0; e < graph->edges.count; e++) {
        const weir__edge *edge = graph->edges.items[e];
        if (edge->routing.route == WEIR_LOCAL)
            continue;
        describe(edge->to->spec.inputs[edge->input].type, value, sizeof value);
        const weir_str text = weir_str_of(value);
        hash = weir__hash_str(&text, hash);
    }
    return hash;
}

void weir__facts_add(weir_runtime *runtime, weir__mesh *mesh)
{
    char name[NAME], value[64];
    const uint16_t one = 1;
    weir__mesh_add_fact(mesh, "the version of Weir", WEIR_VERSION);
    weir__mesh_add_fact(mesh, "the order of bytes",
                        *(const unsigned char *)&one ? "little-endian" : "big-endian");
#ifdef WEIR_HASH_8BIT
    weir__mesh_add_fact(mesh, "the size of hashes", "8 bits");
#else
    weir__mesh_add_fact(mesh, "the size of hashes", "64 bits");
#endif
    snprintf(value, sizeof value, "%u", runtime->config.workers);
    weir__mesh_add_fact(mesh, "the number of workers a process", value);
    for (const weir__build *build = runtime->builds; build; build = build->next)
        weir__mesh_add_fact(mesh, "what can be built", build->name);
    for (const weir_sequencer *s = runtime->sequencers; s; s = weir__sequencer_next(s))
        weir__mesh_add_fact(mesh, "what has a sequencer", weir__sequencer_name(s));
    pthread_mutex_lock(&runtime->dataflows_lock);
    for (const weir_dataflow *d = runtime->dataflows; d; d = d->next) {
        const weir_graph *graph = d->graph;
        if (!d->initial || !graph)
            continue;
        const char *called = graph->name ? graph->name : "main";
        snprintf(name, sizeof name, "the graph of dataflow '%.200s'", called);
        snprintf(value, sizeof value, "fingerprint %016llx",
                 (unsigned long long)graph->fingerprint);
        weir__mesh_add_fact(mesh, name, value);
        add_edges(graph, called, mesh);
    }
    pthread_mutex_unlock(&runtime->dataflows_lock);
}
