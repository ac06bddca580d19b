/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs in files: what is written is what is opened; files that are truncated or damaged, wherever,
 * are named, by whoever reads them; disks that fail; folders that another process has, or has left.
 */
#include "trace/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/match.h>
#include <weir/record.h>

#include "env/files.h"
#include "support.h"
#include "trace/spine.h"

#define ITEM(F) F(u64, id) F(str, name) F(i64, value)
WEIR_RECORD(item, ITEM)

typedef struct fixture {
    weir_env env;
    char dir[64], copy[80];
    weir__store *store;
    weir_shape *shape;
    weir_trace_builder *builder;
} fixture;

static weir_shape *shape_of(uint16_t field, unsigned depth)
{
    weir_shape *shape;
    weir_shape_spec spec = { .type = item_type(), .key = { .count = 1, .field = { field } },
                             .depth = depth, .seed = 7 };
    ck_assert_int_eq(weir_shape_create(&shape, &spec, NULL), WEIR_OK);
    return shape;
}

static void start(fixture *f, uint16_t field, unsigned depth)
{
    weir_error error;
    *f = (fixture){ .dir = "/tmp/weir-segment-XXXXXX" };
    weir__env_files_set(&f->env);
    ck_assert_ptr_nonnull(mkdtemp(f->dir));
    (void)snprintf(f->copy, sizeof f->copy, "%s/copy", f->dir);
    ck_assert_int_eq(weir__store_create(&f->env, f->dir, 1, &f->store, &error), WEIR_OK);
    f->shape = shape_of(field, depth);
    weir__shape_set_store(f->shape, f->store);
    f->builder = weir_trace_builder_create(f->shape, NULL);
}

static void end(fixture *f)
{
    weir_trace_builder_destroy(f->builder);
    weir_shape_release(f->shape);
    ck_assert_uint_eq(f->store->segments, 0);
    ck_assert_uint_eq(f->store->bytes, 0);
    weir__store_release(f->store);
    (void)unlink(f->copy);
    ck_assert_int_eq(rmdir(f->dir), 0); /* no file is left */
}

/* Updates of several keys, values and times, some with long strings. */
static weir_trace_run *build(const fixture *f, uint64_t first, uint64_t count)
{
    weir_trace_run *run;
    char text[64];
    for (uint64_t i = first; i < first + count; i++) {
        (void)snprintf(text, sizeof text, i % 3 ? "n%llu" : "a name of many letters, number %llu",
                       (unsigned long long)(i / 2));
        item r = { i / 2, weir_str_of(text), (int64_t)(i % 5) };
        int64_t diff = 1 + (int64_t)(i % 4);
        weir_updates u = { .records = &r, .count = 1, .diffs = &diff,
                           .time = { { i % 7, i % 3 } } };
        ck_assert_int_eq(weir_trace_builder_add(f->builder, &u), WEIR_OK);
    }
    ck_assert_int_eq(weir_trace_builder_build(f->builder, &run), WEIR_OK);
    return run;
}

/* A sum over all that a run has, in its order. */
static uint64_t sum_of(weir_trace_run *run)
{
    uint64_t sum = 0;
    char text[200];
    weir_time time;
    int64_t diff;
    weir_cursor *c = weir_cursor_create(&run, 1);
    while (weir_cursor_next_key(c))
        while (weir_cursor_next_value(c)) {
            weir_record_text(item_type(), weir_cursor_record(c), text, sizeof text);
            for (const char *at = text; *at; at++)
                sum = sum * 31 + (uint64_t)*at;
            while (weir_cursor_next_update(c, &time, &diff))
                sum = (sum * 31 + time.at[0]) * 31 + time.at[1] * 7 + (uint64_t)diff;
        }
    weir_cursor_destroy(c);
    return sum;
}

/* The file of a run as `copy`, cut to a size, with one bit turned: the run's own goes with it. */
static void copy_file(const fixture *f, const weir_trace_run *run, uint64_t size, uint64_t bit)
{
    static char bytes[1 << 20];
    FILE *from = fopen(run->segment->path, "rb");
    ck_assert_ptr_nonnull(from);
    size_t len = fread(bytes, 1, sizeof bytes, from);
    fclose(from);
    ck_assert_uint_eq(len, run->segment->mapped.size);
    if (bit != UINT64_MAX)
        bytes[bit / 8] ^= (char)(1u << bit % 8);
    FILE *to = fopen(f->copy, "wb");
    ck_assert_ptr_nonnull(to);
    ck_assert_uint_eq(fwrite(bytes, 1, size, to), size);
    ck_assert_int_eq(fclose(to), 0);
}

START_TEST(round_trip)
{
    for (unsigned depth = 1; depth <= 2; depth++)
        for (uint16_t field = 0; field < 2; field++) {
            fixture f;
            start(&f, field, depth);
            weir_trace_run *run = build(&f, 0, 3000), *opened;
            ck_assert_ptr_nonnull(run->segment);
            ck_assert_uint_eq(weir_trace_run_bytes(run), sizeof *run);
            ck_assert_uint_gt(f.store->bytes, 3000 * 16);
            copy_file(&f, run, run->segment->mapped.size, UINT64_MAX);
            weir_error error;
            ck_assert_int_eq(weir__segment_open(f.store, "copy", f.shape, &opened, &error),
                             WEIR_OK);
            ck_assert_uint_eq(weir_trace_run_updates(opened), weir_trace_run_updates(run));
            ck_assert_uint_eq(weir_trace_run_keys(opened), weir_trace_run_keys(run));
            ck_assert_uint_eq(sum_of(opened), sum_of(run));
            weir__shape_set_store(f.shape, NULL);
            weir_trace_run *in_memory = build(&f, 0, 3000);
            ck_assert_ptr_null(in_memory->segment);
            ck_assert_uint_eq(sum_of(in_memory), sum_of(run));
            weir_trace_run_release(in_memory);
            weir_trace_run_release(opened); /* its file goes with it */
            ck_assert_int_eq(access(f.copy, F_OK), -1);
            weir_trace_run_release(run);
            end(&f);
        }
}
END_TEST

static void refuses(const fixture *f, weir_status status, const char *what)
{
    weir_trace_run *opened;
    weir_error error = { .status = WEIR_OK };
    ck_assert_int_eq(weir__segment_open(f->store, "copy", f->shape, &opened, &error), status);
    ck_assert_ptr_null(opened);
    ck_assert_msg(strstr(error.what, f->copy) && strstr(error.what, what), "%s, not %s",
                  error.what, what);
}

/* In a small memory it would take the place of what is needed. */
START_TEST(nothing_around_is_read)
{
    fixture f;
    weir_error error;
    start(&f, 0, 1);
    weir_trace_run *run = build(&f, 0, 3000), *opened;
    copy_file(&f, run, run->segment->mapped.size, UINT64_MAX);
    ck_assert(test_mapped_with(run->segment->mapped.at, "rr"));
    ck_assert_int_eq(weir__segment_open(f.store, "copy", f.shape, &opened, &error), WEIR_OK);
    ck_assert(test_mapped_with(opened->segment->mapped.at, "rr"));
    weir_trace_run_release(opened);
    weir_trace_run_release(run);
    end(&f);
}
END_TEST

START_TEST(truncated)
{
    fixture f;
    start(&f, 1, 1);
    weir_trace_run *run = build(&f, 0, 3000);
    uint64_t size = run->segment->mapped.size;
    const uint64_t sizes[] = { 0, 1, 4095, 4096, 4097, size / 2, size - 8, size - 1 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        copy_file(&f, run, sizes[i], UINT64_MAX);
        refuses(&f, WEIR_BAD_DATA, "is truncated");
    }
    (void)unlink(f.copy);
    refuses(&f, WEIR_IO, "cannot be opened: No such file");
    weir_trace_run_release(run);
    end(&f);
}
END_TEST

/* One bit anywhere is found, and what it is a part of is named. */
START_TEST(one_bit)
{
    fixture f;
    start(&f, 1, 2);
    weir_trace_run *run = build(&f, 0, 3000);
    uint64_t size = run->segment->mapped.size, used = run->segment->used;
    for (uint64_t at = 0; at < size; at += at < 600 ? 1 : 509) {
        copy_file(&f, run, size, 8 * at + at % 8);
        refuses(&f, WEIR_BAD_DATA, "is damaged");
    }
    copy_file(&f, run, size, 3);
    refuses(&f, WEIR_BAD_DATA, "it does not begin as a run does");
    copy_file(&f, run, size, 8 * 8);
    refuses(&f, WEIR_BAD_DATA, "of another version");
    copy_file(&f, run, size, 8 * 40);
    refuses(&f, WEIR_BAD_DATA, "the checksum of its head does not fit");
    copy_file(&f, run, size, 8 * (4096 + used + 3));
    refuses(&f, WEIR_BAD_DATA, "the checksum of its checksums does not fit");
    copy_file(&f, run, size, 8 * 4096);
    refuses(&f, WEIR_BAD_DATA, "the checksum of block 0 does not fit, which begins in its hashes");
    copy_file(&f, run, size, 8 * (4096 + used - 1));
    refuses(&f, WEIR_BAD_DATA, "does not fit, which begins in its ");
    weir_trace_run_release(run);
    end(&f);
}
END_TEST

START_TEST(of_other_records)
{
    fixture f;
    start(&f, 1, 1);
    weir_trace_run *run = build(&f, 0, 100);
    copy_file(&f, run, run->segment->mapped.size, UINT64_MAX);
    weir_shape *mine = f.shape;
    f.shape = shape_of(0, 1);
    refuses(&f, WEIR_BAD_DATA, "it has other records, another key or another order");
    weir_shape_release(f.shape);
    f.shape = mine;
    weir_trace_run_release(run);
    end(&f);
}
END_TEST

/* What has changed on the disk is found before it is merged into something else. */
START_TEST(damage_is_found_by_merges)
{
    fixture f;
    start(&f, 1, 1);
    weir_trace *trace = weir_trace_create(f.shape, NULL, "items");
    weir_trace_reader *reader =
        weir_trace_reader_open(trace, &(weir_trace_reader_spec){ .owner = "test" });
    uint64_t number;
    for (uint64_t i = 0; i < 4; i++) {
        weir_trace_run *run = build(&f, 1000 * i, 1000);
        if (i == 2) {
            int fd = open(run->segment->path, O_WRONLY);
            ck_assert_int_eq(pwrite(fd, "?", 1, 5000), 1);
            close(fd);
        }
        ck_assert_int_eq(weir_trace_append(trace, run, &number), WEIR_OK);
        weir_trace_reader_deliver(reader, number);
    }
    ck_assert_ptr_null(weir__store_error(f.store));
    for (int i = 0; i < 1000 && weir_trace_work(trace, 100); i++)
        ;
    const weir_error *error = weir__store_error(f.store);
    ck_assert_ptr_nonnull(error);
    ck_assert_int_eq(error->status, WEIR_BAD_DATA);
    ck_assert_ptr_nonnull(strstr(error->what, "/2.run is damaged: the checksum of block 0"));
    ck_assert(!weir_trace_work(trace, 100));
    weir_trace_reader_close(reader);
    weir_trace_release(trace);
    end(&f);
}
END_TEST

/* ---- what is damaged later is found by who reads it first ---- */

static void damage(const weir_trace_run *run, uint64_t at)
{
    char byte;
    int fd = open(run->segment->path, O_RDWR);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, &byte, 1, (off_t)(WEIR__SEGMENT_HEAD + at)), 1);
    byte ^= 1;
    ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)(WEIR__SEGMENT_HEAD + at)), 1);
    close(fd);
}

static void said(const fixture *f, const char *what)
{
    const weir_error *error = weir__store_error(f->store);
    ck_assert_ptr_nonnull(error);
    ck_assert_int_eq(error->status, WEIR_BAD_DATA);
    ck_assert_msg(strstr(error->what, f->dir) && strstr(error->what, what), "%s, not %s",
                  error->what, what);
}

static void look_up(weir_trace_run *run)
{
    weir_cursor *c = weir_cursor_create(&run, 1);
    char text[64];
    for (uint64_t i = 0; i < 10000; i++) {
        (void)snprintf(text, sizeof text, i % 3 ? "n%llu" : "a name of many letters, number %llu",
                       (unsigned long long)(i / 2));
        item r = { 0, weir_str_of(text), 0 };
        int64_t sum;
        if (weir_cursor_find(c, &r))
            while (weir_cursor_next_value(c))
                (void)weir_cursor_sum(c, &(weir_time){ { 9, 9 } }, &sum);
    }
    weir_cursor_destroy(c);
}

static void match(weir_trace_run *run)
{
    weir_shape *shapes[2] = { run->shape, run->shape };
    weir_matcher *m = weir_matcher_create(shapes, run->shape->depth);
    weir_trace_runs *list = weir__runs_list(&run, 1);
    weir_status status;
    weir_matcher_start(m, 0, run, list);
    while (weir_matcher_next(m, &status))
        ;
    ck_assert_int_eq(status, WEIR_OK);
    weir_trace_runs_release(list);
    weir_matcher_destroy(m);
}

static void scan(weir_trace_run *run)
{
    (void)sum_of(run);
}

typedef void read_fn(weir_trace_run *run);
static read_fn *const readers[] = { scan, look_up, match };

/* The column that a reader is led astray by, or all but the directory, which only seeks read. */
START_TEST(damage_is_found_by_readers)
{
    for (int r = 0; r < 3; r++)
        for (unsigned part = 0; part < 6; part++) {
            fixture f;
            start(&f, 1, 1 + part % 2);
            weir_trace_run *run = build(&f, 0, 10000);
            uint64_t used = run->segment->used, at = used * part / 6;
            uint64_t directory = (uint64_t)((char *)run->directory -
                                            weir__segment_columns(run->segment));
            readers[r](run);
            ck_assert_ptr_null(weir__store_error(f.store));
            weir_trace_run_release(run);
            run = build(&f, 0, 10000); /* of which nothing has been read */
            if (at / WEIR__SEGMENT_BLOCK == directory / WEIR__SEGMENT_BLOCK)
                at = used - 1;
            damage(run, at);
            readers[r](run);
            said(&f, "is damaged: the checksum of block");
            weir_trace_run_release(run);
            end(&f);
        }
}
END_TEST

/* Not by a signal. */
START_TEST(files_that_become_shorter)
{
    for (int r = 0; r < 5; r++) {
        fixture f;
        start(&f, 1, 1);
        weir_trace_run *run = build(&f, 0, 10000);
        ck_assert_uint_gt(run->segment->used, 3 * WEIR__SEGMENT_BLOCK);
        ck_assert_int_eq(truncate(run->segment->path, r < 3 ? 4096 + 2 * 65536 : 0), 0);
        uint64_t block = 0;
        if (r < 3)
            readers[r](run);
        else if (r == 3)
            ck_assert(!weir__segment_sound_key(run, run->key_count - 1));
        else
            (void)weir__segment_check(run, &block, 1);
        said(&f, r < 4 ? "is damaged: it is truncated, or the disk fails: block"
                       : "is damaged: its head cannot be read any more");
        weir_trace_run_release(run);
        end(&f);
    }
}
END_TEST

static weir_env real;
static uint64_t refused, unsealed;

static int create_refused(void *ctx, weir_folder *folder, const char *name, uint64_t size,
                          weir_mapped *mapped)
{
    return refused && refused-- ? ENOSPC : real.map_create(ctx, folder, name, size, mapped);
}

static int seal_refused(void *ctx, weir_mapped *mapped, uint64_t size)
{
    return unsealed && unsealed-- ? EIO : real.map_seal(ctx, mapped, size);
}

/* A run whose file cannot be made, or completed, is in memory, and so are those that follow. */
START_TEST(disks_that_fail)
{
    fixture f;
    start(&f, 1, 1);
    real = f.env;
    f.store->env.map_create = create_refused;
    f.store->env.map_seal = seal_refused;
    weir_trace_run *whole = build(&f, 0, 1000);
    for (int sealing = 0; sealing < 2; sealing++) {
        *(sealing ? &unsealed : &refused) = 1;
        f.store->pause = 0;
        for (int i = 0; i < 100; i++) {
            weir_trace_run *run = build(&f, 0, 1000);
            ck_assert_int_eq(run->segment != NULL, i > (sealing ? 63 : 64));
            ck_assert_uint_eq(sum_of(run), sum_of(whole));
            weir_trace_run_release(run);
        }
        ck_assert_uint_eq(f.store->segments, 1);
    }
    weir_trace_run_release(whole);
    end(&f);
}
END_TEST

typedef struct four {
    weir_trace *trace;
    weir_trace_reader *reader;
    size_t bytes; /* of one of its runs */
} four;

/* Runs in memory that would become one in a file. */
static four four_small_runs(fixture *f)
{
    four made = { .trace = weir_trace_create(f->shape, NULL, "items") };
    uint64_t number;
    made.reader = weir_trace_reader_open(made.trace, &(weir_trace_reader_spec){ .owner = "test" });
    f->store->least = UINT64_MAX;
    for (uint64_t i = 0; i < 4; i++) {
        weir_trace_run *run = build(f, 1000 * i, 1000);
        made.bytes = weir_trace_run_bytes(run);
        ck_assert_int_eq(weir_trace_append(made.trace, run, &number), WEIR_OK);
        weir_trace_reader_deliver(made.reader, number);
    }
    f->store->least = 2 * made.bytes;
    return made;
}

static void append_small(const fixture *f, const four *t)
{
    uint64_t number;
    ck_assert_int_eq(weir_trace_append(t->trace, build(f, 10000, 10), &number), WEIR_OK);
    weir_trace_reader_deliver(t->reader, number);
}

static uint64_t runs_of(const weir_trace *trace)
{
    weir_trace_info info;
    weir_trace_get_info(trace, &info);
    return info.runs;
}

/* No merge gets by in memory what it has no file for: it waits until there is one. */
START_TEST(merges_wait_for_the_disk)
{
    for (int sealing = 0; sealing < 2; sealing++) {
        fixture f;
        start(&f, 1, 1);
        real = f.env;
        f.store->env.map_create = create_refused;
        f.store->env.map_seal = seal_refused;
        four t = four_small_runs(&f);
        *(sealing ? &unsealed : &refused) = 1;
        for (int i = 0; i < 40; i++) {
            (void)weir_trace_work(t.trace, 1 << 20);
            ck_assert_uint_eq(runs_of(t.trace), 4);
        }
        ck_assert_int_eq(f.store->failing, sealing ? EIO : ENOSPC);
        ck_assert_uint_gt(f.store->waiting, 3 * t.bytes);
        for (int i = 0; i < 40; i++)
            (void)weir_trace_work(t.trace, 1 << 20);
        ck_assert_uint_eq(runs_of(t.trace), 1);
        ck_assert_uint_eq(f.store->segments, 1);
        ck_assert_int_eq(f.store->failing, 0);
        ck_assert_uint_eq(f.store->waiting, 0);
        ck_assert_ptr_null(weir__store_error(f.store));
        weir_trace_reader_close(t.reader);
        weir_trace_release(t.trace);
        end(&f);
    }
}
END_TEST

/* A merge whose file cannot be ended is not tried again and again where nothing else is to do; what
 * needs no file is merged. */
START_TEST(merges_wait_before_they_are_tried_again)
{
    fixture f;
    start(&f, 1, 1);
    real = f.env;
    f.store->env.map_seal = seal_refused;
    four t = four_small_runs(&f);
    unsealed = UINT64_MAX;
    weir_merge_work work = { .looked = 1000, .fuel = 1 << 20, .now_ns = 1 };
    for (int i = 0; i < 1000; i++) {
        ck_assert(weir_trace_work_at(t.trace, &work));
        ck_assert_uint_gt(work.again_ns, work.now_ns);
        ck_assert_uint_eq(UINT64_MAX - unsealed, 1);
        work.idle = true;
    }
    for (int i = 0; i < 4; i++)
        append_small(&f, &t);
    ck_assert_uint_eq(runs_of(t.trace), 8);
    weir_merge_work none = { .looked = 1000, .now_ns = 1 }; /* when there is nothing else to do */
    ck_assert(weir_trace_work_at(t.trace, &none));
    ck_assert_uint_le(none.again_ns, none.now_ns);
    while (runs_of(t.trace) > 5)
        ck_assert(weir_trace_work_at(t.trace, &work));
    ck_assert_uint_eq(UINT64_MAX - unsealed, 1);
    ck_assert(weir_trace_work_at(t.trace, &none));
    ck_assert_uint_gt(none.again_ns, none.now_ns); /* the one that waits is not due */
    unsealed = 0;
    work.now_ns = work.again_ns;
    for (int i = 0; i < 1000 && weir_trace_work_at(t.trace, &work); i++)
        work.now_ns = work.again_ns > work.now_ns ? work.again_ns : work.now_ns;
    ck_assert_uint_eq(runs_of(t.trace), 2); /* the four of each kind */
    weir_trace_reader_close(t.reader);
    weir_trace_release(t.trace);
    end(&f);
}
END_TEST

/* What waits has a bound: memory would not last for as long as the disk is full. */
START_TEST(too_much_waits_for_the_disk)
{
    fixture f;
    start(&f, 1, 1);
    real = f.env;
    f.store->env.map_create = create_refused;
    four t = four_small_runs(&f);
    f.store->most = 3 * t.bytes;
    refused = UINT64_MAX;
    ck_assert(!weir_trace_work(t.trace, 1 << 20));
    const weir_error *error = weir__store_error(f.store);
    ck_assert_ptr_nonnull(error);
    ck_assert_int_eq(error->status, WEIR_IO);
    ck_assert_msg(strstr(error->what, "takes no more runs (No space left on device)"), "%s",
                  error->what);
    ck_assert(!weir_trace_work(t.trace, 1 << 20));
    refused = 0;
    weir_trace_reader_close(t.reader);
    weir_trace_release(t.trace);
    ck_assert_uint_eq(f.store->waiting, 0);
    end(&f);
}
END_TEST

/* New runs that should lie in files are bounded, too. */
START_TEST(new_runs_in_memory_are_bounded)
{
    fixture f;
    start(&f, 1, 1);
    real = f.env;
    f.store->env.map_create = create_refused;
    refused = UINT64_MAX;
    weir_spine *spine = weir_spine_create(f.shape, NULL);
    weir_trace_run *run = build(&f, 0, 1000);
    f.store->most = weir_trace_run_bytes(run);
    ck_assert_int_eq(weir_spine_append(spine, run, NULL), WEIR_OK);
    (void)weir_spine_work(spine, 1000);
    ck_assert_ptr_null(weir__store_error(f.store));
    ck_assert_int_eq(weir_spine_append(spine, build(&f, 1000, 1000), NULL), WEIR_OK);
    (void)weir_spine_work(spine, 1000);
    ck_assert_ptr_nonnull(weir__store_error(f.store));
    refused = 0;
    weir_spine_destroy(spine);
    end(&f);
}
END_TEST

/* A batch may have strings of a run when all else has ended. */
START_TEST(the_last_run_ends_it)
{
    fixture f;
    start(&f, 1, 1);
    weir_trace_run *run = build(&f, 0, 1000);
    uint64_t sum = sum_of(run);
    weir__store *other;
    weir__store_release(f.store);
    f.env = (weir_env){ 0 };
    ck_assert_uint_eq(sum_of(run), sum);
    weir_trace_builder_destroy(f.builder);
    weir_shape_release(f.shape);
    weir_trace_run_release(run);
    weir__env_files_set(&f.env);
    ck_assert_int_eq(weir__store_create(&f.env, f.dir, 1, &other, NULL), WEIR_OK); /* it is free */
    weir__store_release(other);
    ck_assert_int_eq(rmdir(f.dir), 0);
}
END_TEST

START_TEST(folders)
{
    fixture f;
    weir__store *other;
    weir_error error;
    char path[100];
    start(&f, 1, 1);
    ck_assert_int_eq(weir__store_create(&f.env, f.dir, 1, &other, &error), WEIR_IO);
    ck_assert_ptr_null(other);
    ck_assert_ptr_nonnull(strstr(error.what, "another process has it"));
    (void)snprintf(path, sizeof path, "%s/17.run", f.dir);
    fclose(fopen(path, "w")); /* as one that was killed leaves it */
    static const char *const others[] = { "notes", "setup.run", ".run", "5.run.old", "x5.run" };
    for (unsigned i = 0; i < 5; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", f.dir, others[i]);
        fclose(fopen(path, "w"));
    }
    (void)snprintf(path, sizeof path, "%s/1.run", f.dir);
    ck_assert_int_eq(symlink("notes", path), 0);
    weir__store_release(f.store);
    ck_assert_int_eq(weir__store_create(&f.env, f.dir, 1, &f.store, &error), WEIR_OK);
    ck_assert_int_eq(unlink(path), 0); /* what is no run stays */
    for (unsigned i = 0; i < 5; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", f.dir, others[i]);
        ck_assert_int_eq(unlink(path), 0);
    }
    (void)snprintf(path, sizeof path, "%s/17.run", f.dir);
    ck_assert_int_eq(unlink(path), -1);
    (void)snprintf(path, sizeof path, "%s/a/b", f.dir);
    ck_assert_int_eq(weir__store_create(&f.env, path, 1, &other, &error), WEIR_OK);
    weir__store_release(other);
    ck_assert_int_eq(rmdir(path), 0);
    (void)snprintf(path, sizeof path, "%s/a", f.dir);
    ck_assert_int_eq(rmdir(path), 0);
    (void)snprintf(path, sizeof path, "%s/x/y/z", f.dir);
    ck_assert_int_eq(weir__store_create(&f.env, path, 1, &other, &error), WEIR_IO);
    ck_assert_ptr_nonnull(strstr(error.what, "No such file or directory"));
    end(&f);
}
END_TEST

/* One that nothing can be written to is refused at once, not when the first run is large enough. */
START_TEST(folders_that_are_read_only)
{
    char dir[] = "/tmp/weir-segment-XXXXXX";
    weir_env env;
    weir_error error;
    weir__store *store;
    uid_t user = geteuid();
    weir__env_files_set(&env);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chmod(dir, 0555), 0);
    ck_assert(user != 0 || seteuid(65534) == 0); /* root may write anywhere */
    weir_status status = weir__store_create(&env, dir, 1, &store, &error);
    ck_assert_int_eq(seteuid(user), 0);
    ck_assert_int_eq(status, WEIR_IO);
    ck_assert_ptr_nonnull(strstr(error.what, "Permission denied"));
    ck_assert_ptr_nonnull(strstr(error.hint, "--state"));
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

/* A run that a reader has not taken counts in full, though it is in no memory. */
START_TEST(undelivered_runs_in_files)
{
    fixture f;
    start(&f, 1, 1);
    weir_trace *trace = weir_trace_create(f.shape, NULL, "items");
    weir_trace_reader *reader =
        weir_trace_reader_open(trace, &(weir_trace_reader_spec){ .owner = "test" });
    weir_trace_run *run = build(&f, 0, 1000);
    uint64_t number, size = run->segment->mapped.size;
    weir_trace_info info;
    ck_assert_int_eq(weir_trace_append(trace, run, &number), WEIR_OK);
    weir_trace_get_info(trace, &info);
    ck_assert_uint_gt(info.undelivered_bytes, size);
    weir_trace_reader_deliver(reader, number);
    (void)weir_trace_work(trace, 1);
    weir_trace_get_info(trace, &info);
    ck_assert_uint_eq(info.undelivered_bytes, 0);
    weir_trace_reader_close(reader);
    weir_trace_release(trace);
    end(&f);
}
END_TEST

/* It does not matter where the process goes, nor that the folder is moved. */
START_TEST(the_folder_is_held)
{
    fixture f;
    char before[1000], moved[100], kept[100];
    weir__store *store;
    start(&f, 1, 1);
    (void)snprintf(moved, sizeof moved, "%s/moved", f.dir);
    (void)snprintf(kept, sizeof kept, "%s/kept", f.dir);
    ck_assert_ptr_nonnull(getcwd(before, sizeof before));
    ck_assert_int_eq(chdir(f.dir), 0);
    ck_assert_int_eq(weir__store_create(&f.env, "kept", 1, &store, NULL), WEIR_OK);
    weir__shape_set_store(f.shape, store);
    weir_trace_run *first = build(&f, 0, 1000);
    ck_assert_int_eq(chdir("/"), 0);
    weir_trace_run *second = build(&f, 0, 1000);
    ck_assert_ptr_nonnull(second->segment);
    ck_assert_int_eq(rename(kept, moved), 0);
    weir_trace_run *third = build(&f, 0, 1000);
    ck_assert_ptr_nonnull(third->segment);
    weir_trace_run_release(first);
    weir_trace_run_release(second);
    weir_trace_run_release(third);
    weir__store_release(store);
    ck_assert_int_eq(rmdir(moved), 0); /* all files went with their runs */
    ck_assert_int_eq(chdir(before), 0);
    end(&f);
}
END_TEST

/* A child that was forked has the folder as well, but not after its parent has left it. */
START_TEST(children_do_not_keep_the_folder)
{
    fixture f;
    int ends[2], status;
    char byte;
    start(&f, 1, 1);
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) != 0);
    }
    close(ends[0]);
    weir__store_release(f.store);
    weir_status taken = weir__store_create(&f.env, f.dir, 1, &f.store, NULL);
    close(ends[1]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(taken, WEIR_OK);
    end(&f);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { round_trip,
                                   truncated,
                                   nothing_around_is_read,
                                   one_bit,
                                   of_other_records,
                                   disks_that_fail,
                                   damage_is_found_by_merges,
                                   the_last_run_ends_it,
                                   folders,
                                   folders_that_are_read_only,
                                   damage_is_found_by_readers,
                                   files_that_become_shorter,
                                   merges_wait_for_the_disk,
                                   merges_wait_before_they_are_tried_again,
                                   too_much_waits_for_the_disk,
                                   new_runs_in_memory_are_bounded,
                                   undelivered_runs_in_files,
                                   the_folder_is_held,
                                   children_do_not_keep_the_folder,
                                   NULL };
    return test_run(test_suite("segment", tests));
}
