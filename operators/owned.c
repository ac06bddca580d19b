/* SPDX-License-Identifier: Apache-2.0
 *
 * See owned.h.
 */
#include "owned.h"

#include <string.h>
#include <weir/memory.h>

void weir__owned_free(weir__owned *owned)
{
    weir_free(owned->heap, owned->size);
    *owned = (weir__owned){ .heap = NULL };
}

static bool is_string(const weir_field *field)
{
    return field->kind == WEIR_KIND_str || field->kind == WEIR_KIND_bytes;
}

/* Whether all long strings lie in the record's own heap. */
static bool has_all(const weir__owned *owned, const weir_type *type, const char *record)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        const weir_field *field = &type->fields[i];
        weir_str s;
        if (!is_string(field) || (field->optional && !record[field->set_offset]))
            continue;
        memcpy(&s, record + field->offset, sizeof s);
        if (weir_str_is_inline(&s))
            continue;
        uintptr_t at = (uintptr_t)s.u.ptr, heap = (uintptr_t)owned->heap;
        if (at < heap || at >= heap + owned->size)
            return false;
    }
    return true;
}

void weir__owned_settle(weir__owned *owned, const weir_type *type, char *record)
{
    if (!type->has_strings)
        return;
    size_t needed = weir_record_heap_size(type, record);
    if (needed == 0) {
        weir__owned_free(owned);
        return;
    }
    if (needed <= owned->size && needed > owned->size / 4 && has_all(owned, type, record))
        return;
    char *heap = weir_alloc_must(needed);
    weir_record_move_strings(type, record, heap);
    weir__owned_free(owned);
    *owned = (weir__owned){ heap, (uint32_t)needed };
}

/* ---- sending ---- */

void *weir__emit_copy(weir_builder *out, const void *record)
{
    const weir_type *type = out->type;
    size_t strings = type->has_strings ? weir_record_heap_size(type, record) : 0;
    char *heap = strings ? weir_builder_room(out, strings) : NULL;
    void *to = weir_builder_next(out, type->size);
    memcpy(to, record, type->size);
    if (strings)
        weir_record_move_strings(type, to, heap);
    return to;
}

void weir__emit_owned(weir_builder *out, const void *record)
{
    weir_record_canonicalize(out->type, weir__emit_copy(out, record));
}

void weir__emit_strings(weir_builder *out, const weir_type *type, char *record)
{
    for (uint32_t i = 0; type->has_strings && i < type->field_count; i++) {
        weir_str string;
        if (!is_string(&type->fields[i]))
            continue;
        memcpy(&string, record + type->fields[i].offset, sizeof string);
        if (weir_str_is_inline(&string))
            continue;
        string = weir_builder_str(out, string.u.ptr, string.len);
        memcpy(record + type->fields[i].offset, &string, sizeof string);
    }
}
