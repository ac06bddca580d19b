/* SPDX-License-Identifier: Apache-2.0
 *
 * Topics as collections: a source of records that also have their offset and whether they are
 * tombstones, and an upsert by the key in the order of offsets.
 */
#include <string.h>

#include <weir/connectors/kafka.h>
#include <weir/operators/upsert.h>

/* Names that no field of a program's has. */
static const char *const OFFSET = "(offset)", *const GONE = "(gone)";

/* A record with what a table has to know of its message. */
typedef struct message {
    const weir_type *record;
    weir_type type;
    weir_field fields[WEIR_FIELDS_MAX];
} message;

static bool is_gone(const message *m, const void *record)
{
    return ((const bool *)record)[m->fields[m->record->field_count].offset];
}

static bool newest(const void *record, void *result, const void *ctx)
{
    const message *m = ctx;
    memcpy(result, record, m->record->size);
    return !is_gone(m, record);
}

/* The offset has a field of its own unless the record has one for it. */
static message *describe(weir_graph *graph, const weir_type *type, bool has_offset)
{
    message *m = weir_graph_alloc(graph, sizeof *m);
    uint32_t at = (type->size + 7) / 8 * 8, count = type->field_count;
    memcpy(m->fields, type->fields, count * sizeof *m->fields);
    m->fields[count] = (weir_field){ .name = GONE, .kind = WEIR_KIND_flag, .offset = at + 8 };
    m->fields[count + 1] = (weir_field){ .name = OFFSET, .kind = WEIR_KIND_i64, .offset = at };
    m->record = type;
    m->type = *type;
    m->type.fields = m->fields;
    m->type.field_count = has_offset ? count + 1 : count + 2;
    m->type.align = type->align > 8 ? type->align : 8;
    m->type.size = (at + 9 + m->type.align - 1) / m->type.align * m->type.align;
    return m;
}

static bool check(weir_graph *graph, const weir_type *type, const weir_key *key,
                  const weir_kafka_source_options *o)
{
    const char *where = o->name ? o->name : "kafka_table";
    if (key->count != 1 ||
        (o->key_field && strcmp(o->key_field, type->fields[key->field[0]].name) != 0))
        weir_graph_fail(graph, WEIR_INVALID, where, "name one field, and leave .key_field out",
                        "a table's key is one field, which is that of the messages");
    else if (o->tombstone_field)
        weir_graph_fail(graph, WEIR_INVALID, where, "leave .tombstone_field out",
                        "a message without a value removes a table's record, and makes none");
    else if (type->field_count + 2 > WEIR_FIELDS_MAX || type->size + 32 > WEIR_RECORD_SIZE_MAX)
        weir_graph_fail(graph, WEIR_TOO_LARGE, where, "leave fields out",
                        "a table's records have at most %d fields and %d bytes",
                        WEIR_FIELDS_MAX - 2, WEIR_RECORD_SIZE_MAX - 32);
    return !weir_graph_failed(graph);
}

weir_port *weir_kafka_table_add(weir_graph *graph, const weir_type *type,
                                const char *const *names, const weir_kafka_source_options *given)
{
    weir_kafka_source_options o = { 0 };
    weir_key key;
    weir_error error;
    weir_struct_copy(&o, sizeof o, given);
    o.struct_size = sizeof o;
    if (weir_key_resolve(type, names, &key, &error) != WEIR_OK) {
        weir_graph_fail(graph, error.status, o.name ? o.name : "kafka_table", error.hint, "%s",
                        error.what);
        return NULL;
    }
    if (!check(graph, type, &key, &o))
        return NULL;
    message *m = describe(graph, type, o.offset_field != NULL);
    o.key_field = names[0];
    o.tombstone_field = GONE;
    o.offset_field = o.offset_field ? o.offset_field : OFFSET;
    weir_upsert_spec spec = { .struct_size = sizeof spec,
                              .kind = "kafka_table",
                              .in = &m->type,
                              .out = type,
                              .key = names,
                              .make = newest,
                              .ctx = m,
                              .result_key = key };
    struct weir_upsert_options by = { .struct_size = sizeof by,
                                      .order = { .type = &m->type, .count = 1,
                                                 .field = { o.offset_field } } };
    return weir_upsert_erased(weir_kafka_source_add(graph, &m->type, &o), &spec, &by);
}
