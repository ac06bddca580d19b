/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the layout of packs and their comparison. Who keeps packed forms, and where their strings
 * lie, is decided by tables and runs.
 */
#include "trace/pack.h"

#include "data/field.h"

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

/* False: it has none. */
static bool rank_of(const weir_field *f, weir__rank *rank)
{
    switch (f->kind) {
    case WEIR_KIND_u64:
    case WEIR_KIND_i64:
    case WEIR_KIND_instant:
        rank->form = WEIR__RANK_64;
        break;
    case WEIR_KIND_u32:
        rank->form = WEIR__RANK_U32;
        break;
    case WEIR_KIND_i32:
    case WEIR_KIND_date:
        rank->form = WEIR__RANK_I32;
        break;
    case WEIR_KIND_u16:
        rank->form = WEIR__RANK_U16;
        break;
    case WEIR_KIND_i16:
        rank->form = WEIR__RANK_I16;
        break;
    case WEIR_KIND_u8:
        rank->form = WEIR__RANK_U8;
        break;
    case WEIR_KIND_i8:
        rank->form = WEIR__RANK_I8;
        break;
    case WEIR_KIND_flag:
        rank->form = WEIR__RANK_FLAG;
        break;
    default:
        return false;
    }
    bool is_signed = f->kind == WEIR_KIND_i64 || f->kind == WEIR_KIND_instant ||
                     rank->form == WEIR__RANK_I32 || rank->form == WEIR__RANK_I16 ||
                     rank->form == WEIR__RANK_I8;
    rank->flip = is_signed ? (uint64_t)1 << 63 : 0;
    return !f->optional;
}

static void choose_ranks(weir__pack *pack)
{
    for (uint32_t i = 0; i < pack->type.field_count; i++) {
        weir__rank *rank = &pack->ranks[i];
        if (!rank_of(&pack->fields[i], rank))
            return;
        rank->record = pack->record->fields[pack->source[i]].offset;
        rank->packed = pack->fields[i].offset;
        pack->rank_count++;
    }
}

static uint32_t bits_of(weir__rank_form form)
{
    switch (form) {
    case WEIR__RANK_64:
        return 64;
    case WEIR__RANK_U32:
    case WEIR__RANK_I32:
        return 32;
    case WEIR__RANK_U16:
    case WEIR__RANK_I16:
        return 16;
    default:
        return 8;
    }
}

/* Fields from the first one on fill words from their highest bits down. A field's own word is wider
 * than its bits: what is turned round above them is turned round at the highest one alone. */
static void choose_words(weir__pack *pack)
{
    uint32_t word = 0, left = 64;
    for (uint32_t i = 0; i < pack->rank_count; i++) {
        weir__rank *rank = &pack->ranks[i];
        rank->bits = bits_of(rank->form);
        if (rank->bits > left) {
            word++;
            left = 64;
        }
        left -= rank->bits;
        rank->word = word;
        rank->shift = left;
        uint64_t highest = (uint64_t)1 << (rank->bits - 1);
        rank->turned = (rank->flip & (highest - 1)) | (rank->flip >> 63 ? highest : 0);
    }
    bool fits = pack->rank_count == pack->type.field_count && word < WEIR__WORDS_MAX;
    pack->word_count = !fits ? WEIR__WORDS_NONE : pack->rank_count > 0 ? word + 1 : 0;
}

void weir__pack_set_descending(weir__pack *pack, uint32_t descending)
{
    pack->descending = descending;
    for (uint32_t i = 0; i < pack->rank_count && i < 32; i++)
        if (descending >> i & 1)
            pack->ranks[i].flip = ~pack->ranks[i].flip;
    choose_words(pack);
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
    pack->ranks = weir_alloc(count * sizeof *pack->ranks);
    if (!pack->fields || !pack->source || !pack->stretches || !pack->strings || !pack->ranks) {
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
    choose_ranks(pack);
    choose_words(pack);
    return WEIR_OK;
}

void weir__pack_fini(weir__pack *pack)
{
    uint32_t count = pack->type.field_count;
    weir_free(pack->fields, count * sizeof *pack->fields);
    weir_free(pack->source, count * sizeof *pack->source);
    weir_free(pack->stretches, 2 * (size_t)count * sizeof *pack->stretches);
    weir_free(pack->strings, count * sizeof *pack->strings);
    weir_free(pack->ranks, count * sizeof *pack->ranks);
    *pack = (weir__pack){ .record = NULL };
}

static int turned(const weir__pack *pack, uint32_t i, int order)
{
    return i < 32 && pack->descending >> i & 1 ? -order : order;
}

static weir_str resolved(const weir_field *f, const void *packed, const char *heap)
{
    weir_str s;
    memcpy(&s, weir__field_at(f, packed), sizeof s);
    if (heap && !weir_str_is_inline(&s))
        s.u.ptr = heap + weir__str_offset(&s);
    return s;
}

int weir__pack_compare_rest(const weir__pack *pack, const void *a, const char *heap_a,
                            const void *b, const char *heap_b)
{
    int order = 0;
    uint32_t i = pack->rank_count;
    for (; i < pack->type.field_count && order == 0; i++) {
        const weir_field *f = &pack->fields[i];
        if (!weir__kind_is_str(f->kind) || weir__field_is_null(f, a) || weir__field_is_null(f, b)) {
            order = weir__field_compare(f, a, b);
            continue;
        }
        weir_str x = resolved(f, a, heap_a), y = resolved(f, b, heap_b);
        order = weir_str_compare(&x, &y);
    }
    return order ? turned(pack, i - 1, order) : 0;
}

int weir__pack_compare_rest_of(const weir__pack *pack, const void *a, const void *b)
{
    int order = 0;
    uint32_t i = pack->rank_count;
    for (; i < pack->type.field_count && order == 0; i++)
        order = weir__field_compare(&pack->record->fields[pack->source[i]], a, b);
    return order ? turned(pack, i - 1, order) : 0;
}
