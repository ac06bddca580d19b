/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the folder of segments: names, what there is in it, and what becomes of a disk that fails.
 *
 * A run that finds no room on the disk is tried again: a merge waits, and what is new stays in
 * memory meanwhile, up to a bound, beyond which the dataflows end with the reason. Without the
 * bound a full disk would be a process without memory, which says nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "trace/places.h"
#include "trace/store.h"

enum { PAUSE = 64, TRIES = 1000, WAITING = 64, WAITING_MIN = 64 << 20 };

static const char ending[] = ".run";

weir_status weir__store_create(weir_env *env, const char *dir, uint64_t least, weir__store **store,
                               weir_error *error)
{
    weir_folder *folder;
    unsigned removed;
    *store = NULL;
    int code = env->dir_take(env->disk, dir, ending, &folder, &removed);
    if (code) {
        weir_error_set(error, WEIR_IO, "the state directory %s cannot be used: %s", dir,
                       code == EWOULDBLOCK ? "another process has it" : strerror(code));
        weir_error_hint(error, "name a directory of its own for each program (--state)");
        return WEIR_IO;
    }
    if (removed > 0)
        weir_log(WEIR_LOG_INFO, "%u runs that an earlier process left in %s were removed", removed,
                 dir);
    weir__store *made = weir_alloc_must(sizeof *made);
    *made = (weir__store){ .env = *env, .refs = 1, .least = least, .folder = folder };
    made->most = least < WAITING_MIN / WAITING ? WAITING_MIN : WAITING * least;
    made->dir = memcpy(weir_alloc_must(strlen(dir) + 1), dir, strlen(dir) + 1);
    *store = made;
    return WEIR_OK;
}

void weir__store_release(weir__store *store)
{
    if (!store || __atomic_sub_fetch(&store->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    store->env.dir_leave(store->env.disk, store->folder);
    weir_free(store->error, sizeof *store->error);
    weir_free(store->dir, strlen(store->dir) + 1);
    weir_free(store, sizeof *store);
}

static void add(uint64_t *counter, uint64_t n)
{
    __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/* ---- what goes wrong ---- */

void weir__store_fail(weir__store *store, const weir_error *error)
{
    weir_error *told = weir_alloc_must(sizeof *told), *none = NULL;
    *told = *error;
    if (__atomic_compare_exchange_n(&store->error, &none, told, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        weir_log(WEIR_LOG_ERROR, "%s", told->what);
    else
        weir_free(told, sizeof *told);
}

void weir__store_count(weir__store *store, uint64_t *counted, uint64_t now)
{
    uint64_t more = now - *counted;
    uint64_t all = __atomic_add_fetch(&store->waiting, more, __ATOMIC_RELAXED);
    int code = __atomic_load_n(&store->failing, __ATOMIC_RELAXED);
    bool grew = now > *counted;
    *counted = now;
    if (!grew || all <= store->most)
        return;
    weir_error error;
    weir_error_set(&error, WEIR_IO,
                   "the state directory %s takes no more runs (%s), and %" PRIu64 " KiB wait in "
                   "memory, of %" PRIu64 " KiB at most",
                   store->dir, strerror(code), all >> 10, store->most >> 10);
    weir_error_hint(&error, "make room on its disk, or name a directory on a larger one (--state)");
    weir__store_fail(store, &error);
}

/* What fails now will fail again soon: the next runs do not try. Told when it begins only. */
static void failed(weir__store *store, const char *path, const char *what, int code)
{
    __atomic_store_n(&store->pause, PAUSE, __ATOMIC_RELAXED);
    if (__atomic_exchange_n(&store->failing, code, __ATOMIC_RELAXED) == 0)
        weir_log(WEIR_LOG_WARN,
                 "the run %s cannot be %s: %s; merges wait, and new runs stay in memory, %" PRIu64
                 " KiB at most, until there is room",
                 path, what, strerror(code), store->most >> 10);
}

static void works(weir__store *store)
{
    if (__atomic_load_n(&store->failing, __ATOMIC_RELAXED) &&
        __atomic_exchange_n(&store->failing, 0, __ATOMIC_RELAXED))
        weir_log(WEIR_LOG_INFO, "the state directory %s takes runs again", store->dir);
}

static bool pauses(weir__store *store)
{
    uint32_t left = __atomic_load_n(&store->pause, __ATOMIC_RELAXED);
    while (left > 0 && !__atomic_compare_exchange_n(&store->pause, &left, left - 1, true,
                                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
    return left > 0;
}

static uint64_t blocks_of(uint64_t bytes)
{
    return (bytes + WEIR__SEGMENT_BLOCK - 1) / WEIR__SEGMENT_BLOCK;
}

/* ---- segments ---- */

static weir__segment *make(weir__store *store, const char *name, uint64_t room)
{
    size_t dir = strlen(store->dir), words = (size_t)((blocks_of(room) + 63) / 64);
    size_t text = dir + sizeof "/" + strlen(name);
    size_t size = sizeof(weir__segment) + text + 8 + words * sizeof(uint64_t);
    weir__segment *segment = weir_alloc_zero(size);
    if (!segment)
        return NULL;
    *segment = (weir__segment){ .store = store, .size = size };
    (void)snprintf(segment->path, text, "%s/%s", store->dir, name);
    segment->name = segment->path + dir + 1;
    segment->checked = (uint64_t *)(((uintptr_t)segment->path + text + 7) & ~(uintptr_t)7);
    return segment;
}

static void enter(weir__segment *segment, const weir_mapped *mapped)
{
    weir__store *store = segment->store;
    segment->mapped = *mapped;
    weir__places_add(mapped->at, mapped->size, segment->path);
    __atomic_fetch_add(&store->refs, 1, __ATOMIC_RELAXED);
    add(&store->segments, 1);
    add(&store->bytes, mapped->size);
}

weir__segment *weir__segment_create(weir__store *store, uint64_t bytes)
{
    if (bytes < store->least || pauses(store))
        return NULL;
    uint64_t room = WEIR__SEGMENT_HEAD + bytes + 8 * blocks_of(bytes);
    weir__segment *segment = NULL;
    weir_mapped mapped;
    int code = EEXIST; /* a name that is taken, by what is no run, is passed over */
    for (int tries = 0; code == EEXIST && tries < TRIES; tries++) {
        char name[32];
        weir_free(segment, segment ? segment->size : 0);
        (void)snprintf(name, sizeof name, "%" PRIu64 "%s",
                       __atomic_fetch_add(&store->next, 1, __ATOMIC_RELAXED), ending);
        segment = make(store, name, room);
        if (!segment)
            return NULL;
        code = store->env.map_create(store->env.disk, store->folder, name, room, &mapped);
    }
    if (code) {
        failed(store, segment->path, "made", code);
        weir_free(segment, segment->size);
        return NULL;
    }
    enter(segment, &mapped);
    add(&store->ever, 1);
    return segment;
}

bool weir__store_seal(weir__segment *segment, uint64_t size)
{
    weir__store *store = segment->store;
    uint64_t before = segment->mapped.size;
    int code = store->env.map_seal(store->env.disk, &segment->mapped, size);
    if (code) {
        failed(store, segment->path, "completed", code);
        return false;
    }
    weir__places_cut(segment->mapped.at, segment->mapped.size);
    add(&store->bytes, segment->mapped.size - before);
    works(store);
    return true;
}

weir__segment *weir__store_open(weir__store *store, const char *name, weir_error *error)
{
    weir_mapped mapped;
    int code = store->env.map_open(store->env.disk, store->folder, name, &mapped);
    if (code) {
        weir_error_set(error, WEIR_IO, "the run %s/%s cannot be opened: %s", store->dir, name,
                       strerror(code));
        return NULL;
    }
    weir__segment *segment = make(store, name, mapped.size);
    if (segment) {
        enter(segment, &mapped);
        return segment;
    }
    store->env.map_close(store->env.disk, &mapped);
    weir_error_set(error, WEIR_NO_MEMORY, "no memory for a run");
    return NULL;
}

void weir__store_forget(weir__segment *segment)
{
    weir__store *store = segment->store;
    add(&store->bytes, 0 - segment->mapped.size);
    weir__places_remove(segment->mapped.at);
    store->env.map_close(store->env.disk, &segment->mapped);
    weir_free(segment, segment->size);
    add(&store->segments, 0 - (uint64_t)1);
    weir__store_release(store);
}

void weir__segment_destroy(weir__segment *segment)
{
    if (!segment)
        return;
    weir__store *store = segment->store;
    int code = store->env.file_remove(store->env.disk, store->folder, segment->name);
    if (code)
        weir_log(WEIR_LOG_WARN, "the run %s cannot be removed: %s", segment->path, strerror(code));
    weir__store_forget(segment);
}
