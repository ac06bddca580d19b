/* SPDX-License-Identifier: Apache-2.0
 *
 * accumulate: against a computation from scratch at every epoch; states and results with long
 * strings; keys that vanish; what is charged; refusals.
 */
#include <weir/operators/accumulate.h>

#include <stdio.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "bag.h"
#include "support.h"

#define NOTE(F) F(u32, bell) F(str, who) F(i64, weight)
#define HEARD(F) F(i64, weight) F(i64, notes) F(str, longest)
#define REPORT(F) F(str, text) F(u32, bell)
WEIR_RECORD(note, NOTE)
WEIR_RECORD(heard, HEARD)
WEIR_RECORD(report, REPORT)

enum { EPOCHS = 8, CHANGES = 300, BELLS = 5 };

static const char *const people[] = { "ann", "somebody of a long name", "bo", "another long name" };

/* The state keeps a long string of its own: of the bell, so that it depends on no order. */
static void hear(const note *n, int64_t times, heard *h)
{
    h->weight += times * n->weight;
    h->notes += times;
    h->longest = weir_str_of(people[n->bell % 4]);
}
static report tell(const note *key, const heard *h)
{
    ck_assert_uint_eq(key->who.len, 0);
    ck_assert_int_eq(key->weight, 0);
    if (h->weight % 3 == 0) /* often the same as before */
        return (report){ weir_str_of("a multiple of three"), key->bell };
    return (report){ h->longest, key->bell + (uint32_t)(h->weight & 1) };
}
WEIR_ACCUMULATE(hear, tell, note, heard, report)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(note) notes = weir_test_collection(g, note);
    weir_test_output(weir_accumulate(notes, WEIR_KEY(note, bell), hear));
}

typedef struct change {
    note record;
    uint64_t epoch;
    int64_t diff;
    bool is_gone;
} change;

static void compare(weir_test *t, const change *changes, size_t count)
{
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        bag wanted = { .count = 0 };
        weir_time time = weir_time_1(epoch);
        for (uint32_t bell = 0; bell < BELLS; bell++) {
            heard h = { 0 };
            note key = { .bell = bell };
            for (size_t i = 0; i < count; i++)
                if (changes[i].record.bell == bell && changes[i].epoch <= epoch)
                    hear(&changes[i].record, changes[i].diff, &h);
            report r = tell(&key, &h);
            if (h.notes)
                bag_add_record(&wanted, report_type(), &r, 1);
        }
        bag_expect(&wanted, t, 0, report_type(), &time);
    }
}

static void run(uint64_t seed)
{
    uint64_t random = seed;
    change *changes = calloc(CHANGES, sizeof *changes);
    size_t count = 0;
    weir_test *t = weir_test_create(build, NULL, .workers = 1 + (unsigned)(seed % 3),
                                    .seed = seed, .batch_bytes = seed % 2 ? 256 : 0);
    for (uint64_t now = 0; now < EPOCHS; now++) {
        for (uint64_t n = test_below(&random, CHANGES / EPOCHS); n > 0; n--) {
            change *c = &changes[count++];
            c->epoch = now + test_below(&random, 3);
            c->epoch = c->epoch < EPOCHS ? c->epoch : EPOCHS - 1;
            c->diff = 1 + (int64_t)test_below(&random, 3);
            c->record = (note){ (uint32_t)test_below(&random, BELLS),
                                weir_str_of(people[test_below(&random, 4)]),
                                (int64_t)test_below(&random, 4) };
            change *old = &changes[test_below(&random, count)];
            if (old != c && !old->is_gone && test_below(&random, 3)) { /* what was there goes */
                c->record = old->record;
                c->diff = -old->diff;
                c->epoch = c->epoch < old->epoch ? old->epoch : c->epoch;
                c->is_gone = old->is_gone = true;
            }
            weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, &c->record, c->epoch, c->diff);
        }
        if (test_below(&random, 2))
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        weir_test_advance(t, 0, now + 1);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    compare(t, changes, count);
    weir_test_destroy(t);
    free(changes);
}

START_TEST(like_from_scratch)
{
    test_each_seed(run, 24);
}
END_TEST

START_TEST(a_key_vanishes)
{
    weir_test *t = weir_test_create(build, NULL);
    weir_test_push(t, 0, note, 0, 2, { 1, weir_str_of("ann"), 5 });
    weir_test_push(t, 0, note, 1, -2, { 1, weir_str_of("ann"), 5 });
    weir_test_push(t, 0, note, 2, 1, { 1, weir_str_of("bo"), 1 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_str_eq(weir_test_take(t, 0),
                     "(text: \"somebody of a long name\", bell: 1) @0 +1\n"
                     "(text: \"somebody of a long name\", bell: 1) @1 -1\n"
                     "(text: \"somebody of a long name\", bell: 2) @2 +1\n");
    weir_test_destroy(t);
}
END_TEST

/* ---- refusals ---- */

static void fold(const void *record, int64_t n, void *state)
{
    (void)record;
    (void)n;
    (void)state;
}
static void close_it(const void *key, const void *state, void *result)
{
    (void)key;
    (void)state;
    (void)result;
}

static void refuse(weir_graph *g, const weir_type *in, const weir_type *state, const char *key)
{
    const char *const names[] = { key, NULL };
    weir_accumulate_spec spec = { sizeof spec, "mine", in, state, report_type(), names, fold,
                                  close_it };
    ck_assert_ptr_null(weir_accumulate_erased(NULL, &spec));
    ck_assert_ptr_null(weir_accumulate_erased(weir_test_input(g, note).port, &spec));
}
static void refuse_stream(weir_graph *g, void *ctx)
{
    (void)ctx;
    refuse(g, report_type(), heard_type(), "bell");
}
static void refuse_key(weir_graph *g, void *ctx)
{
    (void)ctx;
    refuse(g, note_type(), heard_type(), "colour");
}
static void refuse_size(weir_graph *g, void *ctx)
{
    static const weir_field field = { .name = "n", .kind = WEIR_KIND_u64 };
    static const weir_type large = { sizeof large, "large", 4000, 8, 1, &field, false };
    (void)ctx;
    refuse(g, note_type(), &large, "bell");
}

static void refused(weir_build_fn *fn, weir_status status, const char *what)
{
    weir_test *t = weir_test_create(fn, NULL);
    ck_assert_int_eq(weir_test_error(t)->status, status);
    ck_assert_str_eq(weir_test_error(t)->what, what);
    ck_assert(weir_test_error(t)->hint[0]);
    weir_test_destroy(t);
}

START_TEST(refusals)
{
    refused(refuse_stream, WEIR_TYPE_MISMATCH,
            "the stream carries 'note', the function takes 'report'");
    refused(refuse_key, WEIR_TYPE_MISMATCH, "record 'note' has no field 'colour'");
    refused(refuse_size, WEIR_TOO_LARGE,
            "a state 'large' and a result 'report' have over 3500 bytes");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_from_scratch, a_key_vanishes, refusals, NULL };
    return test_run(test_suite("accumulate", tests));
}
