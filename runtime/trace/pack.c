/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the layout of packs and their comparison. Who keeps packed forms, and where their strings
 * lie, is decided by tables and runs.
 */
#include "trace/pack.h"

static uint32_t kind_align(weir_kind kind)
{
    if (kind == WEIR_KIND_str || kind == WEIR_KIND_bytes)
        return _Alignof(weir_str);
    if (kind == WEIR_KIND_decimal)
        return _Alignof(weir_decimal);
    return (uint32_t)weir_kind_size(kind);
}

static uint32_t align_up(uint32_t offset, uint32_t align)
{
    return (offset + align - 1) / align * align;
}

static void add_stretch(weir__pack *pack, uint32_t record, uint32_t packed, uint32_t size)
{
    if (pack->stretch_count > 0) {
        weir__stretch *last = &pack->stretches[pack->stretch_count - 1];
        if (last->record + last->size == record && last->packed + last->size == packed) {
            last->size += size;
            return;
        }
    }
    pack->stretches[pack->stretch_count++] = (weir__stretch){ record, packed, size };
}

/* The layout a compiler gives a struct of these fields; an optional one is a struct of its own. */
static void place_field(weir__pack *pack, uint32_t i, const weir_field *from)
{
    weir_field *to = &pack->fields[i];
    uint32_t align = kind_align(from->kind), size = (uint32_t)weir_kind_size(from->kind);
    uint32_t at = align_up(pack->type.size, align);
    *to = *from;
    to->offset = from->optional ? at + align : at;
    to->set_offset = from->optional ? at : 0;
    if (from->optional)
        add_stretch(pack, from->set_offset, to->set_offset, 1);
    add_stretch(pack, from->offset, to->offset, size);
    pack->type.size = to->offset + size;
    if (align > pack->type.align)
        pack->type.align = align;
    if (from->kind == WEIR_KIND_str || from->kind == WEIR_KIND_bytes) {
        pack->type.has_strings = true;
        pack->strings[pack->string_count++] = to->offset;
    }
}

static void choose_rank(weir__pack *pack)
{
    const weir_field *f = pack->fields;
    if (pack->type.field_count != 1 || f->optional)
        return;
    if (f->kind == WEIR_KIND_u64)
        pack->rank = WEIR__RANK_U64;
    else if (f->kind == WEIR_KIND_i64 || f->kind == WEIR_KIND_instant)
        pack->rank = WEIR__RANK_I64;
    else if (f->kind == WEIR_KIND_u32)
        pack->rank = WEIR__RANK_U32;
    else if (f->kind == WEIR_KIND_i32 || f->kind == WEIR_KIND_date)
        pack->rank = WEIR__RANK_I32;
    if (pack->rank == WEIR__RANK_I64 || pack->rank == WEIR__RANK_I32)
        pack->flip = (uint64_t)1 << 63;
}

void weir__pack_set_descending(weir__pack *pack, uint32_t descending)
{
    pack->order = pack->key;
    pack->descending = descending;
    if (descending & 1)
        pack->flip = ~pack->flip;
}

weir_status weir__pack_init(weir__pack *pack, const weir_type *record, const uint16_t *source,
                            uint32_t count)
{
    *pack = (weir__pack){ .record = record };
    pack->type = (weir_type){ .struct_size = sizeof(weir_type), .name = record->name, .align = 1 };
    pack->type.field_count = count;
    if (count == 0)
        return WEIR_OK;
    pack->fields = weir_alloc(count * sizeof *pack->fields);
    pack->source = weir_alloc(count * sizeof *pack->source);
    pack->stretches = weir_alloc(2 * (size_t)count * sizeof *pack->stretches);
    pack->strings = weir_alloc(count * sizeof *pack->strings);
    if (!pack->fields || !pack->source || !pack->stretches || !pack->strings) {
        weir__pack_fini(pack);
        return WEIR_NO_MEMORY;
    }
    pack->type.fields = pack->fields;
    memcpy(pack->source, source, count * sizeof *source);
    for (uint32_t i = 0; i < count; i++) {
        place_field(pack, i, &record->fields[source[i]]);
        if (i < WEIR_KEY_FIELDS_MAX)
            pack->key.field[pack->key.count++] = (uint16_t)i;
    }
    pack->type.size = align_up(pack->type.size, pack->type.align);
    choose_rank(pack);
    return WEIR_OK;
}

void weir__pack_fini(weir__pack *pack)
{
    uint32_t count = pack->type.field_count;
    weir_free(pack->fields, count * sizeof *pack->fields);
    weir_free(pack->source, count * sizeof *pack->source);
    weir_free(pack->stretches, 2 * (size_t)count * sizeof *pack->stretches);
    weir_free(pack->strings, count * sizeof *pack->strings);
    *pack = (weir__pack){ .record = NULL };
}

static int compare(const weir__pack *pack, const void *a, const void *b)
{
    int order = 0;
    if (WEIR_UNLIKELY(pack->descending))
        order = weir_order_compare(&pack->type, &pack->order, pack->descending, a, b);
    return order ? order : weir_record_compare(&pack->type, a, b);
}

int weir__pack_compare(const weir__pack *pack, const void *a, const char *heap_a, const void *b,
                       const char *heap_b)
{
    if (pack->rank) {
        uint64_t rank_a = weir__pack_rank(pack, a), rank_b = weir__pack_rank(pack, b);
        return (rank_a > rank_b) - (rank_a < rank_b);
    }
    if (pack->string_count == 0)
        return compare(pack, a, b);
    _Alignas(16) char room_a[WEIR_RECORD_SIZE_MAX], room_b[WEIR_RECORD_SIZE_MAX];
    memcpy(room_a, a, pack->type.size);
    memcpy(room_b, b, pack->type.size);
    if (heap_a)
        weir__pack_resolve(pack, room_a, heap_a);
    if (heap_b)
        weir__pack_resolve(pack, room_b, heap_b);
    return compare(pack, room_a, room_b);
}
