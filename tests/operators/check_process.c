/* SPDX-License-Identifier: Apache-2.0
 *
 * process: against a model that is a loop; order, timers by event time and by the clock, what is
 * forgotten, refusals.
 */
#include <stdio.h>
#include <string.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define PAYMENT(F) F(u64, id) F(str, card) F(instant, at) F(i64, cents)
#define CARD_STATE(F) F(str, card) F(u64, seen) F(i64, cents)
#define ALERT(F) F(str, card) F(str, why) F(u64, seen) F(i64, us)
WEIR_RECORD(payment, PAYMENT)
WEIR_RECORD(card_state, CARD_STATE)
WEIR_RECORD(alert, ALERT)

enum { QUIET_US = 50, LARGE = 900 };

static void rule(const payment *p, card_state *s, weir_timers *at, weir_out(alert) out)
{
    ck_assert(s->seen == 0 || weir_str_equal(&s->card, &p->card));
    s->card = p->card;
    s->seen++;
    s->cents += p->cents;
    if (p->cents > LARGE)
        alert_emit(out, (alert){ p->card, weir_str_of("large"), s->seen, p->at.us });
    weir_timer_cancel_all(at);
    weir_timer_set(at, (weir_instant){ p->at.us + QUIET_US });
    weir_timer_set(at, (weir_instant){ p->at.us + QUIET_US });
    weir_timer_set(at, (weir_instant){ p->at.us + 7 });
    weir_timer_cancel(at, (weir_instant){ p->at.us + 7 });
}

static void due(weir_instant when, card_state *s, weir_timers *at, weir_out(alert) out)
{
    ck_assert(weir_timer_now(at).us < INT64_MAX);
    alert_emit(out, (alert){ weir_str_copy(out, s->card),
                             weir_str_format(out, "%s for long", s->seen % 2 ? "odd" : "quiet"),
                             s->seen, when.us });
    if (s->seen % 2)
        *s = (card_state){ .seen = 0 };
    else
        weir_timer_set(at, (weir_instant){ when.us + QUIET_US });
    if (s->seen)
        s->seen++;
}
WEIR_PROCESS(rule, due, payment, card_state, alert)

/* ---- the model ---- */

enum { RECORDS = 700, CARDS = 40, EPOCHS = 12 };

typedef struct timer {
    bool set;
    int64_t when;
} timer;

typedef struct model {
    uint64_t seen[CARDS];
    timer timers[CARDS];
    int64_t now;
    char text[1 << 20];
    size_t len;
} model;

typedef struct input {
    payment p;
    unsigned card;
    uint64_t epoch;
} input;

static char cards[CARDS][40];

static void tell(model *m, unsigned card, const char *why, int64_t us, uint64_t epoch)
{
    m->len += (size_t)snprintf(m->text + m->len, sizeof m->text - m->len,
                               "(card: \"%s\", why: \"%s\", seen: %llu, us: %lld) @%llu +1\n",
                               cards[card], why, (unsigned long long)m->seen[card],
                               (long long)us, (unsigned long long)epoch);
}

static int by_instant(const void *a, const void *b)
{
    const input *x = a, *y = b;
    if (x->epoch != y->epoch)
        return x->epoch < y->epoch ? -1 : 1;
    if (x->p.at.us != y->p.at.us)
        return x->p.at.us < y->p.at.us ? -1 : 1;
    return weir_record_compare(payment_type(), &x->p, &y->p);
}

static void model_timers(model *m, uint64_t epoch, int64_t until)
{
    for (;;) {
        int next = -1;
        for (int c = 0; c < CARDS; c++)
            if (m->timers[c].set && m->timers[c].when <= until &&
                (next < 0 || m->timers[c].when < m->timers[next].when))
                next = c;
        if (next < 0)
            return;
        timer *t = &m->timers[next];
        tell(m, (unsigned)next, m->seen[next] % 2 ? "odd for long" : "quiet for long", t->when,
             epoch);
        t->set = m->seen[next] % 2 == 0;
        t->when += QUIET_US;
        m->seen[next] = m->seen[next] % 2 ? 0 : m->seen[next] + 1;
    }
}

static void model_run(model *m, input *inputs, size_t count, int64_t lateness)
{
    *m = (model){ .now = INT64_MIN };
    qsort(inputs, count, sizeof *inputs, by_instant);
    for (size_t i = 0; i < count;) {
        uint64_t epoch = inputs[i].epoch;
        for (; i < count && inputs[i].epoch == epoch; i++) {
            unsigned c = inputs[i].card;
            model_timers(m, epoch, inputs[i].p.at.us - lateness);
            m->seen[c]++;
            if (inputs[i].p.cents > LARGE)
                tell(m, c, "large", inputs[i].p.at.us, epoch);
            m->timers[c] = (timer){ true, inputs[i].p.at.us + QUIET_US };
            if (inputs[i].p.at.us - lateness > m->now)
                m->now = inputs[i].p.at.us - lateness;
        }
        model_timers(m, epoch, m->now);
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Lines in any order are the same. */
static void ck_same_lines(const char *got, const char *expected)
{
    static char text[2][1 << 20], *lines[2][1 << 14];
    size_t count[2] = { 0, 0 };
    const char *from[2] = { got, expected };
    for (int k = 0; k < 2; k++) {
        ck_assert_uint_lt(strlen(from[k]), sizeof text[k]);
        memcpy(text[k], from[k], strlen(from[k]) + 1);
        for (char *at = text[k], *end; (end = strchr(at, '\n')); at = end + 1) {
            *end = '\0';
            lines[k][count[k]++] = at;
        }
        qsort(lines[k], count[k], sizeof(char *), by_text);
    }
    ck_assert_uint_eq(count[0], count[1]);
    for (size_t i = 0; i < count[0]; i++)
        ck_assert_str_eq(lines[0][i], lines[1][i]);
}

static unsigned lateness_ms;

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(payment) in = weir_test_input(g, payment);
    if (lateness_ms)
        weir_test_output(weir_process(in, WEIR_KEY(payment, card), rule, .name = "rules",
                                      .order = WEIR_ASC(payment, at), .event_time = "at",
                                      .lateness_ms = lateness_ms));
    else
        weir_test_output(
            weir_process(in, WEIR_KEY(payment, card), rule, .order = WEIR_ASC(payment, at)));
}

static void against_model(uint64_t seed, unsigned workers)
{
    static input inputs[RECORDS];
    static model m;
    uint64_t random = seed;
    for (int c = 0; c < CARDS; c++)
        snprintf(cards[c], sizeof cards[c], c % 3 ? "%d" : "a card with a long number %d", c);
    weir_test *t = weir_test_create(build, NULL, .workers = workers, .seed = seed,
                                    .batch_bytes = seed % 2 ? 300 : 0);
    for (uint64_t i = 0; i < RECORDS; i++) {
        unsigned c = (unsigned)test_below(&random, CARDS);
        uint64_t epoch = test_below(&random, EPOCHS);
        int64_t at = (int64_t)(epoch * (lateness_ms ? 2000 : 40) + test_below(&random, 60));
        inputs[i] = (input){ { i % 500, weir_str_of(cards[c]), { at },
                               (int64_t)test_below(&random, 1000) }, c, epoch };
        weir_test_push_record(t, 0, WEIR_TEST_IN_TURN, &inputs[i].p, epoch, 1);
    }
    for (uint64_t e = 0; e < EPOCHS; e += 1 + test_below(&random, 3)) {
        weir_test_advance(t, 0, e);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
    }
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    model_run(&m, inputs, RECORDS, (int64_t)lateness_ms * 1000);
    ck_assert_ptr_nonnull(strstr(m.text, "quiet for long"));
    ck_assert_ptr_nonnull(strstr(m.text, "odd for long"));
    ck_same_lines(weir_test_take(t, 0), m.text);
    weir_test_destroy(t);
}

START_TEST(like_a_loop)
{
    uint64_t fixed = test_seed(0);
    for (uint64_t seed = fixed ? fixed : 1; seed <= (fixed ? fixed : 18); seed++) {
        lateness_ms = seed % 3 == 2 ? 3 : 0;
        against_model(seed, 1 + (unsigned)seed % 3);
    }
}
END_TEST

/* A worker without a record has an epoch to work off too: the marks of time reach all workers. */
START_TEST(one_card_of_three_workers)
{
    lateness_ms = 0;
    weir_test *t = weir_test_create(build, NULL, .workers = 3);
    for (uint64_t epoch = 0; epoch < 3; epoch++)
        weir_test_push(t, 0, payment, epoch, +1,
                       { epoch, weir_str_of("one"), { 10 * (int64_t)epoch }, 1000 });
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_uint_eq(weir_test_count(t, 0), 3);
    weir_test_destroy(t);
}
END_TEST

/* ---- without order and without timers ---- */

static void totals(const payment *p, card_state *s, weir_timers *at, weir_out(alert) out)
{
    (void)at;
    s->card = p->card;
    s->seen++;
    s->cents += p->cents;
    alert_emit(out, (alert){ .card = p->card, .why = weir_str_copy(out, s->card),
                             .seen = s->seen, .us = s->cents });
}
WEIR_PROCESS_UNTIMED(totals, payment, card_state, alert)

static void build_totals(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(
        weir_process(weir_test_input(g, payment), WEIR_KEY(payment, card), totals));
}

START_TEST(as_they_arrive)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build_totals, NULL, .workers = workers,
                                        .batch_bytes = 200);
        weir_str card = weir_str_of("a card with a long number");
        for (uint64_t i = 0; i < 50; i++)
            weir_test_push(t, 0, payment, 1 - i / 25, +1, { i, card, { 0 }, 1 });
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), 25); /* the epoch that may come later waits */
        weir_test_advance(t, 0, 1);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), 50);
        for (uint64_t i = 0; i < 50; i++) {
            weir_test_change c = weir_test_at(t, 0, i);
            const alert *a = c.record;
            ck_assert_uint_eq(c.time.at[0], i / 25);
            ck_assert_uint_eq(a->seen, i + 1);
            ck_assert(weir_str_equal(&a->card, &card) && weir_str_equal(&a->why, &card));
        }
        weir_test_destroy(t);
    }
}
END_TEST

/* ---- by the clock ---- */

static weir_input(payment) payments_in;
/* The harness's wall clock when its other clock began. */
static const int64_t HARNESS_US = 1700000000000000;

static void build_clock(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(weir_process(weir_input_add(g, payment, &payments_in),
                                  WEIR_KEY(payment, card), rule, .by_clock = true));
}

START_TEST(by_the_clock)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build_clock, NULL, .workers = workers);
        weir_input_handle(payment) h[3];
        for (unsigned w = 0; w < workers; w++)
            h[w] = weir_input_open(payments_in, w);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        int64_t now = HARNESS_US + (int64_t)(weir_worker_now_ns(weir_test_worker(t, 0)) / 1000);
        int64_t later = now + 3600 * INT64_C(1000000);
        weir_input_send(h[0], payment, { 1, weir_str_of("a"), { later }, 1 });
        weir_input_flush(h[0]);
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), 0);
        weir_test_pass_time(t, 3599 * UINT64_C(1000000000));
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), 0);
        weir_test_pass_time(t, 2 * UINT64_C(1000000000));
        ck_assert_int_eq(weir_test_run(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), 1);
        const alert *a = weir_test_at(t, 0, 0).record;
        ck_assert_int_eq(a->us, later + QUIET_US);
        weir_input_send(h[0], payment, { 2, weir_str_of("a"), { later * 2 }, 1 });
        for (unsigned w = 0; w < workers; w++)
            weir_input_close(h[w]);
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK); /* without waiting for the last timer */
        weir_test_destroy(t);
    }
}
END_TEST

/* ---- refusals ---- */

static void late_due(weir_instant when, card_state *s, weir_timers *at, weir_out(alert) out)
{
    (void)s;
    (void)out;
    weir_timer_set(at, when);
}
static void first_rule(const payment *p, card_state *s, weir_timers *at, weir_out(alert) out)
{
    (void)s;
    (void)out;
    weir_timer_set(at, p->at);
}
WEIR_PROCESS(first_rule, late_due, payment, card_state, alert)

static void untimed(const payment *p, card_state *s, weir_timers *at, weir_out(alert) out)
{
    (void)s;
    (void)out;
    weir_timer_set(at, p->at);
}
WEIR_PROCESS_UNTIMED(untimed, payment, card_state, alert)

static void build_wrong(weir_graph *g, void *ctx)
{
    weir_stream(payment) in = weir_test_input(g, payment), none = { .port = NULL };
    ck_assert_ptr_null(weir_process(none, WEIR_KEY(payment, card), rule).port);
    switch (*(const int *)ctx) {
    case 0:
        (void)weir_process(in, WEIR_KEY(payment, card), rule);
        break;
    case 1:
        (void)weir_process(in, WEIR_KEY(payment, card), rule, .event_time = "cents");
        break;
    case 2:
        (void)weir_process(in, WEIR_KEY(payment, card), rule, .order = WEIR_DESC(payment, at));
        break;
    case 3:
        in.port = weir_port_enter(in.port, weir_scope_add(g, NULL, "scope"));
        (void)weir_process(in, WEIR_KEY(payment, card), rule, .event_time = "at");
        break;
    case 4:
        (void)weir_process(weir_as_collection(in), WEIR_KEY(payment, card), rule,
                           .event_time = "at");
        break;
    case 5:
        (void)weir_process(in, WEIR_KEY(payment, card), rule, .by_clock = true);
        break;
    case 6:
        (void)weir_process(in, WEIR_KEY(payment, card), rule, .order = WEIR_ASC(alert, why));
        break;
    case 7:
        (void)weir_process_add_rule(in.port, (const char *const[]){ "nothing", NULL },
                                    &(struct weir_process_options){
                                        .struct_size = sizeof(struct weir_process_options) });
        break;
    case 8:
        weir_test_output(weir_process(in, WEIR_KEY(payment, card), first_rule,
                                      .event_time = "at"));
        break;
    default:
        weir_test_output(weir_process(in, WEIR_KEY(payment, card), untimed));
    }
}

START_TEST(refusals)
{
    static const char *const texts[] = {
        "timers need event time: records 'payment' are in no order of instants",
        "timers cannot go by 'cents': 'payment' has no such field of kind instant",
        "timers need event time",
        "keyed state cannot follow the times of a scope",
        "input 0 does not take the changes of a collection",
        "a manual input meets a source that follows the epoch clock",
        "an order of record 'alert' cannot sort records 'payment'",
        "record 'payment' has no field 'nothing'",
        "a timer that is due sets one that is not after it",
        "a timer is set, and no function was given for it",
    };
    for (int i = 0; i < 10; i++) {
        weir_test *t = weir_test_create(build_wrong, &i);
        weir_test_push(t, 0, payment, 0, +1, { .id = 1 });
        ck_assert_int_ne(weir_test_finish(t), WEIR_OK);
        ck_assert_msg(strstr(weir_test_error(t)->what, texts[i]) != NULL, "%d: %s", i,
                      weir_test_error(t)->what);
        weir_test_destroy(t);
    }
}
END_TEST

int main(void)
{
    return test_run(test_suite("process", (const TTest *const[]){
        like_a_loop, one_card_of_three_workers, as_they_arrive, by_the_clock, refusals, NULL }));
}
