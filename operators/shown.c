/* SPDX-License-Identifier: Apache-2.0
 *
 * See shown.h.
 */
#include "shown.h"

#include <string.h>

int weir__shown_replace(weir__shown *s, const weir_type *type, char *room, const void *now,
                        weir__tally_changes *changes)
{
    int count = 0;
    weir__owned_free(&s->gone);
    if (s->is_there == (now != NULL) && (!now || weir_record_equal(type, now, room)))
        return 0;
    if (s->is_there) {
        memcpy(changes->records[count], room, type->size);
        changes->diffs[count++] = -1;
        s->gone = s->result;
        s->result = (weir__owned){ .heap = NULL };
    }
    s->is_there = now != NULL;
    if (!now)
        return count;
    memcpy(room, now, type->size);
    weir__owned_settle(&s->result, type, room);
    memcpy(changes->records[count], room, type->size);
    changes->diffs[count++] = 1;
    return count;
}

size_t weir__shown_bytes(const weir__shown *s)
{
    return (size_t)s->result.size + s->gone.size;
}

void weir__shown_fini(weir__shown *s)
{
    weir__owned_free(&s->result);
    weir__owned_free(&s->gone);
}
