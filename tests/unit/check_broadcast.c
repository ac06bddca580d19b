/* SPDX-License-Identifier: Apache-2.0
 *
 * The broadcast log: order, placement, freeing, taking slow readers off the log; against a model,
 * and with threads. An entry names the interval of numbers it stands for, and their sum, so that a
 * reader can tell whether it missed, repeated or altered anything.
 */
#include "comm/broadcast.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include <weir/memory.h>

#include "support.h"

/* Check's assertions are for the main thread; these are looked at when a log is closed. */
static atomic_int wrong_line;
#define EXPECT(ok) ((ok) ? (void)0 : atomic_store(&wrong_line, __LINE__))

typedef struct item {
    /* numbers first to first + count - 1, and the sum of value(number) */
    uint64_t first, count, sum;
} item;

static uint64_t value(uint64_t number)
{
    return number * 0x9e3779b97f4a7c15u;
}

/* A sum: adjacent intervals become one. */
static void *item_begin(void *ctx)
{
    if (ctx)
        ++*(unsigned *)ctx;
    return weir_alloc_zero(sizeof(item));
}

static void item_add(void *sum, const void *entry, size_t size)
{
    item *all = sum;
    const item *more = entry;
    EXPECT(size >= sizeof *more);
    if (all->count == 0)
        all->first = more->first;
    EXPECT(all->first + all->count == more->first);
    all->count += more->count;
    all->sum += more->sum;
}

static weir_mail item_finish(void *sum)
{
    return (weir_mail){ .data = sum, .size = sizeof(item) };
}

static weir_log_sum item_sum(unsigned *begun)
{
    return (
        weir_log_sum){ .begin = item_begin, .add = item_add, .finish = item_finish, .ctx = begun };
}

static weir__broadcast *small_log(unsigned readers, unsigned *begun)
{
    weir__broadcast *log = weir__broadcast_create(&(weir__broadcast_options){
        .readers = readers, .chunk_bytes = 512, .lag_bytes = 2048, .sum = item_sum(begun) });
    ck_assert_ptr_nonnull(log);
    return log;
}

static void close_log(weir__broadcast *log)
{
    weir__broadcast_destroy(log);
    ck_assert_msg(wrong_line == 0, "wrong at line %d, seed %lu", wrong_line,
                  (unsigned long)test_seed(0));
}

/* An entry of size bytes for one number; what follows the item must arrive as well. */
static void append(weir__broadcast *log, uint64_t number, size_t size)
{
    static _Thread_local char bytes[20000];
    item one = { .first = number, .count = 1, .sum = value(number) };
    memset(bytes, (int)(number & 0x7f), size);
    memcpy(bytes, &one, sizeof one);
    weir__broadcast_append(log, bytes, size);
}

typedef struct follower {
    uint64_t next, blocks;
} follower;

/* Reads one entry and checks it. */
static bool follow(weir__broadcast *log, unsigned reader, follower *f)
{
    weir_mail entry;
    if (!weir__broadcast_read(log, reader, &entry))
        return false;
    const item *got = entry.data;
    EXPECT(got->first == f->next);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < got->count; i++)
        sum += value(f->next++);
    EXPECT(got->sum == sum);
    if (got->count == 1 && entry.size > sizeof *got)
        for (size_t i = sizeof *got; i < entry.size; i++)
            EXPECT(((const char *)entry.data)[i] == (char)(got->first & 0x7f));
    f->blocks += got->count > 1;
    return true;
}

START_TEST(every_reader_reads_everything_in_order)
{
    weir__broadcast *log = small_log(2, NULL);
    follower f[2] = { { 0, 0 }, { 0, 0 } };
    ck_assert(!follow(log, 0, &f[0]));
    for (uint64_t i = 0; i < 2000; i++) {
        append(log, i, 24 + i % 100 / 8 * 8);
        ck_assert(follow(log, 0, &f[0]));
        ck_assert(!follow(log, 0, &f[0]));
        if (i % 7 == 0)
            while (follow(log, 1, &f[1]))
                ;
    }
    while (follow(log, 1, &f[1]))
        ;
    ck_assert_uint_eq(f[0].next, 2000);
    ck_assert_uint_eq(f[1].next, 2000);
    ck_assert_uint_eq(f[0].blocks + f[1].blocks, 0);
    close_log(log);
}
END_TEST

START_TEST(small_entries_are_one_line)
{
    weir__broadcast *log = small_log(1, NULL);
    char bytes[56] = { 0 };
    weir_mail entry;
    for (size_t size = 0; size <= sizeof bytes; size++) {
        memset(bytes, (int)size, size);
        weir__broadcast_append(log, bytes, size);
        ck_assert(weir__broadcast_read(log, 0, &entry));
        ck_assert_uint_eq(entry.size, size);
        ck_assert_uint_eq((uintptr_t)entry.data % 64, 8);
        ck_assert_int_eq(memcmp(entry.data, bytes, size), 0);
        ck_assert(!weir__broadcast_read(log, 0, &entry));
    }
    close_log(log);
}
END_TEST

START_TEST(sizes_around_and_beyond_a_chunk)
{
    size_t before = weir_memory_used();
    weir__broadcast *log = small_log(1, NULL);
    follower f = { 0, 0 };
    uint64_t number = 0;
    for (size_t size = 24; size < 20000; size = size < 600 ? size + 1 : size * 2 + 1) {
        append(log, number++, size);
        append(log, number++, 24);
        ck_assert(follow(log, 0, &f));
        ck_assert(follow(log, 0, &f));
        ck_assert(!follow(log, 0, &f));
    }
    for (int i = 0; i < 20; i++) { /* chunks of one large entry do not stay */
        append(log, number++, 24);
        ck_assert(follow(log, 0, &f));
        ck_assert(!follow(log, 0, &f));
    }
    ck_assert_uint_le(weir__broadcast_bytes(log), 7 * 512);
    close_log(log);
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

START_TEST(readers_in_step_need_no_memory)
{
    weir__broadcast *log = small_log(2, NULL);
    follower f[2] = { { 0, 0 }, { 0, 0 } };
    for (uint64_t i = 0; i < 3000; i++) {
        if (i == 100)
            weir_memory_fail_nth(1, 1);
        append(log, i, 48);
        for (unsigned r = 0; r < 2; r++)
            while (follow(log, r, &f[r]))
                ;
    }
    weir_memory_fail_nth(0, 0);
    ck_assert(!weir_memory_exhausted());
    ck_assert_uint_eq(f[0].next + f[1].next, 6000);
    close_log(log);
}
END_TEST

/* A header says by its tag that it was written since its chunk was begun, and lies where something
 * else may have lain before: here that has every tag that is about to come. */
START_TEST(what_looks_like_a_header_is_none)
{
    uint64_t seed = test_seed(9), state = seed, chunk = 0, words[58];
    unsigned left = 6; /* lines of a chunk of 512 bytes, less the link's */
    weir__broadcast *log = small_log(1, NULL);
    weir_mail entry;
    for (int i = 0; i < 20000; i++) {
        unsigned lines = 1 + (unsigned)test_below(&state, 6);
        size_t size = lines * 64 - 8;
        chunk += lines > left;
        left = (lines > left ? 6 : left) - lines;
        for (size_t k = 0; k < size / 8; k++)
            words[k] = ((chunk + 1 + test_below(&state, 4)) << 1 | 1) << 32 | 24;
        weir__broadcast_append(log, words, size);
        ck_assert(weir__broadcast_read(log, 0, &entry));
        ck_assert_msg(entry.size == size && memcmp(entry.data, words, size) == 0, "WEIR_SEED=%lu",
                      (unsigned long)seed);
        ck_assert_msg(!weir__broadcast_read(log, 0, &entry), "entry %d, WEIR_SEED=%lu", i,
                      (unsigned long)seed);
    }
    close_log(log);
}
END_TEST

static weir__broadcast *mailbox(void)
{
    weir__broadcast *log = weir__broadcast_create(&(weir__broadcast_options){
        .readers = 1, .chunk_bytes = 512, .lag_bytes = WEIR__BROADCAST_WHATEVER });
    ck_assert_ptr_nonnull(log);
    return log;
}

/* Random runs of both, so that the two ends cross chunk ends at every relative place. */
START_TEST(a_mailbox_keeps_all)
{
    uint64_t seed = test_seed(3), state = seed, sent = 0;
    size_t before = weir_memory_used();
    weir__broadcast *log = mailbox();
    follower f = { 0, 0 };
    for (int round = 0; round < 300; round++) {
        for (uint64_t n = test_below(&state, 900); n > 0; n--)
            append(log, sent++, 24 + test_below(&state, 80));
        for (uint64_t n = test_below(&state, 900); n > 0; n--)
            ck_assert_msg(f.next == sent ? !follow(log, 0, &f) : follow(log, 0, &f), "seed %lu",
                          (unsigned long)seed);
    }
    while (f.next < sent)
        ck_assert(follow(log, 0, &f));
    ck_assert(!follow(log, 0, &f));
    ck_assert_uint_eq(f.blocks, 0);
    append(log, sent, 24); /* nobody will read it */
    close_log(log);
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

/* What pointers in letters point to must be visible too: the writer fills it in plainly. */
typedef struct parcel {
    uint64_t number, check;
} parcel;

enum { PARCELS = 60000 };

static void *write_parcels(void *ctx)
{
    uint64_t state = test_seed(5);
    for (uint64_t i = 0; i < PARCELS; i++) {
        parcel *sent = weir_alloc_must(sizeof *sent);
        *sent = (parcel){ .number = i, .check = ~i };
        weir__broadcast_append(ctx, &sent, sizeof sent);
        if (test_below(&state, 1000) == 0)
            sched_yield();
    }
    return NULL;
}

START_TEST(a_mailbox_of_two_threads)
{
    size_t before = weir_memory_used();
    weir__broadcast *log = mailbox();
    pthread_t writer;
    ck_assert_int_eq(pthread_create(&writer, NULL, write_parcels, log), 0);
    for (uint64_t taken = 0, looks = 0; taken < PARCELS;) {
        weir_mail letter;
        parcel *got;
        if (!weir__broadcast_read(log, 0, &letter)) {
            test_look_again(&looks, "a letter of another thread");
            continue;
        }
        memcpy(&got, letter.data, sizeof got);
        ck_assert_uint_eq(got->number, taken);
        ck_assert_uint_eq(got->check, ~taken);
        weir_free(got, sizeof *got);
        taken++;
    }
    pthread_join(writer, NULL);
    close_log(log);
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

START_TEST(a_reader_behind_gets_one_sum)
{
    unsigned sums = 0;
    weir__broadcast *log = small_log(3, &sums);
    follower f[3] = { { 0, 0 }, { 0, 0 }, { 0, 0 } };
    uint64_t i = 0;
    for (; i < 20; i++) {
        append(log, i, 40);
        for (unsigned r = 0; r < 3; r++)
            while (follow(log, r, &f[r]))
                ;
    }
    while (sums == 0) { /* reader 0 is away; 1 follows, 2 follows by one entry a round */
        append(log, i++, 40);
        while (follow(log, 1, &f[1]))
            ;
        ck_assert(follow(log, 2, &f[2]));
    }
    /* Behind is counted by chunks; 6 of a chunk's 8 lines hold entries. */
    ck_assert_uint_ge(i - 20, (2048 / 512 - 1) * 6);
    ck_assert_uint_le(i - 20, (2048 / 512 + 1) * 6);
    append(log, i++, 40);
    ck_assert(follow(log, 0, &f[0]));
    ck_assert_uint_eq(f[0].blocks, 1);
    ck_assert_uint_ge(f[0].next, i - 2); /* all up to the entry that tipped it, then the log */
    while (follow(log, 0, &f[0]))
        ;
    while (follow(log, 1, &f[1]) || follow(log, 2, &f[2]))
        ;
    for (unsigned r = 0; r < 3; r++)
        ck_assert_uint_eq(f[r].next, i);
    ck_assert_uint_eq(f[0].blocks, 1);
    ck_assert_uint_eq(f[1].blocks + f[2].blocks, 0);
    ck_assert_uint_eq(sums, 1);
    close_log(log);
}
END_TEST

START_TEST(a_reader_that_stays_away_is_bounded)
{
    size_t before = weir_memory_used();
    unsigned sums = 0;
    weir__broadcast *log = small_log(2, &sums);
    follower f[2] = { { 0, 0 }, { 0, 0 } };
    uint64_t i = 0;
    for (; i < 10000; i++) {
        append(log, i, 100);
        while (follow(log, 1, &f[1]))
            ;
        /* the limit, the chunk being written, a chunk where the reader stands, four spare ones */
        ck_assert_uint_le(weir__broadcast_bytes(log), 2048 + 6 * 512);
    }
    ck_assert_uint_gt(sums, 100);
    ck_assert(follow(log, 0, &f[0])); /* sums of sums are one block */
    ck_assert_uint_eq(f[0].blocks, 1);
    ck_assert_uint_ge(f[0].next, 9900);
    while (follow(log, 0, &f[0]))
        ;
    ck_assert_uint_eq(f[0].next, i);
    ck_assert_uint_eq(f[0].blocks, 1);
    close_log(log);
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

START_TEST(blocks_left_over_are_freed)
{
    size_t before = weir_memory_used();
    unsigned sums = 0;
    weir__broadcast *log = small_log(2, &sums);
    follower f = { 0, 0 };
    for (uint64_t i = 0; i < 1000; i++)
        append(log, i, 100);
    ck_assert(follow(log, 1, &f)); /* one block held, one waiting */
    ck_assert_uint_eq(f.blocks, 1);
    close_log(log);
    ck_assert_uint_eq(weir_memory_used(), before);
    weir__broadcast_destroy(NULL);
}
END_TEST

START_TEST(who_is_reading_is_left_alone_and_tried_again)
{
    unsigned sums = 0;
    weir__broadcast *log = small_log(1, &sums);
    weir_mail entry;
    uint64_t i = 0;
    append(log, i++, 1000);
    append(log, i++, 1000);
    ck_assert(weir__broadcast_read(log, 0, &entry)); /* holds an entry while the log grows */
    for (; i < 200; i++)
        append(log, i, 100);
    ck_assert_uint_eq(sums, 0);
    for (size_t b = sizeof(item); b < 1000; b++)
        ck_assert_int_eq(((const char *)entry.data)[b], 0);
    follower f = { 1, 0 };
    while (follow(log, 0, &f))
        ;
    ck_assert_uint_eq(f.next, i);
    ck_assert_uint_eq(f.blocks, 0);
    append(log, i++, 24); /* it has caught up: the next try finds nothing to do, and frees */
    ck_assert_uint_eq(sums, 0);
    ck_assert_uint_le(weir__broadcast_bytes(log), 7 * 512);
    while (follow(log, 0, &f))
        ;
    ck_assert_uint_eq(f.next, i);
    close_log(log);
}
END_TEST

/* A reader that comes by while the writer folds: simulated from inside the fold. */
static struct {
    weir__broadcast *log;
    bool read;
    unsigned tried;
} meeting;

static void item_add_met(void *sum, const void *entry, size_t size)
{
    weir_mail none;
    item_add(sum, entry, size);
    meeting.read |= weir__broadcast_read(meeting.log, 0, &none);
    meeting.tried++;
}

START_TEST(who_meets_the_writer_finds_nothing_for_now)
{
    weir_log_sum sum = item_sum(NULL);
    sum.add = item_add_met;
    meeting.log = weir__broadcast_create(&(weir__broadcast_options){
        .readers = 1, .chunk_bytes = 512, .lag_bytes = 2048, .sum = sum });
    uint64_t i = 0;
    while (meeting.tried == 0)
        append(meeting.log, i++, 100);
    ck_assert(!meeting.read);
    follower f = { 0, 0 };
    while (follow(meeting.log, 0, &f))
        ;
    ck_assert_uint_eq(f.next, i);
    ck_assert_uint_eq(f.blocks, 1);
    close_log(meeting.log);
}
END_TEST

/* Entries that cancel out: the block is empty and not worth a read. */
static void add_nothing(void *sum, const void *entry, size_t size)
{
    (void)sum;
    (void)entry;
    ck_assert_uint_gt(size, 0);
}

static weir_mail finish_nothing(void *sum)
{
    weir_free(sum, sizeof(item));
    return (weir_mail){ NULL, 0 };
}

START_TEST(empty_sums_are_passed_over)
{
    unsigned sums = 0;
    weir_log_sum sum = { item_begin, add_nothing, finish_nothing, &sums };
    weir__broadcast *log = weir__broadcast_create(&(weir__broadcast_options){
        .readers = 1, .chunk_bytes = 512, .lag_bytes = 2048, .sum = sum });
    weir_mail entry;
    uint64_t i = 0;
    while (sums < 3)
        append(log, i++, 100);
    uint64_t after = i;
    /* the entry that tipped it is not in the sum */
    ck_assert(weir__broadcast_read(log, 0, &entry));
    ck_assert_uint_eq(((const item *)entry.data)->first, after - 1);
    ck_assert(!weir__broadcast_read(log, 0, &entry));
    append(log, i++, 100);
    ck_assert(weir__broadcast_read(log, 0, &entry));
    ck_assert_uint_eq(((const item *)entry.data)->first, after);
    close_log(log);
}
END_TEST

START_TEST(nobody_reads)
{
    weir__broadcast *log = small_log(0, NULL);
    for (uint64_t i = 0; i < 1000; i++)
        append(log, i, 100);
    ck_assert_uint_eq(weir__broadcast_bytes(log), 0);
    close_log(log);
}
END_TEST

START_TEST(no_memory)
{
    size_t before = weir_memory_used();
    for (unsigned n = 1; n <= 2; n++) {
        weir_memory_fail_nth(n, 0);
        ck_assert_ptr_null(weir__broadcast_create(&(weir__broadcast_options){ .readers = 2 }));
    }
    weir_memory_fail_nth(0, 0);
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

/* Random appends and readers of random diligence; follow() is the model. */
START_TEST(random_readers)
{
    uint64_t seed = test_seed(17);
    for (uint64_t run = 0; run < 40; run++) {
        uint64_t state = seed + run, appended = 0, blocks = 0;
        enum { READERS = 4 };
        unsigned sums = 0;
        size_t before = weir_memory_used();
        weir__broadcast *log = small_log(READERS, &sums);
        follower f[READERS] = { { 0, 0 } };
        for (int step = 0; step < 3000; step++) {
            size_t most = test_below(&state, 50) == 0 ? 3000 : 150;
            append(log, appended++, sizeof(item) + test_below(&state, most) / 8 * 8);
            for (unsigned r = 0; r < READERS; r++)
                if (test_below(&state, 1 + (20 << (2 * r))) == 0)
                    for (uint64_t n = test_below(&state, 100); n > 0; n--)
                        follow(log, r, &f[r]);
        }
        for (unsigned r = 0; r < READERS; r++) {
            while (follow(log, r, &f[r]))
                ;
            ck_assert_msg(f[r].next == appended, "seed %lu", (unsigned long)seed);
            blocks += f[r].blocks;
        }
        ck_assert_msg(blocks > 0 && blocks <= sums, "seed %lu", (unsigned long)seed);
        close_log(log);
        ck_assert_uint_eq(weir_memory_used(), before);
    }
}
END_TEST

enum { STRESS_READERS = 3, STRESS_ENTRIES = 40000 };

typedef struct stress {
    weir__broadcast *log;
    unsigned reader;
    uint64_t seed;
    follower f;
} stress;

/* Reads in bursts, sometimes stopping with an entry in hand, and goes away in between. */
static void *stress_read(void *ctx)
{
    stress *me = ctx;
    uint64_t state = me->seed + me->reader;
    while (me->f.next < STRESS_ENTRIES) {
        for (uint64_t n = test_below(&state, 400); n > 0; n--)
            if (!follow(me->log, me->reader, &me->f))
                break;
        for (uint64_t n = test_below(&state, 10 * me->reader + 2); n > 0; n--)
            sched_yield();
    }
    EXPECT(!follow(me->log, me->reader, &me->f));
    return NULL;
}

START_TEST(threads_of_random_diligence)
{
    uint64_t seed = test_seed(23), state = seed;
    size_t before = weir_memory_used();
    unsigned sums = 0;
    weir__broadcast *log = small_log(STRESS_READERS, &sums);
    pthread_t threads[STRESS_READERS];
    stress readers[STRESS_READERS];
    for (unsigned r = 0; r < STRESS_READERS; r++) {
        readers[r] = (stress){ .log = log, .reader = r, .seed = seed };
        ck_assert_int_eq(pthread_create(&threads[r], NULL, stress_read, &readers[r]), 0);
    }
    for (uint64_t i = 0; i < STRESS_ENTRIES; i++) {
        append(log, i, sizeof(item) + test_below(&state, 12) * 8);
        if (test_below(&state, 300) == 0)
            sched_yield();
    }
    for (unsigned r = 0; r < STRESS_READERS; r++) {
        pthread_join(threads[r], NULL);
        ck_assert_uint_eq(readers[r].f.next, STRESS_ENTRIES);
    }
    close_log(log);
    ck_assert_uint_eq(weir_memory_used(), before);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_reader_reads_everything_in_order,
        small_entries_are_one_line,
        sizes_around_and_beyond_a_chunk,
        readers_in_step_need_no_memory,
        what_looks_like_a_header_is_none,
        a_mailbox_keeps_all,
        a_mailbox_of_two_threads,
        a_reader_behind_gets_one_sum,
        a_reader_that_stays_away_is_bounded,
        blocks_left_over_are_freed,
        who_is_reading_is_left_alone_and_tried_again,
        who_meets_the_writer_finds_nothing_for_now,
        empty_sums_are_passed_over,
        nobody_reads,
        no_memory,
        random_readers,
        threads_of_random_diligence,
        NULL,
    };
    return test_run(test_suite("broadcast", tests));
}
