/* SPDX-License-Identifier: Apache-2.0
 *
 * The running graphs in the language of Graphviz, made of what weir_observe shows.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "worker/runtime.h"

typedef struct drawing {
    weir_bytes_out *out;
    weir_status status;
    uint32_t dataflow; /* whose cluster is open */
    bool open;
} drawing;

static void put(drawing *d, const char *text)
{
    if (d->status == WEIR_OK)
        d->status = weir_bytes_out_add(d->out, text, strlen(text));
}

static void format(drawing *d, const char *pattern, ...) WEIR_PRINTF(2, 3);

static void format(drawing *d, const char *pattern, ...)
{
    char text[256];
    va_list args;
    va_start(args, pattern);
    (void)vsnprintf(text, sizeof text, pattern, args);
    va_end(args);
    put(d, text);
}

/* The inside of a quoted string. Whatever is no printable ASCII becomes a question mark: names are
 * bytes, and Graphviz wants UTF-8. */
static void quote(drawing *d, const char *text)
{
    for (; *text; text++) {
        char one[3] = { *text, '\0', '\0' };
        if (*text == '"' || *text == '\\') {
            one[0] = '\\';
            one[1] = *text;
        } else if (*text < ' ' || *text > '~') {
            one[0] = '?';
        }
        put(d, one);
    }
}

static void open_cluster(drawing *d, uint32_t id, const char *name)
{
    if (d->open && d->dataflow == id)
        return;
    if (d->open)
        put(d, "  }\n");
    d->open = true;
    d->dataflow = id;
    format(d, "  subgraph cluster_%u {\n    label=\"", id);
    quote(d, name);
    put(d, "\";\n");
}

/* A node of the drawing: one of the dataflow, or a stage by its name, which is unique there. */
static void identify(drawing *d, uint32_t dataflow, uint32_t node, const char *stage)
{
    if (!stage) {
        format(d, "d%un%u", dataflow, node);
        return;
    }
    format(d, "\"d%us ", dataflow);
    quote(d, stage);
    put(d, "\"");
}

static void on_node(const weir_node_info *info, void *ctx)
{
    drawing *d = ctx;
    open_cluster(d, info->dataflow_id, info->dataflow);
    format(d, "    d%un%u [shape=box,label=\"", info->dataflow_id, info->node_id);
    quote(d, info->name);
    put(d, "\\n");
    quote(d, info->kind);
    format(d, "\\n%" PRIu64 " steps, %" PRIu64 " in, %" PRIu64 " out", info->steps,
           info->records_in, info->records_out);
    for (unsigned k = 0; k < info->input_count; k++)
        if (info->inputs[k].frontier) {
            format(d, "\\ninput %u at ", k);
            quote(d, info->inputs[k].frontier);
        }
    put(d, "\"];\n");
}

static void on_stage(const weir_stage_info *info, void *ctx)
{
    drawing *d = ctx;
    put(d, "    ");
    identify(d, info->dataflow_id, 0, info->name);
    put(d, " [shape=ellipse,label=\"");
    quote(d, info->name);
    format(d, "\\n%" PRIu64 " in, %" PRIu64 " out\"];\n    ", info->records_in,
           info->records_out);
    identify(d, info->dataflow_id, info->node_id, info->behind);
    put(d, " -> ");
    identify(d, info->dataflow_id, 0, info->name);
    put(d, " [style=bold];\n");
}

static void on_edge(const weir_edge_info *info, void *ctx)
{
    drawing *d = ctx;
    put(d, "    ");
    identify(d, info->dataflow_id, info->from_id, info->stage);
    format(d, " -> d%un%u [label=\"", info->dataflow_id, info->to_id);
    quote(d, info->route);
    format(d, "\"%s];\n", info->moves ? ",style=dashed" : "");
}

weir_status weir_observe_dot(weir_worker *worker, weir_bytes_out *out)
{
    drawing d = { .out = out };
    put(&d, "digraph weir {\n  rankdir=LR;\n");
    weir_observe(worker, &(weir_observer){ .node = on_node, .stage = on_stage, .edge = on_edge,
                                           .ctx = &d });
    put(&d, d.open ? "  }\n}\n" : "}\n");
    return d.status;
}
