/* SPDX-License-Identifier: Apache-2.0
 *
 * capture_events and replay: the same records at the same times and the same progress, with other
 * numbers of workers; collections, scopes, records with times of their own; what is refused.
 */
#include <stdio.h>
#include <string.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "operators/timed.h"
#include "support.h"

#define ITEM(F) F(u64, i) F(str, name) F(opt_i64, price)
#define OTHER(F) F(u64, i) F(str, label) F(opt_i64, price)
WEIR_RECORD(item, ITEM)
WEIR_RECORD(other, OTHER)

static const char text[] = "a text that begins with names of many lengths, some long";

typedef enum form { PLAIN, COLLECTION, TIMED_RECORDS, FORMS } form;

typedef struct capture {
    form form;
    weir_captured *events;
    bool inside; /* a scope */
} capture;

static weir_port *source_of(weir_graph *g, const capture *c)
{
    if (c->form == TIMED_RECORDS)
        return timed_source(g).port;
    return c->form == PLAIN ? weir_test_input(g, item).port : weir_test_collection(g, item).port;
}

static void build_capture(weir_graph *g, void *ctx)
{
    capture *c = ctx;
    weir_stream(item) in = { .port = source_of(g, c) };
    if (c->inside) {
        weir_scope *rounds = weir_scope_add(g, NULL, "rounds");
        weir_stream(item) again;
        weir_loop(item) loop = weir_loop_variable(g, item, rounds, &again, .limit = 3,
                                                  .collection = c->form == COLLECTION);
        in = weir_concat(weir_enter(in, rounds), again);
        weir_loop_connect(loop, in);
    }
    weir_test_output(in);
    weir_capture(weir_capture_events(in), c->events);
}

static char *copy_of(const char *from)
{
    char *to = strdup(from);
    ck_assert_ptr_nonnull(to);
    return to;
}

/* Captures with `workers`; what came out, to be freed. */
static char *run_capture(capture *c, unsigned workers, uint64_t seed)
{
    uint64_t random = seed;
    c->events = weir_captured_create();
    weir_test *t = weir_test_create(build_capture, c, .workers = workers, .seed = seed,
                                    .batch_bytes = 300);
    for (uint64_t i = 0; c->form != TIMED_RECORDS && i < 300; i++) {
        bool set = test_below(&random, 2);
        weir_test_push(t, 0, item, i / 60 + test_below(&random, 3),
                       c->form == PLAIN ? 1 : (int64_t)test_below(&random, 5) - 2,
                       { i, weir_str_view(text, i % 40), { set, set ? (int64_t)i - 7 : 0 } });
        if (i % 50 == 49)
            weir_test_advance(t, 0, i / 60);
        if (i % 20 == 19)
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    char *seen = copy_of(weir_test_take(t, 0));
    weir_test_destroy(t);
    ck_assert_ptr_nonnull(strstr(seen, "names of man"));
    return seen;
}

static void build_replay(weir_graph *g, void *ctx)
{
    capture *c = ctx;
    weir_stream(weir_captured_event) e = weir_captured_stream(g, weir_captured_event, c->events);
    if (c->inside)
        e = weir_enter(e, weir_scope_add(g, NULL, "rounds"));
    if (c->form == TIMED_RECORDS)
        weir_test_output(weir_replay_collection(e, timed));
    else if (c->form == COLLECTION)
        weir_test_output(weir_replay_collection(e, item));
    else
        weir_test_output(weir_replay(e, item));
}

START_TEST(with_other_workers)
{
    for (form f = PLAIN; f < FORMS; f++)
        for (unsigned k = 0; k < 9; k++) {
            capture c = { .form = f, .inside = f != TIMED_RECORDS && k % 2 };
            char *seen = run_capture(&c, 1 + k / 3, k + 1);
            ck_assert_uint_eq(weir_captured_workers(c.events), 1 + k / 3);
            weir_test *t = weir_test_create(build_replay, &c, .workers = 1 + k % 3, .seed = k + 1,
                                            .batch_bytes = k % 2 ? 0 : 200);
            ck_assert_msg(weir_test_finish(t) == WEIR_OK, "%s", weir_test_error(t)->what);
            ck_assert_str_eq(weir_test_take(t, 0), seen);
            weir_test_destroy(t);
            weir_captured_destroy(c.events);
            free(seen);
        }
}
END_TEST

/* ---- events one by one: progress, and what is wrong with them ---- */

static void build_events(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_replay(weir_test_input(g, weir_captured_event), item));
}

static weir_captured_event event_of(const weir_captured *events, unsigned worker, size_t i)
{
    return *(const weir_captured_event *)weir_captured_at(events, worker, i).record;
}

static void push(weir_test *t, const weir_captured_event *e)
{
    weir_test_push_record(t, 0, 0, e, 0, 1);
}

START_TEST(progress_is_replayed)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        capture c = { .form = PLAIN };
        char *seen = run_capture(&c, 1, 5);
        weir_test *t = weir_test_create(build_events, NULL, .workers = workers);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_str_eq(weir_test_frontier(t, 0), "{0}");
        unsigned moves = 0;
        char last[40] = "{0}";
        for (size_t i = 0; i < weir_captured_count(c.events, 0); i++) {
            weir_captured_event e = event_of(c.events, 0, i);
            push(t, &e);
            push(t, &e); /* comes twice: passed over */
            ck_assert_int_eq(weir_test_run(t), WEIR_OK);
            moves += strcmp(weir_test_frontier(t, 0), last) != 0;
            (void)snprintf(last, sizeof last, "%s", weir_test_frontier(t, 0));
        }
        ck_assert_uint_gt(moves, 3);
        ck_assert_str_eq(last, "{}");
        ck_assert_str_eq(weir_test_take(t, 0), seen);
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        weir_test_destroy(t);
        weir_captured_destroy(c.events);
        free(seen);
    }
}
END_TEST

static void seal(weir_captured_event *e)
{
    e->checksum = weir_captured_event_checksum(e);
}

static void ck_refused(weir_test *t, weir_status status, const char *what)
{
    ck_assert_int_eq(weir_test_finish(t), status);
    ck_assert_msg(strstr(weir_test_error(t)->what, what) != NULL, "%s",
                  weir_test_error(t)->what);
    weir_test_destroy(t);
}

START_TEST(wrong_events)
{
    capture c = { .form = PLAIN };
    char *seen = run_capture(&c, 1, 5);
    weir_captured_event first = event_of(c.events, 0, 0), second = event_of(c.events, 0, 1),
                        third = event_of(c.events, 0, 2), wrong = second;
    weir_test *t = weir_test_create(build_events, NULL);
    ck_refused(t, WEIR_BAD_DATA, "there are no events to replay");
    t = weir_test_create(build_events, NULL, .workers = 2);
    push(t, &first);
    push(t, &second);
    ck_refused(t, WEIR_BAD_DATA, "part 0 of 1 has no last event after 2");
    t = weir_test_create(build_events, NULL);
    push(t, &first);
    push(t, &third);
    ck_refused(t, WEIR_BAD_DATA, "event 2 of part 0: event 1 is missing before it");
    t = weir_test_create(build_events, NULL);
    push(t, &second);
    ck_refused(t, WEIR_BAD_DATA, "no first event of its part came before");
    wrong.checksum++;
    t = weir_test_create(build_events, NULL);
    push(t, &first);
    push(t, &wrong);
    ck_refused(t, WEIR_BAD_DATA, "event 1 of part 0: its checksum does not fit");
    wrong = second;
    wrong.payload.len--;
    seal(&wrong);
    t = weir_test_create(build_events, NULL);
    push(t, &first);
    push(t, &wrong);
    ck_refused(t, WEIR_BAD_DATA, "event 1 of part 0");
    wrong = first;
    wrong.part = 7;
    seal(&wrong);
    t = weir_test_create(build_events, NULL);
    push(t, &wrong);
    ck_refused(t, WEIR_BAD_DATA, "no first event of its part came before");
    weir_captured_destroy(c.events);
    free(seen);
}
END_TEST

/* A stop in the middle is no damage. */
START_TEST(a_stop_is_no_damage)
{
    capture c = { .form = PLAIN };
    free(run_capture(&c, 1, 5));
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build_events, NULL, .workers = workers);
        for (size_t i = 0; i < 4; i++) {
            weir_captured_event e = event_of(c.events, 0, i);
            push(t, &e);
        }
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        weir_runtime_stop(weir_test_runtime(t));
        ck_assert_msg(weir_test_run(t) == WEIR_OK, "%s", weir_test_error(t)->what);
        ck_assert(weir_test_is_complete(t));
        weir_test_destroy(t);
    }
    weir_captured_destroy(c.events);
}
END_TEST

static void build_other(weir_graph *g, void *ctx)
{
    capture *c = ctx;
    weir_stream(weir_captured_event) e = weir_captured_stream(g, weir_captured_event, c->events);
    if (c->inside)
        e = weir_enter(e, weir_scope_add(g, NULL, "rounds"));
    if (c->form == COLLECTION || c->inside)
        weir_test_output(weir_replay(e, item));
    else
        weir_test_output(weir_replay(e, other));
}

START_TEST(other_streams)
{
    static const char *const texts[] = {
        "other records were captured: field 'label' of 'other' is not what it was",
        "a collection was captured: replay it by weir_replay_collection",
        "times with 1 coordinates were captured, and are replayed where times have 2",
    };
    for (unsigned k = 0; k < 3; k++) {
        capture c = { .form = k == 1 ? COLLECTION : PLAIN };
        free(run_capture(&c, 1, 5));
        c.inside = k == 2;
        weir_test *t = weir_test_create(build_other, &c);
        ck_refused(t, WEIR_TYPE_MISMATCH, texts[k]);
        weir_captured_destroy(c.events);
    }
}
END_TEST

static void build_no_events(weir_graph *g, void *ctx)
{
    (void)ctx;
    ck_assert_ptr_null(weir_replay_erased(NULL, item_type(), false));
    ck_assert_ptr_null(weir_capture_events_erased(NULL, NULL));
    ck_assert_ptr_null(weir_replay_erased(weir_test_input(g, item).port, item_type(), false));
}

START_TEST(no_events)
{
    weir_test *t = weir_test_create(build_no_events, NULL);
    ck_assert_int_eq(weir_test_error(t)->status, WEIR_TYPE_MISMATCH);
    ck_assert_str_eq(weir_test_error(t)->what, "the stream carries 'item', not captured events");
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    return test_run(test_suite("replay", (const TTest *const[]){
        with_other_workers, progress_is_replayed, wrong_events, a_stop_is_no_damage, other_streams,
        no_events, NULL }));
}
