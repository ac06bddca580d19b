/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs in files: what is written is what is opened; files that are truncated or damaged, wherever,
 * are named; disks that fail; folders that another process has, or has left.
 */
#include "trace/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
            ck_assert_int_eq(weir__segment_open(f.store, f.copy, f.shape, &opened, &error),
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
    ck_assert_int_eq(weir__segment_open(f->store, f->copy, f->shape, &opened, &error), status);
    ck_assert_ptr_null(opened);
    ck_assert_msg(strstr(error.what, f->copy) && strstr(error.what, what), "%s, not %s",
                  error.what, what);
}

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
    ck_assert_ptr_null(weir_trace_error(trace));
    for (int i = 0; i < 1000 && weir_trace_work(trace, 100); i++)
        ;
    const weir_error *error = weir_trace_error(trace);
    ck_assert_ptr_nonnull(error);
    ck_assert_int_eq(error->status, WEIR_BAD_DATA);
    ck_assert_ptr_nonnull(strstr(error->what, "/2.run is damaged: the checksum of block 0"));
    ck_assert(!weir_trace_work(trace, 100));
    weir_trace_reader_close(reader);
    weir_trace_release(trace);
    end(&f);
}
END_TEST

static weir_env real;
static uint64_t refused, unsealed;

static int create_refused(void *ctx, const char *path, uint64_t size, weir_mapped *mapped)
{
    return refused && refused-- ? ENOSPC : real.map_create(ctx, path, size, mapped);
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

int main(void)
{
    const TTest *const tests[] = { round_trip,       truncated,
                                   one_bit,          of_other_records,
                                   disks_that_fail,  damage_is_found_by_merges,
                                   the_last_run_ends_it, folders,
                                   NULL };
    return test_run(test_suite("segment", tests));
}
