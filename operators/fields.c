/* SPDX-License-Identifier: Apache-2.0
 *
 * See fields.h.
 */
#include "fields.h"

#include <string.h>

static uint32_t align_of(weir_kind kind)
{
    if (kind == WEIR_KIND_str || kind == WEIR_KIND_bytes)
        return _Alignof(weir_str);
    return kind == WEIR_KIND_decimal ? _Alignof(weir_decimal) : (uint32_t)weir_kind_size(kind);
}

static uint32_t align_up(uint32_t at, uint32_t align)
{
    return (at + align - 1) / align * align;
}

/* A field that there is already, under a name that none of the others has: a longer one. */
static const char *again(weir_graph *graph, const weir__fields *f, const char *name)
{
    size_t own = strlen(name), longest = own;
    for (uint32_t i = 0; i < f->count; i++) {
        size_t length = strlen(f->from->fields[f->source[i]].name);
        longest = length > longest ? length : longest;
    }
    char *made = weir_graph_alloc(graph, longest + f->count + 2);
    memcpy(made, name, own);
    memset(made + own, '\'', longest + f->count - own);
    made[longest + f->count] = 0;
    return made;
}

static void add(weir_graph *graph, weir__fields *f, uint16_t source)
{
    bool has = false;
    for (uint32_t i = 0; i < f->count; i++)
        has |= f->source[i] == source;
    weir_field *field = &f->fields[f->count];
    *field = f->from->fields[source];
    if (has)
        field->name = again(graph, f, field->name);
    f->source[f->count++] = source;
}

weir__fields *weir__fields_of(weir_graph *graph, const weir_type *from, const weir_key *key,
                              int more)
{
    weir__fields *made = weir_graph_alloc(graph, sizeof *made);
    uint32_t at = 0, most = 1;
    made->from = from;
    for (uint32_t i = 0; i < key->count; i++)
        add(graph, made, key->field[i]);
    if (more >= 0)
        add(graph, made, (uint16_t)more);
    for (uint32_t i = 0; i < made->count; i++) {
        weir_field *f = &made->fields[i];
        uint32_t align = align_of(f->kind);
        at = align_up(at, align);
        f->set_offset = f->optional ? at : 0;
        f->offset = f->optional ? at + align : at;
        at = f->offset + (uint32_t)weir_kind_size(f->kind);
        most = align > most ? align : most;
        made->type.has_strings |= f->kind == WEIR_KIND_str || f->kind == WEIR_KIND_bytes;
    }
    made->type.struct_size = sizeof made->type;
    made->type.name = "fields";
    made->type.size = align_up(at, most);
    made->type.align = most;
    made->type.field_count = made->count;
    made->type.fields = made->fields;
    return made;
}

static inline void copy_field(const weir_field *a, const void *record, const weir_field *b,
                              void *to)
{
    memcpy((char *)to + b->offset, (const char *)record + a->offset, weir_kind_size(a->kind));
    if (b->optional)
        ((char *)to)[b->set_offset] = ((const char *)record)[a->set_offset];
}

void weir__fields_copy(const weir__fields *f, const void *record, void *to)
{
    memset(to, 0, f->type.size);
    for (uint32_t i = 0; i < f->count; i++)
        copy_field(&f->from->fields[f->source[i]], record, &f->fields[i], to);
}

void weir__fields_put(const weir__fields *f, const void *fields, void *record)
{
    for (uint32_t i = 0; i < f->count; i++)
        copy_field(&f->fields[i], fields, &f->from->fields[f->source[i]], record);
}

void weir__fields_move(const weir_type *from, const void *record, const weir_type *to, void *result,
                       uint32_t count)
{
    memset(result, 0, to->size);
    for (uint32_t i = 0; i < count; i++)
        copy_field(&from->fields[i], record, &to->fields[i], result);
}

static void map(const void *in, void *out, size_t count, void *ctx)
{
    const weir__fields *f = ctx;
    _Alignas(16) char made[WEIR_RECORD_SIZE_MAX]; /* both may be the same memory */
    for (size_t i = 0; i < count; i++) {
        weir__fields_copy(f, (const char *)in + i * f->from->size, made);
        memcpy((char *)out + i * f->type.size, made, f->type.size);
    }
}

weir_port *weir__fields_map(weir_port *in, const weir__fields *f, const char *kind)
{
    weir_port *outside = in ? weir_port_outside(in) : NULL;
    if (outside)
        return weir_port_enter(weir__fields_map(outside, f, kind), weir_port_scope(in));
    weir_stage_spec spec = { .struct_size = sizeof spec,
                             .kind = kind,
                             .in = f->from,
                             .out = &f->type,
                             .map = map,
                             .ctx = (void *)(uintptr_t)f };
    return weir_stage_add(in, &spec);
}

int weir__fields_resolve(weir_port *in, const char *const *names, const char *more, weir_key *key,
                         const char *where)
{
    weir_key one;
    weir_error error;
    if (!in)
        return -1;
    const weir_type *type = weir_port_type(in);
    if (weir_key_resolve(type, names, key, &error) == WEIR_OK &&
        weir_key_resolve(type, (const char *const[]){ more, NULL }, &one, &error) == WEIR_OK)
        return one.field[0];
    weir_graph_fail(weir_port_graph(in), error.status, where, error.hint, "%s", error.what);
    return -1;
}
