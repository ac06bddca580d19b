/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the folder of segments: names, what there is in it, and that a disk which fails costs memory
 * and not the run.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "trace/store.h"

enum { PAUSE = 64, TRIES = 1000 };

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
    made->dir = memcpy(weir_alloc_must(strlen(dir) + 1), dir, strlen(dir) + 1);
    *store = made;
    return WEIR_OK;
}

void weir__store_release(weir__store *store)
{
    if (!store || __atomic_sub_fetch(&store->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    store->env.dir_leave(store->env.disk, store->folder);
    weir_free(store->dir, strlen(store->dir) + 1);
    weir_free(store, sizeof *store);
}

static void add(uint64_t *counter, uint64_t n)
{
    __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/* What fails now will fail again soon: the next runs do not try. */
static void failed(weir__store *store, const char *path, const char *what, int code)
{
    __atomic_store_n(&store->pause, PAUSE, __ATOMIC_RELAXED);
    weir_log(WEIR_LOG_WARN, "the run %s cannot be %s: %s; this and the next %d stay in memory",
             path, what, strerror(code), PAUSE);
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

weir__segment *weir__segment_create(weir__store *store, uint64_t bytes)
{
    if (bytes < store->least || pauses(store))
        return NULL;
    size_t size = sizeof(weir__segment) + strlen(store->dir) + sizeof "/" + 20 + sizeof ending;
    weir__segment *segment = weir_alloc(size);
    if (!segment)
        return NULL;
    *segment = (weir__segment){ .store = store, .size = size };
    uint64_t room = WEIR__SEGMENT_HEAD + bytes + 8 * blocks_of(bytes);
    int code = EEXIST; /* a name that is taken, by what is no run, is passed over */
    for (int tries = 0; code == EEXIST && tries < TRIES; tries++) {
        (void)snprintf(segment->path, size - sizeof *segment, "%s/%" PRIu64 "%s", store->dir,
                       __atomic_fetch_add(&store->next, 1, __ATOMIC_RELAXED), ending);
        code = store->env.map_create(store->env.disk, segment->path, room, &segment->mapped);
    }
    if (code) {
        failed(store, segment->path, "made", code);
        weir_free(segment, size);
        return NULL;
    }
    __atomic_fetch_add(&store->refs, 1, __ATOMIC_RELAXED);
    add(&store->segments, 1);
    add(&store->ever, 1);
    add(&store->bytes, segment->mapped.size);
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
    add(&store->bytes, segment->mapped.size - before);
    return true;
}

weir__segment *weir__store_open(weir__store *store, const char *path, weir_error *error)
{
    size_t size = sizeof(weir__segment) + strlen(path) + 1;
    weir__segment *segment = weir_alloc_must(size);
    *segment = (weir__segment){ .store = store, .size = size };
    memcpy(segment->path, path, strlen(path) + 1);
    int code = store->env.map_open(store->env.disk, path, &segment->mapped);
    if (code) {
        weir_error_set(error, WEIR_IO, "the run %s cannot be opened: %s", path, strerror(code));
        weir_free(segment, size);
        return NULL;
    }
    __atomic_fetch_add(&store->refs, 1, __ATOMIC_RELAXED);
    add(&store->segments, 1);
    add(&store->bytes, segment->mapped.size);
    return segment;
}

void weir__store_forget(weir__segment *segment)
{
    weir__store *store = segment->store;
    add(&store->bytes, 0 - segment->mapped.size);
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
    int code = store->env.file_remove(store->env.disk, segment->path);
    if (code)
        weir_log(WEIR_LOG_WARN, "the run %s cannot be removed: %s", segment->path, strerror(code));
    weir__store_forget(segment);
}
