/* SPDX-License-Identifier: Apache-2.0
 *
 * See parts.h.
 */
#include "parts.h"

#include <stdio.h>

enum { NAME_BYTES = 64 };

static uint32_t align_up(uint32_t at, uint32_t align)
{
    return (at + align - 1) / align * align;
}

/* Where the parts lie. False: they do not fit. */
static bool place(weir__parts *p, const weir_type *const *types, uint32_t count)
{
    uint32_t at = 0, fields = 0;
    p->type.align = 1;
    for (uint32_t i = 0; i < count; i++) {
        at = align_up(at, types[i]->align);
        p->parts[i] = types[i];
        p->offset[i] = at;
        p->first_field[i] = (uint16_t)fields;
        at += types[i]->size;
        fields += types[i]->field_count;
        p->type.align = types[i]->align > p->type.align ? types[i]->align : p->type.align;
        p->type.has_strings |= types[i]->has_strings;
    }
    p->count = count;
    p->type.size = align_up(at, p->type.align);
    p->type.field_count = fields;
    return fields <= WEIR_FIELDS_MAX && p->type.size <= WEIR_RECORD_SIZE_MAX;
}

weir__parts *weir__parts_of(weir_graph *graph, const weir_type *const *types, uint32_t count,
                            const char *where)
{
    weir__parts *p = weir_graph_alloc(graph, sizeof *p);
    if (!place(p, types, count)) {
        weir_graph_fail(graph, WEIR_TOO_LARGE, where, "map them to what is needed first",
                        "the records have together over %d fields or %d bytes", WEIR_FIELDS_MAX,
                        WEIR_RECORD_SIZE_MAX);
        return NULL;
    }
    weir_field *fields = weir_graph_alloc(graph, p->type.field_count * sizeof *fields);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < types[i]->field_count; k++) {
            char name[NAME_BYTES];
            weir_field *f = &fields[p->first_field[i] + k];
            *f = types[i]->fields[k];
            snprintf(name, sizeof name, "%u.%u.%s", i + 1, k, f->name);
            f->name = weir_graph_text(graph, name);
            f->offset += p->offset[i];
            f->set_offset += f->optional ? p->offset[i] : 0;
        }
    p->type.struct_size = sizeof p->type;
    p->type.name = "parts";
    p->type.fields = fields;
    return p;
}
