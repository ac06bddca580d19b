/* SPDX-License-Identifier: Apache-2.0
 *
 * The graph as a container: its memory, its one sticky error, names, services. What is in it is
 * described by port.c, stage.c, node.c and scope.c.
 */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/lines.h"
#include "dataflow/description.h"

struct weir__at_end {
    weir__at_end *next;
    void (*fn)(void *ctx);
    void *ctx;
};

static void make_credits(weir_graph *graph)
{
    size_t workers = graph->workers, row = weir__lines(workers * sizeof(uint64_t));
    char *rows = weir_graph_alloc(graph, workers * row + WEIR__LINE);
    rows += -(uintptr_t)rows % WEIR__LINE;
    graph->credits = (weir__credits){ .returned = (uint64_t *)(void *)rows,
                                      .stride = (unsigned)(row / sizeof(uint64_t)),
                                      .waits = weir_graph_alloc(graph,
                                                                workers * sizeof(uint32_t)) };
}

weir_graph *weir__graph_create(weir_runtime *runtime, const weir_config *config, const char *name)
{
    weir_graph *graph = weir_alloc_must(sizeof *graph);
    memset(graph, 0, sizeof *graph);
    graph->runtime = runtime;
    graph->config = config;
    graph->workers = config->workers * config->processes;
    graph->name = weir_graph_text(graph, name);
    if (graph->workers > 1)
        make_credits(graph);
    return graph;
}

void weir__graph_destroy(weir_graph *graph)
{
    if (!graph)
        return;
    weir__graph_begin_removal(graph);
    for (weir__at_end *e = graph->at_end; e; e = e->next)
        e->fn(e->ctx);
    weir__topology_destroy(graph->topology);
    weir__region_fini(&graph->memory);
    weir_free(graph, sizeof *graph);
}

void *weir_graph_alloc(weir_graph *graph, size_t size)
{
    return weir__region_alloc(&graph->memory, size);
}

const char *weir_graph_text(weir_graph *graph, const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    return memcpy(weir_graph_alloc(graph, size), text, size);
}

void **weir_graph_slot(weir_graph *graph, const char *name)
{
    for (uint32_t i = 0; i < graph->slots.count; i++) {
        weir__slot *slot = graph->slots.items[i];
        if (strcmp(slot->name, name) == 0)
            return &slot->what;
    }
    weir__slot *slot = weir_graph_alloc(graph, sizeof *slot);
    slot->name = name;
    weir__list_add(graph, &graph->slots, slot);
    return &slot->what;
}

static void prepend(weir_graph *graph, weir__at_end **list, void (*fn)(void *ctx), void *ctx)
{
    weir__at_end *e = weir_graph_alloc(graph, sizeof *e);
    *e = (weir__at_end){ *list, fn, ctx };
    *list = e;
}

void weir_graph_at_end(weir_graph *graph, void (*fn)(void *ctx), void *ctx)
{
    prepend(graph, &graph->at_end, fn, ctx);
}

void weir_graph_at_removal(weir_graph *graph, void (*fn)(void *ctx), void *ctx)
{
    prepend(graph, &graph->at_removal, fn, ctx);
}

void weir__graph_begin_removal(weir_graph *graph)
{
    weir__at_end *e = graph->at_removal;
    graph->at_removal = NULL;
    for (; e; e = e->next)
        e->fn(e->ctx);
}

void *weir_graph_service(const weir_graph *graph, const char *name)
{
    for (size_t i = 0; i < graph->config->service_count; i++)
        if (strcmp(graph->config->services[i].name, name) == 0)
            return graph->config->services[i].object;
    return NULL;
}

unsigned weir_graph_workers(const weir_graph *graph)
{
    return graph->workers;
}

unsigned weir_graph_first_worker(const weir_graph *graph)
{
    return graph->config->process * graph->config->workers;
}

unsigned weir_graph_local_workers(const weir_graph *graph)
{
    return graph->config->workers;
}

bool weir_graph_failed(const weir_graph *graph)
{
    return graph->error.status != WEIR_OK;
}

void weir_graph_fail(weir_graph *graph, weir_status status, const char *where, const char *hint,
                     const char *what, ...)
{
    if (weir_graph_failed(graph))
        return;
    char text[sizeof graph->error.what];
    va_list args;
    va_start(args, what);
    vsnprintf(text, sizeof text, what, args);
    va_end(args);
    weir_error_set(&graph->error, status, "%s", text);
    if (where)
        weir_error_detail(&graph->error, "in operator '%s'", where);
    if (hint)
        weir_error_hint(&graph->error, "%s", hint);
}

void weir__list_add(weir_graph *graph, weir__list *list, void *item)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 16;
        void **items = weir_graph_alloc(graph, capacity * sizeof *items);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
}

const char *weir__graph_name(weir_graph *graph, const char *kind, const char *name)
{
    if (name)
        return weir_graph_text(graph, name);
    weir__kind *entry = NULL;
    for (uint32_t i = 0; i < graph->kinds.count && !entry; i++) {
        weir__kind *candidate = graph->kinds.items[i];
        entry = strcmp(candidate->name, kind) == 0 ? candidate : NULL;
    }
    if (!entry) {
        entry = weir_graph_alloc(graph, sizeof *entry);
        entry->name = weir_graph_text(graph, kind);
        weir__list_add(graph, &graph->kinds, entry);
    }
    char text[128];
    snprintf(text, sizeof text, "%s-%u", kind, ++entry->count);
    return weir_graph_text(graph, text);
}

bool weir__graph_owns(weir_graph *graph, const weir_port *port, const char *where)
{
    if (port->graph == graph)
        return true;
    weir_graph_fail(graph, WEIR_INVALID, where, "give each graph streams of its own",
                    "the stream belongs to another graph");
    return false;
}

bool weir__graph_check_type(weir_graph *graph, const weir_type *type, const char *where)
{
    weir_error error = { 0 };
    if (!type) {
        weir_graph_fail(graph, WEIR_INVALID, where, "give every stream a record type",
                        "no record type");
        return false;
    }
    if (weir_type_check(type, &error) == WEIR_OK)
        return true;
    weir_graph_fail(graph, error.status, where, error.hint, "%s", error.what);
    return false;
}

bool weir__graph_check_key(weir_graph *graph, const weir_type *type, const weir_key *key,
                           const char *where)
{
    bool ok = key->count <= WEIR_KEY_FIELDS_MAX;
    for (uint32_t i = 0; ok && i < key->count; i++)
        ok = key->field[i] < type->field_count;
    if (!ok)
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, where, "name fields that the record has",
                        "a key names fields that '%s' does not have", type->name);
    return ok;
}
