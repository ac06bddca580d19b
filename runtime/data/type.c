/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns what a kind is and whether a description of a record is sound. What is done with records by
 * that description is in key.c, record.c and the codecs.
 */
#include <weir/type.h>

#include "data/field.h"

static const struct {
    const char *name;
    uint8_t size, align;
} kinds[] = {
#define KIND_ROW(name, type) [WEIR_KIND_##name] = { #name, sizeof(type), _Alignof(type) },
    WEIR_KIND_MAP(KIND_ROW)
#undef KIND_ROW
};

enum { KINDS = sizeof kinds / sizeof *kinds, NAME_MAX_BYTES = 255, SCALE_MAX = 38 };

const char *weir_kind_name(weir_kind kind)
{
    return (size_t)kind < KINDS ? kinds[kind].name : "unknown";
}

size_t weir_kind_size(weir_kind kind)
{
    return (size_t)kind < KINDS ? kinds[kind].size : 0;
}

int weir_type_field(const weir_type *type, const char *name)
{
    for (uint32_t i = 0; i < type->field_count; i++)
        if (strcmp(type->fields[i].name, name) == 0)
            return (int)i;
    return -1;
}

bool weir_type_same_layout(const weir_type *a, const weir_type *b)
{
    if (a == b)
        return true;
    if (a->size != b->size || a->align != b->align || a->field_count != b->field_count)
        return false;
    for (uint32_t i = 0; i < a->field_count; i++) {
        const weir_field *x = &a->fields[i], *y = &b->fields[i];
        if (strcmp(x->name, y->name) != 0 || x->kind != y->kind || x->optional != y->optional ||
            x->scale != y->scale || x->offset != y->offset ||
            (x->optional && x->set_offset != y->set_offset))
            return false;
    }
    return true;
}

static weir_status check_record(const weir_type *type, weir_error *error)
{
    if (type->struct_size < sizeof(weir_type))
        return weir_error_set(error, WEIR_INVALID, "record '%s': struct_size is %zu, not %zu",
                              type->name, type->struct_size, sizeof(weir_type));
    if (type->field_count == 0 || type->field_count > WEIR_FIELDS_MAX || !type->fields)
        return weir_error_set(error, WEIR_INVALID,
                              "record '%s' has %u fields; it must have 1 to %d", type->name,
                              type->field_count, WEIR_FIELDS_MAX);
    if (type->size == 0 || type->size > WEIR_RECORD_SIZE_MAX)
        return weir_error_set(error, WEIR_INVALID,
                              "record '%s' takes %u bytes; it must take 1 to %d", type->name,
                              type->size, WEIR_RECORD_SIZE_MAX);
    if (type->align == 0 || type->align > _Alignof(max_align_t) ||
        (type->align & (type->align - 1)) != 0 || type->size % type->align != 0)
        return weir_error_set(error, WEIR_INVALID, "record '%s': alignment %u does not fit size %u",
                              type->name, type->align, type->size);
    return WEIR_OK;
}

static weir_status field_error(const weir_type *type, const weir_field *f, weir_error *error,
                               const char *what)
{
    return weir_error_set(error, WEIR_INVALID, "record '%s', field '%s': %s", type->name,
                          f->name ? f->name : "", what);
}

static weir_status check_field(const weir_type *type, const weir_field *f, weir_error *error)
{
    if (!f->name || !f->name[0] || strlen(f->name) > NAME_MAX_BYTES)
        return field_error(type, f, error, "a name of 1 to 255 bytes is needed");
    if ((size_t)f->kind >= KINDS)
        return field_error(type, f, error, "there is no such kind");
    if (f->scale > (f->kind == WEIR_KIND_decimal ? SCALE_MAX : 0))
        return field_error(type, f, error, "a decimal's scale is 0 to 38, any other kind's is 0");
    if (f->offset % kinds[f->kind].align != 0 || kinds[f->kind].align > type->align)
        return field_error(type, f, error, "the offset does not fit the alignment");
    if (f->offset > type->size || kinds[f->kind].size > type->size - f->offset)
        return field_error(type, f, error, "it lies outside the record");
    if (f->optional && f->set_offset >= type->size)
        return field_error(type, f, error, "its 'set' lies outside the record");
    return WEIR_OK;
}

/* Marks the field's bytes in a map of the record; false if one was marked before. */
static bool claim(unsigned char *taken, uint32_t offset, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (taken[offset + i])
            return false;
        taken[offset + i] = 1;
    }
    return true;
}

weir_status weir_type_check(const weir_type *type, weir_error *error)
{
    if (!type || !type->name || !type->name[0])
        return weir_error_set(error, WEIR_INVALID, "a record type needs a name");
    weir_status status = check_record(type, error);
    if (status != WEIR_OK)
        return status;
    unsigned char taken[WEIR_RECORD_SIZE_MAX] = { 0 };
    bool has_strings = false;
    for (uint32_t i = 0; i < type->field_count; i++) {
        const weir_field *f = &type->fields[i];
        status = check_field(type, f, error);
        if (status != WEIR_OK)
            return status;
        if (weir_type_field(type, f->name) != (int)i)
            return field_error(type, f, error, "another field has the same name");
        if (!claim(taken, f->offset, kinds[f->kind].size) ||
            (f->optional && !claim(taken, f->set_offset, 1)))
            return field_error(type, f, error, "it overlaps another field");
        has_strings = has_strings || weir__kind_is_str(f->kind);
    }
    if (has_strings != type->has_strings)
        return weir_error_set(error, WEIR_INVALID, "record '%s': has_strings must be %s",
                              type->name, has_strings ? "true" : "false");
    return WEIR_OK;
}
