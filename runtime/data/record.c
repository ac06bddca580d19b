/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns records as wholes: their canonical form and the long strings they point at. Their texts are
 * in text.c.
 */
#include <weir/type.h>

#include "data/field.h"

static void canonicalize_str(char *at)
{
    weir_str s;
    memcpy(&s, at, sizeof s);
    const char *data = weir_str_is_inline(&s) ? at + offsetof(weir_str, prefix) : s.u.ptr;
    s = weir_str_view(data, s.len);
    memcpy(at, &s, sizeof s);
}

static void canonicalize_value(weir_kind kind, char *at)
{
    if (weir__kind_is_str(kind))
        canonicalize_str(at);
    else if (kind == WEIR_KIND_flag || kind == WEIR_KIND_f32 || kind == WEIR_KIND_f64)
        weir__value_from_bits(kind, weir__value_bits(kind, at), at);
}

/* Fields in whatever order they lie. */
static void canonicalize_scattered(const weir_type *type, char *record)
{
    char whole[WEIR_RECORD_SIZE_MAX];
    memset(whole, 0, type->size);
    for (uint32_t i = 0; i < type->field_count; i++) {
        const weir_field *f = &type->fields[i];
        if (weir__field_is_null(f, record))
            continue;
        if (f->optional)
            whole[f->set_offset] = 1;
        memcpy(whole + f->offset, record + f->offset, weir_kind_size(f->kind));
        canonicalize_value(f->kind, whole + f->offset);
    }
    memcpy(record, whole, type->size);
}

/* Whether fields lie in their order, as in compiled records they do. */
static bool is_in_order(const weir_type *type)
{
    uint32_t last = 0;
    for (uint32_t i = 0; i < type->field_count; i++) {
        const weir_field *f = &type->fields[i];
        uint32_t begin = f->optional ? f->set_offset : f->offset;
        if (begin < last || begin > f->offset)
            return false;
        last = f->offset;
    }
    return true;
}

static void clear(char *record, uint32_t from, uint32_t to)
{
    if (from < to)
        memset(record + from, 0, to - from);
}

/* In order, values stay where they are, and what lies between them is cleared. */
void weir_record_canonicalize(const weir_type *type, void *record)
{
    char *at = record;
    uint32_t end = 0; /* of the fields before */
    if (!is_in_order(type)) {
        canonicalize_scattered(type, at);
        return;
    }
    for (uint32_t i = 0; i < type->field_count; i++) {
        const weir_field *f = &type->fields[i];
        uint32_t behind = f->offset + (uint32_t)weir_kind_size(f->kind);
        if (weir__field_is_null(f, at)) {
            clear(at, end, behind);
        } else {
            if (f->optional) {
                clear(at, end, f->set_offset);
                at[f->set_offset] = 1;
                end = f->set_offset + 1;
            }
            clear(at, end, f->offset);
            canonicalize_value(f->kind, at + f->offset);
        }
        end = behind;
    }
    clear(at, end, type->size);
}

/* The field's string if it lies outside the record, else NULL. */
static const weir_str *long_str(const weir_field *f, const void *record)
{
    if (!weir__kind_is_str(f->kind) || weir__field_is_null(f, record))
        return NULL;
    const weir_str *s = weir__field_at(f, record);
    return weir_str_is_inline(s) ? NULL : s;
}

size_t weir_record_heap_size(const weir_type *type, const void *record)
{
    size_t size = 0;
    if (!type->has_strings)
        return 0;
    for (uint32_t i = 0; i < type->field_count; i++) {
        const weir_str *s = long_str(&type->fields[i], record);
        if (s)
            size += s->len;
    }
    return size;
}

char *weir_record_move_strings(const weir_type *type, void *record, char *heap)
{
    if (!type->has_strings)
        return heap;
    for (uint32_t i = 0; i < type->field_count; i++) {
        const weir_field *f = &type->fields[i];
        const weir_str *s = long_str(f, record);
        if (!s)
            continue;
        memcpy(heap, s->u.ptr, s->len);
        ((weir_str *)(void *)((char *)record + f->offset))->u.ptr = heap;
        heap += s->len;
    }
    return heap;
}
