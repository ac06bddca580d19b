/* SPDX-License-Identifier: Apache-2.0
 *
 * What is refused of a file whose checksums all fit: heads that say of the columns what cannot be,
 * and columns that contradict each other.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/record.h>

#include "env/files.h"
#include "segment_file.h"
#include "support.h"

#define ITEM(F) F(u64, id) F(str, name) F(i64, value)
WEIR_RECORD(item, ITEM)

typedef struct file {
    char *bytes;
    uint64_t size;
    weir__segment_head head;
} file;

typedef struct fixture {
    weir_env env;
    char dir[64], copy[80];
    weir__store *store;
    weir_shape *shape;
    file file;
} fixture;

/* Keys of one field, of several values, of several updates at several times. */
static weir_trace_run *build(weir_shape *shape)
{
    weir_trace_builder *builder = weir_trace_builder_create(shape, NULL);
    weir_trace_run *run;
    char text[64];
    for (uint64_t i = 0; i < 400; i++) {
        (void)snprintf(text, sizeof text, "a name of many letters, number %llu",
                       (unsigned long long)(i / 8));
        item r = { i / 4, weir_str_of(text), (int64_t)(i % 2) };
        int64_t diff = 1 + (int64_t)(i % 3);
        weir_updates u = { .records = &r, .count = 1, .diffs = &diff,
                           .time = { { i % 5, i % 3 } } };
        ck_assert_int_eq(weir_trace_builder_add(builder, &u), WEIR_OK);
    }
    ck_assert_int_eq(weir_trace_builder_build(builder, &run), WEIR_OK);
    weir_trace_builder_destroy(builder);
    return run;
}

static void start(fixture *f, uint16_t field)
{
    *f = (fixture){ .dir = "/tmp/weir-segment-XXXXXX" };
    weir__env_files_set(&f->env);
    ck_assert_ptr_nonnull(mkdtemp(f->dir));
    (void)snprintf(f->copy, sizeof f->copy, "%s/copy", f->dir);
    ck_assert_int_eq(weir__store_create(&f->env, f->dir, 1, &f->store, NULL), WEIR_OK);
    weir_shape_spec spec = { .type = item_type(), .key = { .count = 1, .field = { field } },
                             .depth = 2, .seed = 7 };
    ck_assert_int_eq(weir_shape_create(&f->shape, &spec, NULL), WEIR_OK);
    weir__shape_set_store(f->shape, f->store);
    weir_trace_run *run = build(f->shape);
    f->file.size = run->segment->mapped.size;
    f->file.bytes = weir_alloc_must(f->file.size);
    memcpy(f->file.bytes, run->segment->mapped.at, f->file.size);
    memcpy(&f->file.head, f->file.bytes, sizeof f->file.head);
    weir_trace_run_release(run);
}

static void end(fixture *f)
{
    weir_free(f->file.bytes, f->file.size);
    weir_shape_release(f->shape);
    ck_assert_uint_eq(f->store->segments, 0);
    weir__store_release(f->store);
    (void)unlink(f->copy);
    ck_assert_int_eq(rmdir(f->dir), 0);
}

typedef void change_fn(file *changed);

static uint32_t *column32(const file *f, weir__segment_column c)
{
    ck_assert_uint_gt(f->head.bytes[c], 0);
    return (uint32_t *)(void *)(f->bytes + WEIR__SEGMENT_HEAD + f->head.at[c]);
}

static uint64_t *column64(const file *f, weir__segment_column c)
{
    return (uint64_t *)(void *)column32(f, c);
}

static weir_status open_changed(const fixture *f, change_fn *change, weir_error *error)
{
    file changed = f->file;
    changed.bytes = weir_alloc_must(f->file.size);
    memcpy(changed.bytes, f->file.bytes, f->file.size);
    if (change)
        change(&changed);
    segment_file_finish(changed.bytes, changed.size, &changed.head);
    FILE *to = fopen(f->copy, "wb");
    ck_assert_ptr_nonnull(to);
    ck_assert_uint_eq(fwrite(changed.bytes, 1, changed.size, to), changed.size);
    ck_assert_int_eq(fclose(to), 0);
    weir_free(changed.bytes, f->file.size);
    weir_trace_run *run;
    weir_status status = weir__segment_open(f->store, "copy", f->shape, &run, error);
    ck_assert((status == WEIR_OK) == (run != NULL));
    weir_trace_run_release(run);
    return status;
}

/* ---- what heads say ---- */

static void no_keys(file *f) { f->head.keys = 0; }
static void fewer_keys(file *f) { f->head.keys--; }
static void more_keys(file *f) { f->head.keys = UINT32_MAX; }
static void fewer_values(file *f) { f->head.values = f->head.keys - 1; }
static void more_values(file *f) { f->head.values++; }
static void fewer_updates(file *f) { f->head.updates = f->head.values - 1; }
static void more_updates(file *f) { f->head.updates = UINT32_MAX; }
static void other_depth(file *f) { f->head.depth = 1; }
static void moved_hashes(file *f) { f->head.at[WEIR__SEGMENT_HASHES] = 16; }
static void moved_heap(file *f) { f->head.at[WEIR__SEGMENT_HEAP] += 16; }
static void far_times(file *f) { f->head.at[WEIR__SEGMENT_TIMES] = UINT64_MAX - 15; }
static void no_hashes(file *f) { f->head.bytes[WEIR__SEGMENT_HASHES] = 0; }
static void no_diffs(file *f) { f->head.bytes[WEIR__SEGMENT_DIFFS] = 0; }
static void no_rests(file *f) { f->head.bytes[WEIR__SEGMENT_RESTS] = 0; }
static void longer_heap(file *f) { f->head.bytes[WEIR__SEGMENT_HEAP] += 16; }
static void endless_heap(file *f) { f->head.bytes[WEIR__SEGMENT_HEAP] = UINT64_MAX; }
static void endless_keys(file *f) { f->head.bytes[WEIR__SEGMENT_KEYS] = UINT64_MAX - 7; }
static void wide_shift(file *f) { f->head.shift = 64; }
static void no_stretches(file *f) { f->head.stretches = 0; }
static void many_stretches(file *f) { f->head.stretches = UINT32_MAX; }
static void meet_after_join(file *f) { f->head.meet.at[1] = f->head.join.at[1] + 1; }

START_TEST(heads)
{
    static change_fn *const changes[] = {
        no_keys, fewer_keys, more_keys, fewer_values, more_values, fewer_updates, more_updates,
        other_depth, moved_hashes, moved_heap, far_times, no_hashes, no_diffs, no_rests,
        longer_heap, endless_heap, endless_keys, wide_shift, no_stretches, many_stretches,
        meet_after_join
    };
    fixture f;
    weir_error error;
    start(&f, 1);
    ck_assert_int_eq(open_changed(&f, NULL, &error), WEIR_OK);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        ck_assert_msg(open_changed(&f, changes[i], &error) == WEIR_BAD_DATA, "change %zu", i);
        ck_assert_msg(strstr(error.what, "/copy is damaged: its columns are not as its head says"),
                      "%zu: %s", i, error.what);
    }
    end(&f);
}
END_TEST

/* The file is as long as it says, but not as long as columns and checksums are. */
static void more_columns(file *f) { f->head.used += 16; }
static void endless_columns(file *f) { f->head.used = UINT64_MAX - 4095; }
static void no_columns(file *f) { f->head.used = 0; }

START_TEST(lengths)
{
    static change_fn *const changes[] = { more_columns, endless_columns, no_columns };
    fixture f;
    weir_error error;
    start(&f, 1);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        ck_assert_msg(open_changed(&f, changes[i], &error) == WEIR_BAD_DATA, "change %zu", i);
        ck_assert_msg(strstr(error.what, "is damaged: it is not as long as its head says"),
                      "%zu: %s", i, error.what);
    }
    end(&f);
}
END_TEST

/* ---- what columns say ---- */

static void falling_hashes(file *f) { column64(f, WEIR__SEGMENT_HASHES)[5] = 0; }
static void directory_beyond(file *f) { column32(f, WEIR__SEGMENT_DIRECTORY)[1] = UINT32_MAX; }
static void directory_ends(file *f)
{
    column32(f, WEIR__SEGMENT_DIRECTORY)[f->head.stretches]--;
}
static void late_base(file *f) { f->head.base = UINT64_MAX; }
static void values_from_one(file *f) { column32(f, WEIR__SEGMENT_VALUE_AT)[0] = 1; }
static void values_beyond(file *f) { column32(f, WEIR__SEGMENT_VALUE_AT)[f->head.keys]++; }
static void key_without_value(file *f)
{
    column32(f, WEIR__SEGMENT_VALUE_AT)[1] = 0;
}
static void updates_beyond(file *f) { column32(f, WEIR__SEGMENT_UPDATE_AT)[f->head.values]++; }
static void updates_fall(file *f) { column32(f, WEIR__SEGMENT_UPDATE_AT)[3] = UINT32_MAX; }
static void early_time(file *f) { f->head.meet.at[0]++; }
static void late_time(file *f) { column64(f, WEIR__SEGMENT_TIMES)[3] = UINT64_MAX; }

static weir_str *first_string(const file *f, weir__segment_column c)
{
    return (weir_str *)(void *)column32(f, c);
}
static void string_beyond(file *f)
{
    weir__str_set_offset(first_string(f, WEIR__SEGMENT_KEYS), f->head.bytes[WEIR__SEGMENT_HEAP]);
}
static void string_far_beyond(file *f)
{
    weir__str_set_offset(first_string(f, WEIR__SEGMENT_KEYS), UINT64_MAX - 3);
}
static void string_too_long(file *f) { first_string(f, WEIR__SEGMENT_KEYS)->len = UINT32_MAX; }

START_TEST(columns)
{
    static change_fn *const changes[] = {
        falling_hashes, directory_beyond, directory_ends, late_base, values_from_one,
        values_beyond, key_without_value, updates_beyond, updates_fall, early_time, late_time,
        string_beyond, string_far_beyond, string_too_long
    };
    fixture f;
    weir_error error;
    start(&f, 1);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        ck_assert_msg(open_changed(&f, changes[i], &error) == WEIR_BAD_DATA, "change %zu", i);
        ck_assert_msg(strstr(error.what, "/copy is damaged: its columns contradict each other"),
                      "%zu: %s", i, error.what);
    }
    end(&f);
}
END_TEST

/* Where the hash is the key, no two keys have the same; a hash of 8 bits is never the key. */
static void equal_hashes(file *f)
{
    uint64_t *hashes = column64(f, WEIR__SEGMENT_HASHES);
    hashes[5] = hashes[4];
}

START_TEST(equal_keys)
{
    fixture f;
    weir_error error;
    start(&f, 0);
    ck_assert_int_eq(open_changed(&f, NULL, &error), WEIR_OK);
#ifdef WEIR_HASH_8BIT
    ck_assert_int_eq(open_changed(&f, equal_hashes, &error), WEIR_OK);
#else
    ck_assert_int_eq(open_changed(&f, equal_hashes, &error), WEIR_BAD_DATA);
    ck_assert_ptr_nonnull(strstr(error.what, "its columns contradict each other"));
#endif
    end(&f);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { heads, lengths, columns, equal_keys, NULL };
    return test_run(test_suite("segment_open", tests));
}
