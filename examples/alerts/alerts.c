/* SPDX-License-Identifier: Apache-2.0
 *
 * Keyed state and timers: alerts about payment cards. Three payments of a card within a minute are
 * too many, and a card that was not used for an hour after a large payment is told, too. Shows
 * weir_process: a rule over each card's payments in the order of their time, and timers.
 *
 *     $ alerts
 *     00:00:55 card 4711: 3 payments within a minute
 *     …
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/weir.h>

#include "../no_options.h"

#define PAYMENT(F)    F(u64, card) F(instant, at) F(i64, cents)
#define CARD_STATE(F) F(u64, card) F(u64, recent) F(instant, since) F(i64, large)
#define ALERT(F)      F(u64, card) F(instant, at) F(str, text)
WEIR_RECORD(payment, PAYMENT)
WEIR_RECORD(card_state, CARD_STATE)
WEIR_RECORD(alert, ALERT)

#define SECOND INT64_C(1000000)

static void rule(const payment *p, card_state *s, weir_timers *at, weir_out(alert) out)
{
    if (s->recent == 0 || p->at.us - s->since.us > 60 * SECOND)
        *s = (card_state){ .card = p->card, .since = p->at };
    if (++s->recent == 3)
        alert_emit(out, (alert){ p->card, p->at, weir_str_of("3 payments within a minute") });
    weir_timer_cancel_all(at);
    s->large = p->cents >= 100000 ? p->cents : 0;
    weir_timer_set(at, (weir_instant){ p->at.us + 3600 * SECOND });
}

static void due(weir_instant when, card_state *s, weir_timers *at, weir_out(alert) out)
{
    (void)at;
    if (s->large > 0)
        alert_emit(out, (alert){ s->card, when,
                                 weir_str_format(out, "quiet since it paid %" PRId64,
                                                 s->large / 100) });
    *s = (card_state){ .card = 0 }; /* nothing is kept of a card that is not used */
}
WEIR_PROCESS(rule, due, payment, card_state, alert)

static const payment payments[] = {
    { 4711, { 10 * SECOND }, 1250 },    { 4711, { 90 * SECOND }, 800 },
    { 815, { 20 * SECOND }, 250000 },   { 4711, { 50 * SECOND }, 999 },
    { 4711, { 55 * SECOND }, 2000 },    { 9000, { 400 * SECOND }, 120000 },
    { 9000, { 2000 * SECOND }, 100 },   { 815, { 9000 * SECOND }, 500 },
    { 4711, { 9050 * SECOND }, 1000 },  { 9000, { 9100 * SECOND }, 3000 },
};

static void build(weir_graph *g, void *ctx)
{
    weir_stream(payment) p = weir_to_stream(g, payment, payments,
                                            sizeof payments / sizeof *payments);
    weir_stream(alert)   a = weir_process(p, WEIR_KEY(payment, card), rule,
                                          .order = WEIR_ASC(payment, at));
    weir_capture(a, (weir_captured *)ctx);
}

static void show(const alert *a)
{
    int64_t second = a->at.us / SECOND;
    printf("%02" PRId64 ":%02" PRId64 ":%02" PRId64 " card %" PRIu64 ": %.*s\n", second / 3600,
           second / 60 % 60, second % 60, a->card, (int)a->text.len, weir_str_data(&a->text));
}

static int by_time(const void *a, const void *b)
{
    const alert *x = *(const alert *const *)a, *y = *(const alert *const *)b;
    return x->at.us != y->at.us ? (x->at.us > y->at.us) - (x->at.us < y->at.us)
                                : (x->card > y->card) - (x->card < y->card);
}

/* What all workers have captured, in the order of its time. */
static void show_all(const weir_captured *alerts, unsigned workers)
{
    const alert *all[2 * sizeof payments / sizeof *payments]; /* a payment makes two at most */
    size_t count = 0;
    for (unsigned w = 0; w < workers; w++)
        for (size_t i = 0; i < weir_captured_count(alerts, w); i++)
            all[count++] = weir_captured_at(alerts, w, i).record;
    qsort(all, count, sizeof *all, by_time);
    for (size_t i = 0; i < count; i++)
        show(all[i]);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return no_options(argv, "alerts");
    weir_error error = { .status = WEIR_OK };
    char text[1600];
    weir_captured *alerts = weir_captured_create();
    weir_config config = { .struct_size = sizeof config, .workers = 2 };
    if (!alerts || weir_run(&config, build, alerts, &error) != WEIR_OK) {
        fprintf(stderr, "alerts: %s\n", weir_error_text(&error, text, sizeof text));
        return 1;
    }
    show_all(alerts, config.workers);
    weir_captured_destroy(alerts);
    return fflush(stdout) == 0 ? 0 : 1;
}
