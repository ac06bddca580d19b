/* SPDX-License-Identifier: Apache-2.0
 *
 * weir_kafka_sink_add: from options to a plan, with every refusal that is possible before anything
 * runs.
 */
#include <stdio.h>
#include <string.h>

#include <weir/memory.h>

#include "kafka/sink.h"

enum { MESSAGE_BYTES_MAX = 4 << 20 };

typedef struct making {
    weir_graph *graph;
    weir_port *port;
    weir__kafka_sink_plan *plan;
    char where[160];
} making;

static void refuse(const making *m, const char *what, const char *hint)
{
    weir_graph_fail(m->graph, WEIR_INVALID, m->where, hint, "%s", what);
}

static void refuse_error(const making *m, const char *what, const weir_error *error)
{
    weir_graph_fail(m->graph, error->status, m->where, error->hint, "%s%s%s%s", what, error->what,
                    *error->detail ? ": " : "", error->detail);
}

static void take_key(making *m, const char *const *names)
{
    weir__kafka_sink_plan *plan = m->plan;
    weir_error error = { 0 };
    bool collection = weir_port_is_collection(m->port);
    plan->upserts = collection && !plan->options.changes;
    if (names && weir_key_resolve(plan->type, names, &plan->key, &error) != WEIR_OK) {
        refuse_error(m, ".key: ", &error);
        return;
    }
    if (!names && collection)
        plan->key = *weir_port_unique_key(m->port);
    if (plan->upserts && plan->key.count == 0)
        refuse(m, "a collection is written by key, and no unique key of this one is known",
               "name the key: weir_kafka_sink_by, or .changes = true to write every change");
    if (plan->options.changes && !collection)
        refuse(m, ".changes is for collections, and this is a plain stream", "leave it out");
    if (plan->options.every_ms && !plan->upserts)
        refuse(m, ".every_ms is for upserts: what is appended is written as it comes",
               "leave it out");
}

static void take_partition(making *m, const char *name)
{
    weir__kafka_sink_plan *plan = m->plan;
    plan->partition = name ? weir_type_field(plan->type, name) : -1;
    if (name && plan->partition < 0) {
        weir_graph_fail(m->graph, WEIR_NOT_FOUND, m->where, "name a field of the record",
                        ".partition_field: record '%s' has no field '%s'", plan->type->name, name);
        return;
    }
    weir_kind kind = plan->partition < 0 ? WEIR_KIND_i32 : plan->type->fields[plan->partition].kind;
    if (kind < WEIR_KIND_i8 || kind > WEIR_KIND_u64)
        weir_graph_fail(m->graph, WEIR_TYPE_MISMATCH, m->where, "a partition is an integer",
                        ".partition_field: field '%s' is a %s", name, weir_kind_name(kind));
}

/* The record with two more fields behind it. */
static void make_value_type(making *m)
{
    weir__kafka_sink_plan *plan = m->plan;
    const weir_type *type = plan->type;
    if (weir_type_field(type, "time") >= 0 || weir_type_field(type, "diff") >= 0) {
        refuse(m, ".changes adds the fields 'time' and 'diff', and the record has one of them",
               "map the stream to a record whose fields have other names");
        return;
    }
    uint32_t count = type->field_count, at = (type->size + 7) & ~7u;
    weir_field *fields = weir_graph_alloc(m->graph, (count + 2) * sizeof *fields);
    memcpy(fields, type->fields, count * sizeof *fields);
    fields[count] = (weir_field){ .name = "time", .kind = WEIR_KIND_u64, .offset = at };
    fields[count + 1] = (weir_field){ .name = "diff", .kind = WEIR_KIND_i64, .offset = at + 8 };
    plan->time_offset = at;
    plan->diff_offset = at + 8;
    plan->value_type = weir_graph_alloc(m->graph, sizeof *plan->value_type);
    *plan->value_type = *type;
    plan->value_type->fields = fields;
    plan->value_type->field_count = count + 2;
    plan->value_type->size = ((at + 16 + type->align - 1) / type->align) * type->align;
    if (plan->value_type->align < 8)
        plan->value_type->align = 8;
    weir_error error = { 0 };
    if (weir_type_check(plan->value_type, &error) != WEIR_OK)
        refuse_error(m, ".changes: ", &error);
}

static void take_codecs(making *m)
{
    weir__kafka_sink_plan *plan = m->plan;
    weir_error error = { 0 };
    plan->value_encode = (weir_encode_options){ .struct_size = sizeof plan->value_encode,
                                                .codec = plan->options.codec };
    if (plan->options.changes)
        make_value_type(m);
    if (weir_graph_failed(m->graph))
        return;
    if (weir_encode_check(plan->value_type ? plan->value_type : plan->type, &plan->value_encode,
                          &error) != WEIR_OK) {
        refuse_error(m, ".codec: ", &error);
        return;
    }
    if (plan->key.count == 0)
        return;
    plan->key_encode = (weir_encode_options){ .struct_size = sizeof plan->key_encode,
                                              .codec = plan->options.key_codec,
                                              .fields = weir_field_set_of(&plan->key) };
    if (weir_encode_check(plan->type, &plan->key_encode, &error) != WEIR_OK)
        refuse_error(m, ".key_codec: ", &error);
}

static void check_options(making *m, const weir_kafka_sink_options *o)
{
    if (!o->topic || !*o->topic)
        refuse(m, "no topic is given", "set .topic");
    else if (o->on_error > WEIR_KAFKA_STOP)
        refuse(m, ".on_error is none of its values", "use WEIR_KAFKA_GO_ON or WEIR_KAFKA_STOP");
    else if (o->message_bytes_max > (size_t)100 << 20)
        refuse(m, ".message_bytes_max is above 100 MiB", "write shorter messages");
    else if (weir_port_depth(m->port) != 1)
        refuse(m, "the stream is inside a scope, whose times mean nothing outside",
               "leave the scope first");
}

static void keep_options(making *m, const weir_kafka_sink_options *o)
{
    weir_kafka_sink_options *kept = &m->plan->options;
    *kept = *o;
    kept->topic = weir_graph_text(m->graph, o->topic);
    kept->name = o->name ? weir_graph_text(m->graph, o->name) : NULL;
    kept->settings = kept->key = NULL;
    kept->brokers = kept->partition_field = NULL;
    if (!kept->message_bytes_max)
        kept->message_bytes_max = MESSAGE_BYTES_MAX;
}

static void plan_fini(void *ctx)
{
    weir__kafka_sink_plan *plan = ctx;
    plan->broker->settle(plan->broker);
    weir__kafka_settings_fini(&plan->settings);
}

static void take_settings(making *m, const weir_kafka_sink_options *o)
{
    weir__kafka_sink_plan *plan = m->plan;
    weir_error error = { 0 };
    plan->broker = o->broker ? o->broker : weir__kafka_rdkafka();
    weir_status status = weir__kafka_settings_collect(
        m->graph, &(weir__kafka_wanted){ o->brokers, o->settings }, &plan->settings, &error);
    if (status == WEIR_OK)
        status = plan->broker->check(plan->broker, &plan->settings, true, &error);
    weir_graph_at_end(m->graph, plan_fini, plan);
    if (status != WEIR_OK)
        refuse_error(m, "", &error);
}

weir_port *weir_kafka_sink_add(weir_port *port, const weir_kafka_sink_options *options)
{
    weir_kafka_sink_options o = { 0 };
    weir_struct_copy(&o, sizeof o, options);
    if (!port || weir_graph_failed(weir_port_graph(port)))
        return NULL;
    making m = { .graph = weir_port_graph(port), .port = port };
    snprintf(m.where, sizeof m.where, "Kafka sink of topic %.100s", o.topic ? o.topic : "");
    check_options(&m, &o);
    if (weir_graph_failed(m.graph))
        return NULL;
    m.plan = weir_graph_alloc(m.graph, sizeof *m.plan);
    m.plan->type = weir_port_type(port);
    keep_options(&m, &o);
    take_key(&m, o.key);
    if (!weir_graph_failed(m.graph))
        take_partition(&m, o.partition_field);
    if (!weir_graph_failed(m.graph))
        take_codecs(&m);
    if (!weir_graph_failed(m.graph))
        take_settings(&m, &o);
    return weir_graph_failed(m.graph) ? NULL : weir__kafka_sink_node(port, m.plan);
}
