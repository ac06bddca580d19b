/* SPDX-License-Identifier: Apache-2.0
 *
 * The environment of simulated workers. Each has a clock of its own, which goes on a little
 * whenever it looks at something, so that the turn of one may lie anywhere beside the turns of
 * others. What is sent has a moment of arrival: in order a channel, in any order between channels,
 * and never before the moment the receiver has reached. A wake-up travels behind what was sent
 * before it, and counts if the receiver's flag was raised before it arrives: as with threads.
 */
#include <string.h>

#include <weir/memory.h>

#include "comm/broadcast.h"
#include "dataflow/letter.h"
#include "harness/disk.h"
#include "sim.h"

enum { LOOK_NS = 40, CALL_NS = 10, WAKES = 64 };

/* What is under way from one worker to another, in order: mail, or an entry of a log (no data). */
typedef struct parcel {
    uint64_t arrives_ns;
    weir_mail mail;
} parcel;

typedef struct channel {
    parcel *parcels;
    size_t count, capacity;
    uint64_t last_ns;
    bool reading; /* some of what lay there was taken, and more may be */
} channel;

/* A sum of entries that a slow reader missed, until it is read. */
typedef struct folded {
    const void *data;
    size_t entries;
} folded;

typedef struct sleeper {
    uint64_t now_ns;
    bool flag, asleep;
    uint64_t flag_ns;              /* when it was raised */
    uint64_t due_ns;               /* of its sleep */
    uint64_t wakes[WAKES];         /* moments at which a wake-up arrives */
    unsigned wake_count;
} sleeper;

struct sim_world {
    weir_env table;
    weir__test_disk disk;
    const sim_plan *plan;
    unsigned workers, self;
    bool delays;
    uint64_t random;
    sleeper sleepers[SIM_WORKERS];
    channel mail[SIM_WORKERS][SIM_WORKERS], logs[SIM_WORKERS][SIM_WORKERS]; /* [from][to] */
    void *room[SIM_WORKERS][SIM_WORKERS]; /* of the letter that is being written */
    weir__broadcast *boxes[SIM_WORKERS][SIM_WORKERS];
    weir__broadcast *broadcasts[SIM_WORKERS];
    weir_log_sum sum; /* the runtime's */
    folded *folds;
    size_t fold_count;
};

static uint64_t below(sim_world *w, uint64_t bound)
{
    return test_below(&w->random, bound);
}

static sleeper *current(sim_world *w)
{
    return &w->sleepers[w->self == SIM_NONE ? 0 : w->self];
}

/* Now and then the thread was not running for a while. */
static uint64_t now_ns(void *ctx)
{
    sim_world *w = ctx;
    uint64_t away = w->plan->stalls && below(w, 40) == 0 ? below(w, 300000) : 0;
    return current(w)->now_ns += LOOK_NS + away;
}

static int64_t wall_us(void *ctx)
{
    return 1700000000000000 + (int64_t)(now_ns(ctx) / 1000);
}

static uint64_t random_u64(void *ctx)
{
    return test_random(&((sim_world *)ctx)->random);
}

/* ---- channels ---- */

/* Mostly soon; sometimes so late that the receiver does a lot meanwhile. */
static uint64_t delay(sim_world *w)
{
    if (!w->delays)
        return 0;
    uint64_t n = below(w, 16);
    return n < 8 ? below(w, 300) : n < 14 ? below(w, 4000) : n < 15 ? below(w, 50000)
                                                                    : below(w, 3000000);
}

static void put(sim_world *w, channel *c, unsigned to, weir_mail mail)
{
    uint64_t at = current(w)->now_ns + delay(w), reached = w->sleepers[to].now_ns;
    at = at > c->last_ns ? at : c->last_ns;
    c->last_ns = at > reached ? at : reached;
    if (c->count == c->capacity) {
        c->capacity = c->capacity ? 2 * c->capacity : 16;
        c->parcels = realloc(c->parcels, c->capacity * sizeof *c->parcels);
    }
    c->parcels[c->count++] = (parcel){ c->last_ns, mail };
}

static void forget(channel *c, size_t count)
{
    count = count < c->count ? count : c->count;
    c->count -= count;
    memmove(c->parcels, c->parcels + count, c->count * sizeof *c->parcels);
}

/* Whether the next one has arrived. In the middle of taking some, the next may come just now.
 * Another thread drains what is left. */
static bool has_arrived(sim_world *w, channel *c)
{
    current(w)->now_ns += CALL_NS;
    bool arrived = c->count && (w->self == SIM_NONE ||
                                c->parcels[0].arrives_ns <= current(w)->now_ns ||
                                (c->reading && below(w, 2)));
    c->reading = arrived;
    return arrived;
}

static void *mail_room(void *ctx, unsigned from, unsigned to, size_t most)
{
    sim_world *w = ctx;
    return w->room[from][to] = weir__broadcast_room(w->boxes[from][to], most);
}

static void mail_commit(void *ctx, unsigned from, unsigned to, size_t size)
{
    sim_world *w = ctx;
    weir__broadcast_commit(w->boxes[from][to], size);
    put(w, &w->mail[from][to], to, (weir_mail){ w->room[from][to], size });
}

static bool mail_take(void *ctx, unsigned to, unsigned from, weir_mail *letter)
{
    sim_world *w = ctx;
    channel *c = &w->mail[from][to];
    if (!has_arrived(w, c))
        return false;
    forget(c, 1);
    return weir__broadcast_read(w->boxes[from][to], 0, letter);
}

static void *log_room(void *ctx, unsigned from, size_t most)
{
    return weir__broadcast_room(((sim_world *)ctx)->broadcasts[from], most);
}

static void log_commit(void *ctx, unsigned from, size_t size)
{
    sim_world *w = ctx;
    weir__broadcast_commit(w->broadcasts[from], size);
    for (unsigned to = 0; to < w->workers; to++)
        if (to != from)
            put(w, &w->logs[from][to], to, (weir_mail){ NULL, 0 });
}

static void log_append(void *ctx, unsigned from, const void *entry, size_t size)
{
    memcpy(log_room(ctx, from, size), entry, size);
    log_commit(ctx, from, size);
}

/* ---- sums for slow readers: the runtime's, counted ---- */

typedef struct fold {
    sim_world *world;
    void *sum;
    size_t entries;
} fold;

static folded *find_fold(sim_world *w, const void *data)
{
    for (size_t i = 0; i < w->fold_count; i++)
        if (w->folds[i].data == data)
            return &w->folds[i];
    return NULL;
}

/* How many entries a block stands for; of a sum that is the last that is asked. */
static size_t entries_of(sim_world *w, const void *data)
{
    folded *f = find_fold(w, data);
    size_t entries = f ? f->entries : 1;
    if (f)
        *f = w->folds[--w->fold_count];
    return entries;
}

static void *fold_begin(void *ctx)
{
    sim_world *w = ctx;
    fold *f = malloc(sizeof *f);
    *f = (fold){ .world = w, .sum = w->sum.begin(w->sum.ctx) };
    return f;
}

static void fold_add(void *sum, const void *entry, size_t size)
{
    fold *f = sum;
    f->entries += entries_of(f->world, entry);
    f->world->sum.add(f->sum, entry, size);
}

static weir_mail fold_finish(void *sum)
{
    fold *f = sum;
    sim_world *w = f->world;
    weir_mail block = w->sum.finish(f->sum);
    w->folds = realloc(w->folds, (w->fold_count + 1) * sizeof *w->folds);
    if (block.data)
        w->folds[w->fold_count++] = (folded){ block.data, f->entries };
    free(f);
    return block;
}

/* A sum stands for all entries that are in it; one without anything in it is never read. */
static bool log_read(void *ctx, unsigned to, unsigned from, weir_mail *entry)
{
    sim_world *w = ctx;
    channel *c = &w->logs[from][to];
    if (!has_arrived(w, c))
        return false;
    if (!weir__broadcast_read(w->broadcasts[from], to > from ? to - 1 : to, entry)) {
        forget(c, c->count);
        return false;
    }
    forget(c, entries_of(w, entry->data));
    return true;
}

void sim_world_set_sum(sim_world *w, const weir_log_sum *sum)
{
    w->sum = *sum;
}

/* ---- commands ---- */

static bool order_is_late(void *ctx, unsigned self)
{
    (void)self;
    return below(ctx, 4) == 0;
}

/* ---- sleep ---- */

/* It arrives behind everything that this worker has sent there. */
static void wake(void *ctx, unsigned to)
{
    sim_world *w = ctx;
    sleeper *s = &w->sleepers[to];
    uint64_t at = current(w)->now_ns + (w->delays ? below(w, 200) : 0);
    if (w->self != SIM_NONE) {
        uint64_t mail = w->mail[w->self][to].last_ns, log = w->logs[w->self][to].last_ns;
        at = at > mail ? at : mail;
        at = at > log ? at : log;
    }
    at = at > s->now_ns ? at : s->now_ns;
    if (s->wake_count == WAKES) { /* one that comes later does for both */
        uint64_t last = s->wakes[--s->wake_count];
        at = at > last ? at : last;
    }
    s->wakes[s->wake_count++] = at;
}

/* Before the flag is up much may come that has looked for it in vain. */
static void park_prepare(void *ctx, unsigned self)
{
    sim_world *w = ctx;
    sleeper *s = &w->sleepers[self];
    s->now_ns += CALL_NS + (below(w, 4) == 0 ? below(w, 20000) : 0);
    s->flag = true;
    s->flag_ns = s->now_ns;
}

/* Of a sleeper it is called as soon as it sleeps: the flag then goes down when it is roused. */
static void park_cancel(void *ctx, unsigned self)
{
    sleeper *s = &((sim_world *)ctx)->sleepers[self];
    if (!s->asleep)
        s->flag = false;
}

static int park_fd(void *ctx, unsigned self)
{
    (void)ctx;
    (void)self;
    return -1;
}

void sim_world_wait(sim_world *w, unsigned worker, uint64_t timeout_ns)
{
    sleeper *s = &w->sleepers[worker];
    unsigned kept = 0;
    for (unsigned i = 0; i < s->wake_count; i++)
        if (s->wakes[i] > s->flag_ns) /* those before found no flag */
            s->wakes[kept++] = s->wakes[i];
    s->wake_count = kept;
    s->asleep = true;
    s->due_ns = timeout_ns > UINT64_MAX - s->now_ns ? UINT64_MAX : s->now_ns + timeout_ns;
}

static void sleep_ns(void *ctx, unsigned self, uint64_t wait_ns)
{
    sim_world_wait(ctx, self, wait_ns);
}

uint64_t sim_world_woken_ns(const sim_world *w, unsigned worker)
{
    const sleeper *s = &w->sleepers[worker];
    uint64_t at = UINT64_MAX;
    for (unsigned i = 0; i < s->wake_count; i++)
        at = s->wakes[i] < at ? s->wakes[i] : at;
    return at;
}

uint64_t sim_world_ready_ns(const sim_world *w, unsigned worker)
{
    const sleeper *s = &w->sleepers[worker];
    if (!s->asleep)
        return s->now_ns;
    uint64_t at = sim_world_woken_ns(w, worker);
    return at < s->due_ns ? at : s->due_ns;
}

void sim_world_rouse(sim_world *w, unsigned worker)
{
    sleeper *s = &w->sleepers[worker];
    uint64_t ready = sim_world_ready_ns(w, worker);
    if (ready != UINT64_MAX && ready > s->now_ns)
        s->now_ns = ready;
    s->asleep = s->flag = false;
}

uint64_t sim_world_due_ns(const sim_world *w, unsigned worker)
{
    return w->sleepers[worker].asleep ? w->sleepers[worker].due_ns : 0;
}

void sim_world_wake_at(sim_world *w, unsigned worker, uint64_t at_ns)
{
    sleeper *s = &w->sleepers[worker];
    if (!s->asleep || sim_world_ready_ns(w, worker) <= at_ns || s->wake_count == WAKES)
        return;
    s->wakes[s->wake_count++] = at_ns > s->now_ns ? at_ns : s->now_ns;
}

uint64_t sim_world_delay(sim_world *w) { return delay(w); }

uint64_t sim_world_now_ns(const sim_world *w, unsigned worker)
{
    return w->sleepers[worker].now_ns;
}

void sim_world_stall(sim_world *w, unsigned worker, uint64_t ns)
{
    w->sleepers[worker].now_ns += ns;
}

void sim_world_calm(sim_world *w)
{
    w->delays = false;
}

void sim_world_enter(sim_world *w, unsigned worker)
{
    w->self = worker;
}

/* ---- looking ---- */

size_t sim_world_under_way(const sim_world *w, unsigned worker)
{
    size_t count = 0;
    for (unsigned from = 0; from < w->workers; from++)
        count += w->mail[from][worker].count + w->logs[from][worker].count;
    return count;
}

void sim_world_each_mail(const sim_world *w, sim_mail_fn *fn, void *ctx)
{
    for (unsigned from = 0; from < w->workers; from++)
        for (unsigned to = 0; to < w->workers; to++)
            for (size_t i = 0; i < w->mail[from][to].count; i++) {
                weir_batch view;
                fn(to, weir__letter_look(&w->mail[from][to].parcels[i].mail, &view), ctx);
            }
}

/* ---- life ---- */

sim_world *sim_world_create(const sim_plan *plan, unsigned process)
{
    sim_world *w = aligned_alloc(64, (sizeof *w + 63) / 64 * 64);
    memset(w, 0, sizeof *w);
    w->table = (weir_env){
        .ctx = w, .now_ns = now_ns, .wall_us = wall_us, .random_u64 = random_u64,
        .mail_room = mail_room, .mail_commit = mail_commit, .mail_take = mail_take,
        .log_append = log_append, .log_room = log_room, .log_commit = log_commit,
        .log_read = log_read, .wake = wake,
        .park_prepare = park_prepare, .park_cancel = park_cancel, .park_fd = park_fd,
        .sleep = sleep_ns,
    };
    if (plan->processes > 1)
        w->table.order_is_late = order_is_late;
    weir__test_disk_set(&w->table, &w->disk);
    w->plan = plan;
    w->workers = plan->workers;
    w->self = SIM_NONE;
    w->delays = plan->delays;
    w->random = plan->seed * 5 + plan->limits.schedule * 1000003 + process * 7919;
    weir__broadcast_options options = {
        .readers = w->workers - 1, .chunk_bytes = plan->log_bytes,
        .lag_bytes = plan->log_bytes * 2, .sum = { fold_begin, fold_add, fold_finish, w },
    };
    for (unsigned i = 0; i < w->workers; i++) {
        w->sleepers[i].now_ns = 1000000000 + below(w, 1000);
        w->broadcasts[i] = weir__broadcast_create(&options);
        for (unsigned to = 0; to < w->workers; to++)
            w->boxes[i][to] = weir__broadcast_create(&(weir__broadcast_options){
                .readers = 1, .chunk_bytes = 1024, .lag_bytes = WEIR__BROADCAST_WHATEVER });
    }
    return w;
}

void sim_world_destroy(sim_world *w)
{
    for (unsigned from = 0; from < w->workers; from++) {
        weir__broadcast_destroy(w->broadcasts[from]);
        for (unsigned to = 0; to < w->workers; to++) {
            weir__broadcast_destroy(w->boxes[from][to]);
            free(w->mail[from][to].parcels);
            free(w->logs[from][to].parcels);
        }
    }
    free(w->folds);
    free(w);
}

uint64_t sim_world_segments(const sim_world *w)
{
    return w->disk.mapped;
}

struct weir_env *sim_world_env(sim_world *w)
{
    return &w->table;
}
