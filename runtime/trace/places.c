/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns which addresses are runs that are mapped, for who catches the signal that comes when a file
 * has become shorter, or its disk does not give it any more. Nothing here may lock or allocate:
 * that signal may come anywhere.
 */
#include "trace/places.h"

#include <stdatomic.h>

#include <weir/worker.h>

enum { PLACES = 4096 }; /* of more, the last ones are not known */

typedef struct place {
    _Atomic(const char *) at; /* NULL: nothing lies here */
    _Atomic(uint64_t) size;
    _Atomic(const char *) path;
} place;

static place places[PLACES];
static atomic_uint used; /* all that were ever taken lie before it */

static place *find(const char *at)
{
    for (unsigned i = 0, count = atomic_load(&used); i < count; i++)
        if (atomic_load(&places[i].at) == at)
            return &places[i];
    return NULL;
}

/* Nobody asks for an address before there is something, and its reader keeps it. */
void weir__places_add(const char *at, uint64_t size, const char *path)
{
    for (unsigned i = 0; i < PLACES; i++) {
        const char *none = NULL;
        if (!atomic_compare_exchange_strong(&places[i].at, &none, at))
            continue;
        atomic_store(&places[i].path, path);
        atomic_store(&places[i].size, size);
        for (unsigned count = atomic_load(&used); count <= i;)
            if (atomic_compare_exchange_weak(&used, &count, i + 1))
                break;
        return;
    }
}

void weir__places_cut(const char *at, uint64_t size)
{
    place *found = find(at);
    if (found)
        atomic_store(&found->size, size);
}

void weir__places_remove(const char *at)
{
    place *found = find(at);
    if (!found)
        return;
    atomic_store(&found->size, 0);
    atomic_store(&found->at, NULL);
}

const char *weir_mapped_run_at(const void *address)
{
    uintptr_t wanted = (uintptr_t)address;
    for (unsigned i = 0, count = atomic_load(&used); i < count; i++) {
        uintptr_t at = (uintptr_t)atomic_load(&places[i].at);
        if (at != 0 && wanted >= at && wanted - at < atomic_load(&places[i].size))
            return atomic_load(&places[i].path);
    }
    return NULL;
}
