/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target for the files of runs: what is opened can be read, all of it and by look-ups, and is
 * as much as it says. Included by targets.h.
 */
#ifndef WEIR_TESTS_FUZZ_SEGMENT_H
#define WEIR_TESTS_FUZZ_SEGMENT_H

#include <errno.h>
#include <stdlib.h>

#include <weir/record.h>

#include "segment_file.h"

#define SEGMENT_ITEM(F) F(u64, id) F(str, name) F(i64, value)
WEIR_RECORD(segment_item, SEGMENT_ITEM)

/* The one file of a folder, in memory. */
typedef struct fuzz_file {
    char *bytes;
    uint64_t size;
} fuzz_file;

static inline int fuzz_take(void *disk, const char *dir, const char *ending,
                            weir_folder **folder, unsigned *removed)
{
    (void)disk, (void)dir, (void)ending;
    *folder = NULL;
    *removed = 0;
    return 0;
}
static inline void fuzz_leave(void *disk, weir_folder *folder)
{
    (void)disk, (void)folder;
}
static inline int fuzz_open(void *disk, weir_folder *folder, const char *name,
                            weir_mapped *mapped)
{
    const fuzz_file *file = disk;
    (void)folder, (void)name;
    *mapped = (weir_mapped){ .at = file->bytes, .size = file->size };
    return 0;
}
static inline int fuzz_look(void *disk, const weir_mapped *mapped, uint64_t offset, uint64_t size)
{
    (void)disk;
    fuzz_promise(offset <= mapped->size && size <= mapped->size - offset);
    return 0;
}
static inline void fuzz_close(void *disk, weir_mapped *mapped)
{
    (void)disk, (void)mapped;
}
static inline int fuzz_remove(void *disk, weir_folder *folder, const char *name)
{
    (void)disk, (void)folder, (void)name;
    return 0;
}

static inline void fuzz_read_run(weir_trace_run *run)
{
    uint64_t keys = 0, values = 0, updates = 0;
    weir_cursor *c = weir_cursor_create(&run, 1);
    weir_time time;
    int64_t diff;
    for (; weir_cursor_next_key(c); keys++)
        for (; weir_cursor_next_value(c); values++) {
            const segment_item *r = weir_cursor_record(c);
            fuzz_promise(weir_record_equal(segment_item_type(), r, r));
            for (; weir_cursor_next_update(c, &time, &diff); updates++)
                fuzz_promise(weir_time_less_equal(&run->meet, &time, run->shape->depth) &&
                             weir_time_less_equal(&time, &run->join, run->shape->depth));
        }
    fuzz_promise(keys == run->key_count && values == run->value_count &&
                 updates == run->update_count);
    for (uint32_t k = 0; k < run->key_count; k++) {
        uint32_t at = weir__run_seek(run, weir__run_hash(run, k));
        fuzz_promise(at <= k && weir__run_hash(run, at) == weir__run_hash(run, k));
        weir_cursor_seek(c, weir__run_hash(run, k) + 1);
        (void)weir_cursor_next_key(c);
    }
    weir_cursor_destroy(c);
}

enum { FUZZ_BY_NAME = 1, FUZZ_DEEP = 2, FUZZ_AS_IT_IS = 4 };

static inline void fuzz_segment_file(fuzz_file *file, unsigned form)
{
    weir_env env = { .disk = file, .dir_take = fuzz_take, .dir_leave = fuzz_leave,
                     .map_open = fuzz_open, .map_look = fuzz_look, .map_close = fuzz_close,
                     .file_remove = fuzz_remove };
    weir_shape_spec spec = { .type = segment_item_type(), .seed = 7,
                             .key = { .count = 1, .field = { form & FUZZ_BY_NAME } },
                             .depth = form & FUZZ_DEEP ? 2 : 1 };
    weir__store *store;
    weir_shape *shape;
    weir_trace_run *run;
    weir_error error = { .status = WEIR_OK };
    fuzz_promise(weir__store_create(&env, "here", 1, &store, NULL) == WEIR_OK);
    fuzz_promise(weir_shape_create(&shape, &spec, NULL) == WEIR_OK);
    if (!(form & FUZZ_AS_IT_IS) && file->size >= WEIR__SEGMENT_HEAD) {
        weir__segment_head head;
        memcpy(&head, file->bytes, sizeof head);
        memcpy(head.magic, WEIR__SEGMENT_MAGIC, sizeof head.magic);
        head.version = WEIR__SEGMENT_VERSION;
        head.order_mark = WEIR__SEGMENT_ORDER_MARK;
        head.file_size = file->size;
        head.shape = weir__segment_shape_sum(shape);
        segment_file_finish(file->bytes, file->size, &head);
    }
    weir_status status = weir__segment_open(store, "file", shape, &run, &error);
    fuzz_promise(status == error.status && (status == WEIR_OK) == (run != NULL));
    fuzz_promise(status == WEIR_OK || error.what[0] != '\0');
    if (run)
        fuzz_read_run(run);
    fuzz_promise(!weir__store_error(store));
    weir_trace_run_release(run);
    weir_shape_release(shape);
    weir__store_release(store);
}

/* A byte says which key and depth, and whether checksums are made to fit; then comes the head, then
 * the columns: the file is as long as these want it, unless it is taken as it is. */
static inline void fuzz_segment(const char *data, size_t size)
{
    if (size == 0)
        return;
    unsigned form = (unsigned char)*data++;
    size_t head = --size < sizeof(weir__segment_head) ? size : sizeof(weir__segment_head);
    size_t columns = size - head, page = WEIR__SEGMENT_HEAD;
    size_t all = page + columns + (size_t)(8 * weir__segment_blocks(columns));
    fuzz_file file = { .size = form & FUZZ_AS_IT_IS && head < sizeof(weir__segment_head) ? head
                                                                                         : all };
    file.bytes = aligned_alloc(page, (all + page - 1) / page * page);
    fuzz_promise(file.bytes != NULL);
    memset(file.bytes, 0, all);
    memcpy(file.bytes, data, head);
    memcpy(file.bytes + page, data + head, columns);
    fuzz_segment_file(&file, form);
    free(file.bytes);
}

#endif
