/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows over clicks, by the time in the records: how many there were in each minute, how many
 * each user made in the last minute, and the visits of each user, which end when nothing came for a
 * while.
 *
 *     $ windows
 *     minute 0: 4 clicks
 *     …
 */
#include <inttypes.h>
#include <stdio.h>

#include <weir/weir.h>

#include "../no_options.h"

#define CLICK(F)   F(u64, user) F(instant, at)
#define MINUTE(F)  F(instant, begins) F(i64, clicks)
#define COUNTED(F) F(u64, user) F(instant, at) F(instant, until)
#define RECENT(F)  F(u64, user) F(i64, clicks)
#define VISIT(F)   F(u64, user) F(instant, began) F(instant, last) F(i64, clicks)
WEIR_RECORD(click, CLICK)
WEIR_RECORD(minute, MINUTE)
WEIR_RECORD(counted, COUNTED)
WEIR_RECORD(recent, RECENT)
WEIR_RECORD(visit, VISIT)

#define SECOND INT64_C(1000000)
#define LENGTH (60 * SECOND) /* of a window */
#define QUIET  (30 * SECOND) /* what ends a visit */

enum { MINUTES = 4, USERS = 2 };

static const click clicks[] = {
    { 1, { 5 * SECOND } },   { 1, { 20 * SECOND } },  { 2, { 40 * SECOND } },
    { 1, { 58 * SECOND } },  { 1, { 62 * SECOND } },  { 2, { 110 * SECOND } },
    { 2, { 125 * SECOND } }, { 1, { 170 * SECOND } }, { 2, { 200 * SECOND } },
};

/* ---- tumbling windows: the minute is a field, and a key like any other ---- */

static click floored(const click *c)
{
    int64_t into = (c->at.us % LENGTH + LENGTH) % LENGTH; /* also before 1970 */
    return (click){ c->user, { c->at.us - into } };
}
WEIR_MAP(floored, click, click)

/* ---- sliding ones: a click counts until a minute has passed ---- */

static counted for_a_minute(const click *c)
{
    return (counted){ c->user, c->at, { c->at.us + LENGTH } };
}
WEIR_MAP(for_a_minute, click, counted)

/* ---- sessions ---- */

static void came(const click *c, visit *v, weir_timers *at, weir_out(visit) out)
{
    (void)out;
    if (v->clicks++ == 0)
        *v = (visit){ .user = c->user, .began = c->at, .last = c->at, .clicks = 1 };
    if (c->at.us > v->last.us) /* else it is late */
        v->last = c->at;
    weir_timer_cancel_all(at);
    weir_timer_set(at, (weir_instant){ v->last.us + QUIET });
}

static void was_quiet(weir_instant when, visit *v, weir_timers *at, weir_out(visit) out)
{
    (void)when;
    (void)at;
    visit_emit(out, *v);
    *v = (visit){ .user = 0 };
}
WEIR_PROCESS(came, was_quiet, click, visit, visit)

/* ---- a program around them ---- */

typedef struct program {
    weir_captured *minutes, *recents, *visits;
} program;

static void build(weir_graph *g, void *ctx)
{
    program *p = ctx;
    weir_stream(click) all = weir_to_stream(g, click, clicks, sizeof clicks / sizeof *clicks);
    weir_stream(minute) minutes =
        weir_count(weir_map(all, floored), minute, WEIR_KEY(click, at));
    weir_stream(counted) last_minute =
        weir_temporal_filter(weir_map(all, for_a_minute), .until = "until", .event_time = "at");
    weir_stream(recent) recents = weir_count(last_minute, recent, WEIR_KEY(counted, user));
    weir_stream(visit) visits = weir_process(all, WEIR_KEY(click, user), came,
                                             .order = WEIR_ASC(click, at));
    weir_capture(minutes, p->minutes);
    weir_capture(recents, p->recents);
    weir_capture(visits, p->visits);
}

typedef void see_fn(const void *record, int64_t diff, int64_t which);

static void each(const weir_captured *captured, see_fn *see, int64_t which)
{
    for (unsigned w = 0; w < weir_captured_workers(captured); w++)
        for (size_t i = 0; i < weir_captured_count(captured, w); i++) {
            weir_capture_entry e = weir_captured_at(captured, w, i);
            see(e.record, e.diff, which);
        }
}

static int64_t sum; /* of what was put out for one key: what is true at the end */

static void add_minute(const void *record, int64_t diff, int64_t which)
{
    const minute *m = record;
    sum += m->begins.us == which * LENGTH ? diff * m->clicks : 0;
}

static void add_recent(const void *record, int64_t diff, int64_t which)
{
    const recent *r = record;
    sum += r->user == (uint64_t)which ? diff * r->clicks : 0;
}

static void show_visit(const void *record, int64_t diff, int64_t which)
{
    const visit *v = record;
    (void)diff;
    if (v->user == (uint64_t)which)
        printf("user %" PRIu64 " was there from %d to %d s, %d clicks\n", v->user,
               (int)(v->began.us / SECOND), (int)(v->last.us / SECOND), (int)v->clicks);
}

static void show(const program *p)
{
    for (int i = 0; i < MINUTES; i++, sum = 0) {
        each(p->minutes, add_minute, i);
        printf("minute %d: %d clicks\n", i, (int)sum);
    }
    for (int user = 1; user <= USERS; user++, sum = 0) {
        each(p->recents, add_recent, user);
        printf("user %d: %d clicks in the last minute\n", user, (int)sum);
    }
    for (int user = 1; user <= USERS; user++)
        each(p->visits, show_visit, user);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return no_options(argv, "windows");
    weir_error error = { .status = WEIR_OK };
    char text[1600];
    program p = { weir_captured_create(), weir_captured_create(), weir_captured_create() };
    weir_config config = { .struct_size = sizeof config, .workers = 2 };
    if (!p.minutes || !p.recents || !p.visits || weir_run(&config, build, &p, &error) != WEIR_OK) {
        fprintf(stderr, "windows: %s\n", weir_error_text(&error, text, sizeof text));
        return 1;
    }
    show(&p);
    weir_captured_destroy(p.minutes);
    weir_captured_destroy(p.recents);
    weir_captured_destroy(p.visits);
    return fflush(stdout) == 0 ? 0 : 1;
}
