/* SPDX-License-Identifier: Apache-2.0
 *
 * weir_kafka_source_add: from options to a plan, with every refusal that is possible before
 * anything runs.
 */
#include <stdio.h>
#include <string.h>

#include <weir/memory.h>

#include "kafka/source.h"

enum { QUEUE_BYTES = 64 << 20, MESSAGE_BYTES_MAX = 4 << 20, DISCOVER_MS = 30000 };

static const uint64_t INTEGERS = 1u << WEIR_KIND_i64 | 1u << WEIR_KIND_u64;
static const uint64_t SMALL_INTEGERS = 1u << WEIR_KIND_i32 | 1u << WEIR_KIND_u32;
static const uint64_t TEXTS = 1u << WEIR_KIND_str | 1u << WEIR_KIND_bytes;
static const uint64_t INSTANTS = 1u << WEIR_KIND_i64 | 1u << WEIR_KIND_instant;
static const uint64_t FLAGS = 1u << WEIR_KIND_flag;

/* What a source is described with. */
typedef struct making {
    weir_graph *graph;
    weir__kafka_source_plan *plan;
    char where[160];
} making;

static void refuse(const making *m, const char *what, const char *hint)
{
    weir_graph_fail(m->graph, WEIR_INVALID, m->where, hint, "%s", what);
}

/* The field that an option names, taken away from the value; kinds: those it may have, 0: any. */
static int take_field(making *m, const char *option, const char *name, uint64_t kinds)
{
    if (!name)
        return WEIR__KAFKA_NO_FIELD;
    const weir_type *type = m->plan->type;
    int field = weir_type_field(type, name);
    if (field < 0) {
        weir_graph_fail(m->graph, WEIR_NOT_FOUND, m->where, "name a field of the record",
                        "%s: record '%s' has no field '%s'", option, type->name, name);
        return WEIR__KAFKA_NO_FIELD;
    }
    if (kinds && !(kinds >> type->fields[field].kind & 1)) {
        weir_graph_fail(m->graph, WEIR_TYPE_MISMATCH, m->where,
                        "see weir/connectors/kafka.h for the kinds that it takes",
                        "%s: field '%s' is a %s", option, name,
                        weir_kind_name(type->fields[field].kind));
        return WEIR__KAFKA_NO_FIELD;
    }
    if (m->plan->skip >> field & 1)
        weir_graph_fail(m->graph, WEIR_INVALID, m->where, "each field has one origin",
                        "%s: field '%s' is filled from something else already", option, name);
    m->plan->skip |= UINT64_C(1) << field;
    return field;
}

static void take_headers(making *m, const char *const *list)
{
    uint32_t count = 0;
    while (list && list[count])
        count++;
    if (count == 0)
        return;
    weir__kafka_source_plan *plan = m->plan;
    plan->headers = weir_graph_alloc(m->graph, count * sizeof *plan->headers);
    for (uint32_t i = 0; i < count; i++) {
        char name[128];
        const char *equals = strchr(list[i], '=');
        snprintf(name, sizeof name, "%.*s", equals ? (int)(equals - list[i]) : 127, list[i]);
        int field = take_field(m, ".header_fields", name, TEXTS);
        if (field == WEIR__KAFKA_NO_FIELD)
            return;
        plan->headers[plan->header_count++] = (weir__kafka_header_field){
            field, weir_graph_text(m->graph, equals ? equals + 1 : name)
        };
    }
}

static void take_fields(making *m, const weir_kafka_source_options *o)
{
    weir__kafka_source_plan *plan = m->plan;
    plan->key = take_field(m, ".key_field", o->key_field, 0);
    plan->partition = take_field(m, ".partition_field", o->partition_field,
                                 INTEGERS | SMALL_INTEGERS);
    plan->offset = take_field(m, ".offset_field", o->offset_field, INTEGERS);
    plan->timestamp = take_field(m, ".timestamp_field", o->timestamp_field, INSTANTS);
    plan->tombstone = take_field(m, ".tombstone_field", o->tombstone_field, FLAGS);
    take_headers(m, o->header_fields);
    uint64_t all = UINT64_MAX >> (WEIR_FIELDS_MAX - plan->type->field_count);
    plan->value_is_empty = (plan->skip & all) == all;
}

/* Which codec the value has, as weir_decoder_create will see it. */
static void take_codec(making *m)
{
    weir__kafka_source_plan *plan = m->plan;
    plan->codec = plan->options.codec;
    uint32_t left = 0, last = 0;
    for (uint32_t i = 0; i < plan->type->field_count; i++)
        if (!(plan->skip >> i & 1)) {
            left++;
            last = i;
        }
    if (plan->codec == WEIR_CODEC_DEFAULT)
        plan->codec = left == 1 && TEXTS >> plan->type->fields[last].kind & 1 ? WEIR_CODEC_RAW
                                                                              : WEIR_CODEC_JSON;
    weir__kafka_decode decode;
    weir_error error = { 0 };
    if (weir__kafka_decode_open(&decode, plan, &error) != WEIR_OK)
        weir_graph_fail(m->graph, error.status, m->where, error.hint, "%s", error.what);
    else
        weir__kafka_decode_close(&decode);
}

static void check_options(making *m, const weir_kafka_source_options *o)
{
    if (!o->topic || !*o->topic)
        refuse(m, "no topic is given", "set .topic");
    else if (o->start > WEIR_KAFKA_TIMESTAMP)
        refuse(m, ".start is none of its values", "use WEIR_KAFKA_EARLIEST, …");
    else if (o->start_at < 0)
        refuse(m, ".start_at is negative", "it is an offset, or milliseconds since 1970");
    else if (o->start_at && o->start != WEIR_KAFKA_OFFSET && o->start != WEIR_KAFKA_TIMESTAMP)
        refuse(m, ".start_at is given, but .start does not ask for it",
               "set .start = WEIR_KAFKA_OFFSET or WEIR_KAFKA_TIMESTAMP");
    else if (o->on_error > WEIR_KAFKA_STOP)
        refuse(m, ".on_error is none of its values", "use WEIR_KAFKA_GO_ON or WEIR_KAFKA_STOP");
    else if (o->instant_unit < 0)
        refuse(m, ".instant_unit is negative", "it is in microseconds: 1000 for milliseconds");
    else if (o->message_bytes_max > (size_t)100 << 20)
        refuse(m, ".message_bytes_max is above 100 MiB", "longer messages are not fetched");
    else if (o->queue_bytes && o->queue_bytes < 64 << 10)
        refuse(m, ".queue_bytes is below 64 KiB", "the default is 64 MiB");
    else if (o->dead_letter && o->topic && strcmp(o->dead_letter, o->topic) == 0)
        refuse(m, "the dead-letter topic is the topic itself", "name another one");
}

/* The options with their defaults; what they point to lives as long as the graph. */
static void keep_options(making *m, const weir_kafka_source_options *o)
{
    weir_kafka_source_options *kept = &m->plan->options;
    *kept = *o;
    kept->topic = weir_graph_text(m->graph, o->topic);
    kept->dead_letter = o->dead_letter ? weir_graph_text(m->graph, o->dead_letter) : NULL;
    kept->name = o->name ? weir_graph_text(m->graph, o->name) : NULL;
    kept->settings = kept->header_fields = NULL;
    kept->brokers = kept->key_field = kept->partition_field = kept->offset_field = NULL;
    kept->timestamp_field = kept->tombstone_field = NULL;
    if (!kept->queue_bytes)
        kept->queue_bytes = QUEUE_BYTES;
    if (!kept->message_bytes_max)
        kept->message_bytes_max = MESSAGE_BYTES_MAX;
    if (!kept->discover_ms)
        kept->discover_ms = DISCOVER_MS;
}

/* When the description ends: nothing of it runs any more. */
static void plan_fini(void *ctx)
{
    weir__kafka_source_plan *plan = ctx;
    plan->broker->settle(plan->broker);
    weir__kafka_settings_fini(&plan->settings);
}

static void take_settings(making *m, const weir_kafka_source_options *o)
{
    weir__kafka_source_plan *plan = m->plan;
    weir_error error = { 0 };
    plan->broker = o->broker ? o->broker : weir__kafka_rdkafka();
    weir_status status = weir__kafka_settings_collect(
        m->graph, &(weir__kafka_wanted){ o->brokers, o->settings }, &plan->settings, &error);
    if (status == WEIR_OK)
        status = plan->broker->check(plan->broker, &plan->settings, false, &error);
    if (status == WEIR_OK && o->dead_letter)
        status = plan->broker->check(plan->broker, &plan->settings, true, &error);
    weir_graph_at_end(m->graph, plan_fini, plan);
    if (status != WEIR_OK)
        weir_graph_fail(m->graph, status, m->where, error.hint, "%s%s%s", error.what,
                        *error.detail ? ": " : "", error.detail);
}

weir_port *weir_kafka_source_add(weir_graph *graph, const weir_type *type,
                                 const weir_kafka_source_options *options)
{
    weir_kafka_source_options o = { 0 };
    weir_struct_copy(&o, sizeof o, options);
    making m = { .graph = graph };
    snprintf(m.where, sizeof m.where, "Kafka source of topic %.100s", o.topic ? o.topic : "");
    if (weir_graph_failed(graph))
        return NULL;
    check_options(&m, &o);
    if (weir_graph_failed(graph))
        return NULL;
    m.plan = weir_graph_alloc(graph, sizeof *m.plan);
    m.plan->type = type;
    weir_error error = { 0 };
    if (weir_type_check(type, &error) != WEIR_OK) {
        weir_graph_fail(graph, error.status, m.where, error.hint, "%s", error.what);
        return NULL;
    }
    keep_options(&m, &o);
    take_fields(&m, &o);
    if (!weir_graph_failed(graph))
        take_codec(&m);
    if (!weir_graph_failed(graph))
        take_settings(&m, &o);
    if (weir_graph_failed(graph))
        return NULL;
    weir_node *node = weir__kafka_source_node(graph, m.plan);
    if (o.dead_letter)
        weir__kafka_dead_letter_node(weir_node_output_port(node, 1), m.plan);
    return weir_node_output_port(node, 0);
}
