/* SPDX-License-Identifier: Apache-2.0
 *
 * From a message's being produced to its effect's being readable in a view. Messages are `WORD NS`;
 * the view has of each word how often it came and its greatest NS. A reader on a thread of its own
 * follows the view as any reader could, and takes now - NS of every change.
 */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <weir/connectors/kafka.h>
#include <weir/table.h>
#include <weir/view.h>

#include "feed.h"
#include "samples.h"

#define MESSAGE(F) F(str, text)
#define SEEN(F) F(str, word) F(u64, ns)
#define LATEST(F) F(str, word) F(i64, count) F(u64, ns)
WEIR_RECORD(message, MESSAGE)
WEIR_RECORD(seen, SEEN)
WEIR_RECORD(latest, LATEST)

static void parse(const message *in, weir_out(seen) out)
{
    weir_str rest = in->text, word, digits;
    if (!weir_str_split(&rest, ' ', &word) || !weir_str_split(&rest, ' ', &digits))
        return;
    uint64_t ns = 0;
    const char *text = weir_str_data(&digits);
    for (uint32_t i = 0; i < digits.len; i++)
        ns = ns * 10 + (uint64_t)(text[i] - '0');
    seen_emit(out, (seen){ word, ns });
}
WEIR_FLAT_MAP(parse, message, seen)

/* ---- the newest of each word, an epoch at a time ---- */

enum { GROUP = 64 };

typedef struct value {
    int64_t count, count_before;
    uint64_t ns, ns_before, epoch; /* of the last change, plus 1 */
} value;

typedef struct state {
    weir_table *table;
    weir_batch **waiting; /* of epochs that are not the earliest open one */
    size_t waiting_count, waiting_capacity;
    value **touched;
    size_t touched_count, touched_capacity;
    uint64_t epoch; /* the open one */
    bool open;
    weir_cap cap;
} state;

static weir_status newest_init(weir_step *step, void *ctx, void **out, weir_error *error)
{
    (void)ctx;
    state *s = calloc(1, sizeof *s);
    if (!s)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a node");
    s->cap = WEIR_CAP_NONE;
    *out = s;
    return weir_table_create(&s->table, &(weir_table_options){
        .struct_size = sizeof(weir_table_options), .type = seen_type(),
        .key = { .count = 1, .field = { 0 } }, .value_size = sizeof(value),
        .hash_seed = weir_step_hash_seed(step), .parts = weir_step_workers(step) }, error);
}

static void newest_fini(void *ctx)
{
    state *s = ctx;
    for (size_t i = 0; i < s->waiting_count; i++)
        weir_batch_release(s->waiting[i]);
    weir_table_destroy(s->table);
    free(s->waiting);
    free(s->touched);
    free(s);
}

static void *grown(void *list, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return list;
    *capacity = *capacity ? *capacity * 2 : 256;
    list = realloc(list, *capacity * size);
    if (!list)
        bench_fail("no memory");
    return list;
}

static void add(state *s, const weir_batch *batch)
{
    void *values[GROUP];
    for (size_t at = 0; at < batch->count; at += GROUP) {
        size_t n = batch->count - at < GROUP ? batch->count - at : GROUP;
        const seen *records = weir_batch_record(batch, at);
        if (weir_table_insert_many(s->table, records, batch->hashes ? batch->hashes + at : NULL, n,
                                   values) < n)
            bench_fail("no memory for words");
        for (size_t i = 0; i < n; i++) {
            value *v = values[i];
            if (v->epoch != s->epoch + 1) {
                v->epoch = s->epoch + 1;
                v->count_before = v->count;
                v->ns_before = v->ns;
                s->touched = grown(s->touched, s->touched_count, &s->touched_capacity,
                                   sizeof *s->touched);
                s->touched[s->touched_count++] = v;
            }
            v->count++;
            v->ns = records[i].ns > v->ns ? records[i].ns : v->ns;
        }
    }
}

/* Words of the generator are short: they lie in the record. */
static void emit_epoch(weir_step *step, state *s)
{
    weir_time t = weir_time_1(s->epoch);
    weir_builder *out = weir_step_output(step, 0, &t);
    weir_out(latest) to = { .builder = out };
    for (size_t i = 0; i < s->touched_count; i++) {
        const value *v = s->touched[i];
        const weir_str *word = weir_table_key(s->table, v);
        if (v->count_before) {
            weir_builder_set_diff(out, -1);
            latest_emit(to, (latest){ *word, v->count_before, v->ns_before });
        }
        weir_builder_set_diff(out, 1);
        latest_emit(to, (latest){ *word, v->count, v->ns });
    }
    s->touched_count = 0;
}

static uint64_t open_epoch(weir_step *step)
{
    const weir_frontier *f = weir_step_frontier(step, 0);
    return weir_frontier_is_empty(f) ? UINT64_MAX : weir_frontier_times(f)->at[0];
}

static uint64_t earliest(const state *s)
{
    uint64_t epoch = UINT64_MAX;
    for (size_t i = 0; i < s->waiting_count; i++)
        if (s->waiting[i]->time.at[0] < epoch)
            epoch = s->waiting[i]->time.at[0];
    return epoch;
}

/* Adds what waits of the open epoch. */
static void add_waiting(state *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->waiting_count; i++) {
        if (s->waiting[i]->time.at[0] != s->epoch) {
            s->waiting[kept++] = s->waiting[i];
            continue;
        }
        add(s, s->waiting[i]);
        weir_batch_release(s->waiting[i]);
    }
    s->waiting_count = kept;
}

/* Keeps a capability for the earliest epoch of which something has come. */
static void take(weir_step *step, state *s)
{
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));) {
        s->waiting = grown(s->waiting, s->waiting_count, &s->waiting_capacity,
                           sizeof *s->waiting);
        s->waiting[s->waiting_count++] = weir_batch_retain(batch);
        bool earlier = s->cap != WEIR_CAP_NONE &&
                       weir_cap_time(step, s->cap).at[0] > batch->time.at[0];
        if (earlier)
            weir_cap_drop(step, s->cap);
        if (earlier || s->cap == WEIR_CAP_NONE)
            s->cap = weir_cap_retain(step, 0, NULL);
    }
}

static void newest_step(weir_step *step, void *ctx)
{
    state *s = ctx;
    take(step, s);
    for (;;) {
        if (!s->open) {
            s->epoch = earliest(s);
            if (s->epoch == UINT64_MAX || s->epoch > open_epoch(step))
                break;
            s->open = true;
        }
        add_waiting(s);
        if (open_epoch(step) <= s->epoch)
            break;
        emit_epoch(step, s);
        s->open = false;
        uint64_t next = earliest(s);
        weir_time t = weir_time_1(next);
        if (next != UINT64_MAX) {
            weir_cap_downgrade(step, s->cap, &t);
        } else {
            weir_cap_drop(step, s->cap);
            s->cap = WEIR_CAP_NONE;
        }
    }
}

static void build(weir_graph *graph, void *ctx)
{
    const bench_options *o = ctx;
    weir_stream(message) in = weir_kafka_source(graph, message, .topic = o->topic,
                                                .brokers = o->bootstrap,
                                                .start = WEIR_KAFKA_LATEST);
    weir_stream(seen) words = weir_flat_map(in, parse);
    weir_node_input takes = { .type = seen_type(), .interest = WEIR_ALWAYS,
                              .route = WEIR_BY_KEY, .key = { .count = 1, .field = { 0 } } };
    weir_node_output gives = { .type = latest_type(), .collection = true,
                               .unique_key = { .count = 1, .field = { 0 } } };
    weir_node *node = weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "newest", .input_count = 1,
        .output_count = 1, .inputs = &takes, .outputs = &gives, .init = newest_init,
        .step = newest_step, .fini = newest_fini }, &words.port);
    weir_stream(latest) s = { .port = weir_node_output_port(node, 0) };
    weir_view(s, "words", WEIR_KEY(latest, word));
}

/* ---- the reader ---- */

typedef struct follower {
    weir_runtime *runtime;
    weir_view *view;
    int changed;
    atomic_bool stop;
    bench_samples samples;
    uint64_t now_ns;
} follower;

static void on_change(weir_view *view, void *ctx)
{
    (void)view;
    uint64_t one = 1;
    ssize_t written = write(((follower *)ctx)->changed, &one, sizeof one);
    (void)written; /* full: the reader is woken anyway */
}

static bool take_sample(const weir_view_row *row, void *ctx)
{
    follower *f = ctx;
    const latest *r = row->record;
    if (row->diff > 0 && r->ns > 0 && f->now_ns > r->ns)
        bench_samples_add(&f->samples, (f->now_ns - r->ns) / 1000);
    return true;
}

static uint64_t monotonic_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void *follow(void *ctx)
{
    follower *f = ctx;
    uint64_t last = 0;
    while (!atomic_load(&f->stop)) {
        struct pollfd fd = { .fd = f->changed, .events = POLLIN };
        uint64_t count;
        if (poll(&fd, 1, 100) <= 0 || read(f->changed, &count, sizeof count) < 0)
            continue;
        weir_view_reader *reader;
        if (weir_view_reader_open(f->view, "latency", &reader, NULL) != WEIR_OK)
            continue;
        f->now_ns = monotonic_ns();
        if (weir_view_reader_changes(reader, last, NULL, take_sample, f) == WEIR_GONE)
            bench_fail("the reader fell behind by more than the view's retention");
        last = weir_view_reader_time(reader);
        weir_view_reader_close(reader);
    }
    return NULL;
}

static follower followed;

static void on_signal(int signal_number)
{
    (void)signal_number;
    weir_runtime_stop(followed.runtime);
}

/* `ready` once the sources read: they say so by their metrics of partitions. */
static void say_ready(weir_worker *worker, void *ctx)
{
    (void)worker;
    (void)ctx;
    printf("ready\n");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    bench_options o = bench_options_read(argc, argv, 1);
    weir_config config = { .struct_size = sizeof config, .workers = o.workers };
    weir_error error = { 0 };
    char text[1600];
    follower *f = &followed;
    f->changed = eventfd(0, EFD_NONBLOCK);
    f->runtime = weir_runtime_create(&config, &error);
    if (!f->runtime || weir_runtime_build(f->runtime, "latency", build, &o, &error) != WEIR_OK)
        bench_fail("%s", weir_error_text(&error, text, sizeof text));
    f->view = weir_views_find(weir_runtime_views(f->runtime), "words");
    weir_view_watch watch = { .fn = on_change, .ctx = f };
    weir_view_watch_add(f->view, &watch);
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGTERM, &action, NULL);
    pthread_t thread;
    if (pthread_create(&thread, NULL, follow, f))
        bench_fail("no thread");
    weir_runtime_call(f->runtime, 0, say_ready, NULL);
    if (weir_runtime_start(f->runtime, &error) != WEIR_OK ||
        weir_runtime_wait(f->runtime, &error) != WEIR_OK)
        bench_fail("%s", weir_error_text(&error, text, sizeof text));
    atomic_store(&f->stop, true);
    pthread_join(thread, NULL);
    weir_view_watch_remove(&watch);
    weir_view_release(f->view);
    bench_samples_print(&f->samples);
    weir_runtime_destroy(f->runtime);
    return 0;
}
