/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches in files: order, files that come and go, full disks, damaged files, memory that fails.
 */
#include "dataflow/spill.h"

#include <string.h>

#include "env/files.h"
#include "harness/disk.h"
#include "property/records.h"
#include "support.h"

#define NUMBER(F) F(u64, n) F(str, text)
WEIR_RECORD(number, NUMBER)

static weir__test_disk disk;

static weir_env in_memory;
static weir__spill_place place = { &in_memory, NULL, "/somewhere" };
static weir__spill spill;
static weir__batch_shape shape = { .depth = 1 };

static const char texts[] = "a text that is longer than what a string holds in itself";

/* A batch whose records begin with n. */
static void write_batch(uint64_t n, size_t records)
{
    number *all = weir_alloc_must(records * sizeof *all);
    for (size_t i = 0; i < records; i++)
        all[i] = (number){ n + i, weir_str_view(texts, (n + i) % sizeof texts) };
    weir_batch batch = { .type = number_type(), .count = records, .records = all, .depth = 1,
                         .time = { { n } } };
    weir_error error = { 0 };
    ck_assert_int_eq(weir__spill_put(&spill, &place, &batch, (uint32_t)n % 7, &error), WEIR_OK);
    weir_free(all, records * sizeof *all);
}

static void read_batch(uint64_t n, size_t records)
{
    weir_error error = { 0 };
    uint32_t port;
    uint64_t size;
    weir_batch *batch;
    ck_assert_int_eq(weir__spill_next(&spill, &place, &port, &size, &error), WEIR_OK);
    ck_assert_uint_eq(port, n % 7);
    ck_assert_uint_ge(size, records * sizeof(number));
    ck_assert_int_eq(weir__spill_take(&spill, &place, &shape, &batch, &error), WEIR_OK);
    ck_assert_uint_eq(batch->count, records);
    ck_assert_uint_eq(batch->time.at[0], n);
    for (size_t i = 0; i < records; i++) {
        const number *got = (const number *)batch->records + i;
        weir_str text = weir_str_view(texts, (n + i) % sizeof texts);
        ck_assert_uint_eq(got->n, n + i);
        ck_assert(weir_str_equal(&got->text, &text));
    }
    weir_batch_release(batch);
}

/* As many come as go, in every mixture; at the end nothing is left. */
static void mix(size_t batches, size_t records)
{
    uint64_t state = test_seed(81), in = 0, out = 0;
    while (out < batches) {
        if (in < batches && (in == out || test_below(&state, 100) < (in / 50 % 2 ? 70u : 40u))) {
            write_batch(in * records, records);
            in++;
        } else {
            read_batch(out * records, records);
            out++;
        }
        ck_assert_uint_eq(spill.batches, in - out);
        ck_assert(spill.batches ? spill.bytes > 0 : spill.bytes == 0);
    }
}

START_TEST(in_order)
{
    mix(2000, 3);
    mix(200, 1000);
    ck_assert_uint_le(disk.files, 1);
    ck_assert_uint_le(disk.used, 1 << 20); /* what is kept is small */
    weir__spill_fini(&spill, &place);
    ck_assert_uint_eq(disk.files, 0);
}
END_TEST

/* What comes before it is put before it, though a part of it was read. */
START_TEST(prepended)
{
    weir__spill front = { 0 }, behind;
    for (uint64_t i = 0; i < 4; i++)
        write_batch(500 + i, 2);
    read_batch(500, 2);
    uint32_t port;
    uint64_t size;
    ck_assert_int_eq(weir__spill_next(&spill, &place, &port, &size, NULL), WEIR_OK);
    behind = spill;
    spill = (weir__spill){ 0 };
    for (uint64_t i = 0; i < 3; i++)
        write_batch(i, 5);
    front = spill;
    spill = behind;
    weir__spill_prepend(&spill, &front);
    weir__spill_prepend(&spill, &front); /* nothing */
    write_batch(900, 1);
    ck_assert_uint_eq(spill.batches, 7);
    for (uint64_t i = 0; i < 3; i++)
        read_batch(i, 5);
    for (uint64_t i = 1; i < 4; i++)
        read_batch(500 + i, 2);
    read_batch(900, 1);
    ck_assert(spill.batches == 0 && spill.bytes == 0);
    weir__spill_fini(&spill, &place);
}
END_TEST

/* More than one file holds: those that have been read are gone. */
START_TEST(many_files)
{
    enum { RECORDS = 20000, BATCHES = 80 }; /* about 1 MB each */
    for (uint64_t i = 0; i < BATCHES; i++)
        write_batch(i * RECORDS, RECORDS);
    unsigned most = disk.files;
    ck_assert_uint_ge(most, 4);
    ck_assert_uint_le(most, 8);
    uint64_t full = disk.used;
    for (uint64_t i = 0; i < BATCHES; i++) {
        read_batch(i * RECORDS, RECORDS);
        if (i == BATCHES / 2)
            ck_assert_uint_lt(disk.used, full * 3 / 4);
    }
    ck_assert_uint_eq(disk.files, 0); /* large ones are not kept */
}
END_TEST

START_TEST(full_disk)
{
    weir_error error = { 0 };
    number one = { 1, weir_str_of("short") };
    weir_batch batch = { .type = number_type(), .count = 1, .records = &one, .depth = 1 };
    write_batch(0, 5);
    disk.limit = disk.used + 50;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(weir__spill_put(&spill, &place, &batch, 0, &error), WEIR_IO);
        ck_assert_str_eq(error.what, "what the budget has no room for cannot be written to a file "
                                     "in /somewhere: No space left on device");
        ck_assert(strstr(error.hint, "--spill-dir") && strstr(error.hint, "--budget"));
    }
    disk.limit = 0; /* nothing of what failed is in the way */
    write_batch(5, 5);
    read_batch(0, 5);
    read_batch(5, 5);
    weir__spill_fini(&spill, &place);
    disk.refused = 1;
    ck_assert_int_eq(weir__spill_put(&spill, &place, &batch, 0, &error), WEIR_IO);
    ck_assert(strstr(error.what, "Too many open files"));
    ck_assert_uint_eq(spill.batches, 0);
}
END_TEST

START_TEST(reads_that_fail)
{
    weir_error error = { 0 };
    weir_batch *batch;
    uint32_t port;
    uint64_t size;
    write_batch(0, 5);
    disk.unread = 1;
    ck_assert_int_eq(weir__spill_next(&spill, &place, &port, &size, &error), WEIR_IO);
    ck_assert(strstr(error.what, "cannot be read from a file in /somewhere: Input/output error"));
    ck_assert_int_eq(weir__spill_next(&spill, &place, &port, &size, &error), WEIR_OK);
    disk.unread = 1;
    ck_assert_int_eq(weir__spill_take(&spill, &place, &shape, &batch, &error), WEIR_IO);
    ck_assert_ptr_null(batch);
    read_batch(0, 5); /* it stayed where it was */
    weir__spill_fini(&spill, &place);
}
END_TEST

/* Every byte of a file, changed, is found out; no memory is lost on the way. */
START_TEST(damage)
{
    write_batch(20, 3);
    uint64_t bytes = spill.bytes;
    weir__spill_fini(&spill, &place);
    size_t before = weir_memory_used();
    for (uint64_t at = 0; at < bytes; at++) {
        weir_error error = { 0 };
        weir_batch *batch;
        write_batch(20, 3);
        weir__test_disk_damage(&disk, at);
        ck_assert_int_eq(weir__spill_take(&spill, &place, &shape, &batch, &error),
                         WEIR_BAD_DATA);
        ck_assert_ptr_null(batch);
        ck_assert(strstr(error.what, "in /somewhere is damaged: "));
        weir__spill_fini(&spill, &place);
    }
    weir__pool_trim(place.pool);
    weir__pool_trim(place.pool);
    ck_assert_uint_le(weir_memory_used(), before + (64 << 10));
}
END_TEST

/* Memory that fails once at any place: the spill goes on. */
START_TEST(memory_fails)
{
    for (uint64_t nth = 1; nth <= 40; nth++) {
        weir_memory_fail_nth(nth, 0);
        for (uint64_t i = 0; i < 6; i++)
            write_batch(i * 200, 200);
        for (uint64_t i = 0; i < 6; i++)
            read_batch(i * 200, 200);
        weir_memory_fail_nth(0, 0);
        weir__spill_fini(&spill, &place);
    }
    weir_memory_exhausted_reset();
}
END_TEST

/* The same on the machine's own files. */
START_TEST(real_files)
{
    weir_env env = { 0 };
    weir__env_files_set(&env);
    place.env = &env;
    place.dir = "/tmp";
    mix(500, 40);
    weir__spill_fini(&spill, &place);
    weir_file *file;
    char bytes[4] = "abc", back[4] = "";
    ck_assert_int_ne(env.file_create(NULL, "/nowhere/at/all", &file), 0);
    ck_assert_ptr_null(file);
    ck_assert_int_eq(env.file_create(NULL, "/tmp", &file), 0);
    ck_assert_int_eq(env.file_write(NULL, file, &(weir__piece){ bytes, 4 }, 1, 100), 0);
    ck_assert_int_eq(env.file_read(NULL, file, &(weir__piece){ back, 4 }, 1, 100), 0);
    ck_assert_str_eq(back, "abc");
    ck_assert_int_ne(env.file_read(NULL, file, &(weir__piece){ back, 4 }, 1, 101), 0);
    env.file_close(NULL, file);
    place.env = &in_memory;
    place.dir = "/somewhere";
}
END_TEST

/* A directory that is full, as the machine says it. */
START_TEST(real_full_disk)
{
    weir_env env = { 0 };
    weir__env_files_set(&env);
    weir_file *file;
    weir_error error = { 0 };
    number one = { 1, weir_str_of("short") };
    weir_batch batch = { .type = number_type(), .count = 1, .records = &one, .depth = 1 };
    weir__spill_place nowhere = { &env, place.pool, "/dev/full" };
    ck_assert_int_eq(weir__spill_put(&spill, &nowhere, &batch, 0, &error), WEIR_IO);
    ck_assert(strstr(error.what, "/dev/full"));
    ck_assert_int_ne(env.file_create(NULL, "/proc", &file), 0);
}
END_TEST

static void open_pool(void)
{
    disk = (weir__test_disk){ 0 };
    weir__test_disk_set(&in_memory, &disk);
    shape.type = number_type();
    place.pool = weir__pool_create();
}

static void close_pool(void)
{
    weir__pool_close(place.pool);
    ck_assert_uint_eq(weir_memory_used(), 0);
}

int main(void)
{
    const TTest *const tests[] = { in_order, prepended, many_files, full_disk, reads_that_fail,
                                   damage, memory_fails, real_files, real_full_disk, NULL };
    return test_run(test_suite_around("spill", tests, open_pool, close_pool));
}
