/* SPDX-License-Identifier: Apache-2.0
 *
 * Forms of what leaves a dataflow: captured in memory, as lines of a file, as messages of a topic.
 * In the end what is outside has to be what the collection was, at each time that it tells; of what
 * tells no times, at the last one.
 */
#include <stdlib.h>
#include <string.h>

#include <weir/connectors/file.h>
#include <weir/connectors/kafka_simulated.h>
#include <weir/weir.h>

#include "forms.h"

#define ITEMS(port_) ((weir_stream(item)){ .port = (port_) })

enum { LAST = SIM_SEEN_EPOCHS - 1, PARTITIONS = 2 };

static void add(struct sim_use *use, const weir_time *time, item record, int64_t count)
{
    unsigned op = (unsigned)(use->op - use->flow->plan.ops);
    sim_records_add(&use->flow->output, &(sim_record){ op, *time, record, count });
}

static void same(const sim_at *at, sim_bag *out)
{
    const sim_bag *in = sim_at_input(at, 0, NULL);
    for (size_t k = 0; k < in->count; k++)
        sim_bag_add(out, in->items[k].record, in->items[k].count);
}

/* ---- captured ---- */

static void gather_captured(struct sim_use *use)
{
    weir_frontier left;
    for (unsigned p = 0; p < SIM_PROCESSES && use->kept[p].captured; p++) {
        const weir_captured *c = use->kept[p].captured;
        unsigned workers = use->flow->run->plan->workers;
        weir_frontier_init(&left, weir_captured_depth(c));
        for (unsigned w = 0; w < weir_captured_workers(c); w++) {
            for (size_t i = 0; i < weir_captured_count(c, w); i++) {
                weir_capture_entry e = weir_captured_at(c, w, i);
                add(use, &e.time, *(const item *)e.record, e.diff);
            }
            weir_captured_frontier(c, w, &left);
            if (w / workers == p && !weir_frontier_is_empty(&left))
                sim_fail(use->flow->run, "what was captured by worker %u has not ended", w);
        }
        weir_frontier_fini(&left);
    }
}

static weir_port *build_capture(const sim_op *op, weir_port *const *in)
{
    if (!in[0])
        return NULL;
    struct sim_use *use = sim_use_of(weir_port_graph(in[0]), op);
    struct sim_kept *kept = &use->kept[sim_process_that_builds(weir_port_graph(in[0]))];
    kept->captured = weir_captured_create();
    use->gather = gather_captured;
    weir_capture(ITEMS(in[0]), kept->captured);
    return NULL;
}

/* ---- lines and messages ---- */

#define CHANGE(F) F(u64, key) F(u64, value) F(u64, hops) F(u64, time) F(i64, diff)
#define TALLIED(F) F(u64, key) F(i64, records)
WEIR_RECORD(change, CHANGE)
WEIR_RECORD(tallied, TALLIED)

static bool decode(struct sim_use *use, const weir_type *type, weir_codec codec, const char *bytes,
                   size_t size, void *record)
{
    weir_decoder *decoder;
    weir_decode_sink none = { 0 };
    weir_decoder_options options = { .struct_size = sizeof options, .codec = codec };
    weir_error error = { .status = WEIR_OK };
    weir_str text = weir_str_view(bytes, size);
    bool done = weir_decoder_create(type, &options, &decoder, &error) == WEIR_OK;
    if (done) {
        done = weir_decode(decoder, &text, &none, record, &error) == WEIR_OK;
        weir_decoder_destroy(decoder);
    }
    if (!done)
        sim_fail(use->flow->run, "what was left outside is '%.*s': %s", (int)size, bytes,
                 error.what);
    return done;
}

static void add_change(struct sim_use *use, weir_codec codec, const char *bytes, size_t size)
{
    change c;
    if (!decode(use, change_type(), codec, bytes, size, &c))
        return;
    weir_time at = weir_time_1(c.time);
    add(use, &at, (item){ c.key, c.value, c.hops }, c.diff);
}

static void gather_file(struct sim_use *use)
{
    char line[400];
    for (unsigned p = 0; p < SIM_PROCESSES && use->kept[p].file; p++) {
        rewind(use->kept[p].file);
        while (fgets(line, sizeof line, use->kept[p].file))
            add_change(use, WEIR_CODEC_JSON, line, strlen(line));
    }
}

static weir_port *build_file(const sim_op *op, weir_port *const *in)
{
    char path[40];
    if (!in[0])
        return NULL;
    struct sim_use *use = sim_use_of(weir_port_graph(in[0]), op);
    FILE **file = &use->kept[sim_process_that_builds(weir_port_graph(in[0]))].file;
    *file = tmpfile(); /* it has no name, and goes with the process */
    use->gather = gather_file;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fileno(*file));
    weir_file_sink(ITEMS(in[0]), .path = path);
    return NULL;
}

/* ---- topics ---- */

/* Calls fn for each message, partition by partition, in the order of offsets. */
static void each_message(struct sim_use *use,
                         void (*fn)(struct sim_use *use, const weir_kafka_record *message,
                                    void *ctx),
                         void *ctx)
{
    char topic[40];
    weir_kafka_record message;
    sim_topic_name(use, topic, sizeof topic);
    for (int32_t p = 0; p < PARTITIONS; p++)
        for (int64_t at = 0; at < weir_kafka_simulated_end(use->flow->run->broker, topic, p); at++)
            if (weir_kafka_simulated_read(use->flow->run->broker, topic, p, at, &message))
                fn(use, &message, ctx);
}

static weir_codec codec_of(const struct sim_use *use)
{
    return use->op->b % 2 ? WEIR_CODEC_MSGPACK : WEIR_CODEC_JSON;
}

static struct sim_use *open_topic(weir_graph *graph, const sim_op *op, char *topic, size_t size)
{
    struct sim_use *use = sim_use_of(graph, op);
    sim_topic_name(use, topic, size);
    weir_kafka_simulated_topic(sim_broker(use->flow->run), topic, PARTITIONS);
    return use;
}

static void change_of(struct sim_use *use, const weir_kafka_record *message, void *ctx)
{
    (void)ctx;
    add_change(use, codec_of(use), message->value, message->value_len);
}
static void gather_changes(struct sim_use *use)
{
    each_message(use, change_of, NULL);
}

static weir_port *build_changes(const sim_op *op, weir_port *const *in)
{
    char topic[40];
    if (!in[0])
        return NULL;
    struct sim_use *use = open_topic(weir_port_graph(in[0]), op, topic, sizeof topic);
    use->gather = gather_changes;
    weir_kafka_sink(ITEMS(in[0]), .topic = topic, .broker = use->flow->run->broker, .changes = true,
                    .codec = codec_of(use));
    return NULL;
}

/* Of a plain stream what was sent, with no time. */
static void record_of(struct sim_use *use, const weir_kafka_record *message, void *ctx)
{
    item i;
    (void)ctx;
    weir_time at = weir_time_1(LAST);
    if (decode(use, item_type(), codec_of(use), message->value, message->value_len, &i))
        add(use, &at, i, 1);
}
static void gather_plain(struct sim_use *use)
{
    each_message(use, record_of, NULL);
}

static weir_port *build_plain(const sim_op *op, weir_port *const *in)
{
    char topic[40];
    if (!in[0])
        return NULL;
    struct sim_use *use = open_topic(weir_port_graph(in[0]), op, topic, sizeof topic);
    use->gather = gather_plain;
    if (op->a % 2)
        weir_kafka_sink(ITEMS(in[0]), .topic = topic, .broker = use->flow->run->broker,
                        .codec = codec_of(use));
    else
        weir_kafka_sink_by(ITEMS(in[0]), WEIR_KEY(item, key), .topic = topic,
                           .broker = use->flow->run->broker, .codec = codec_of(use));
    return NULL;
}

static void at_last(const sim_at *at, sim_bag *out)
{
    if (at->time.at[0] >= LAST)
        same(at, out);
}

/* Upserts: of each key the last message counts; one without a value takes it away. */
typedef struct table {
    weir_kafka_record *messages;
    size_t count;
} table;

static void keep_newest(struct sim_use *use, const weir_kafka_record *message, void *ctx)
{
    table *t = ctx;
    size_t i = 0;
    (void)use;
    while (i < t->count && (t->messages[i].key_len != message->key_len ||
                            memcmp(t->messages[i].key, message->key, message->key_len) != 0))
        i++;
    if (i == t->count)
        t->messages = realloc(t->messages, ++t->count * sizeof *t->messages);
    t->messages[i] = *message;
}

static item of_tallied(const tallied *t)
{
    return (item){ t->key, sim_small(t->records), 1 };
}

static void gather_upserts(struct sim_use *use)
{
    table t = { .messages = NULL };
    weir_time at = weir_time_1(LAST);
    each_message(use, keep_newest, &t);
    for (size_t i = 0; i < t.count; i++) {
        const weir_kafka_record *m = &t.messages[i];
        tallied of_key;
        if (m->value && use->op->a % 2)
            record_of(use, m, NULL);
        else if (m->value &&
                 decode(use, tallied_type(), codec_of(use), m->value, m->value_len, &of_key))
            add(use, &at, of_tallied(&of_key), 1);
    }
    free(t.messages);
}

static weir_port *build_upserts(const sim_op *op, weir_port *const *in)
{
    char topic[40];
    if (!in[0])
        return NULL;
    struct sim_use *use = open_topic(weir_port_graph(in[0]), op, topic, sizeof topic);
    use->gather = gather_upserts;
    unsigned every_ms = op->b % 3 == 0 ? 2 : 0;
    if (op->a % 2)
        weir_kafka_sink_by(weir_distinct(ITEMS(in[0])), WEIR_KEY(item, key, value, hops),
                           .topic = topic, .broker = use->flow->run->broker, .every_ms = every_ms,
                           .codec = codec_of(use));
    else
        weir_kafka_sink(weir_count(ITEMS(in[0]), tallied, WEIR_KEY(item, key)), .topic = topic,
                        .broker = use->flow->run->broker, .every_ms = every_ms,
                        .codec = codec_of(use));
    return NULL;
}

static void upserts(const sim_at *at, sim_bag *out)
{
    size_t i = 0;
    sim_of_key of;
    const sim_bag *in = sim_at_input(at, 0, NULL);
    if (at->time.at[0] < LAST)
        return;
    for (; at->op->a % 2 && i < in->count; i++)
        sim_bag_add(out, in->items[i].record, in->items[i].count > 0);
    while (sim_bag_next_key(in, &i, &of))
        sim_bag_add(out, of_tallied(&(tallied){ of.key, of.total }), of.total != 0);
}

const sim_form sim_forms_sinks[] = {
    { "capture", 1, 0, SIM_LATE | SIM_LEAVES, 0, 8, build_capture, same, NULL },
    { "file_sink", 1, 0, SIM_LATE | SIM_LEAVES | SIM_OUTSIDE, 0, 10, build_file, same, NULL },
    { "kafka_sink of changes", 1, 0, SIM_LATE | SIM_LEAVES | SIM_OUTSIDE, 0, 12, build_changes,
      same, NULL },
    { "kafka_sink of upserts", 1, 0, SIM_LATE | SIM_LEAVES | SIM_OUTSIDE, 0, 12, build_upserts,
      upserts, NULL },
    { "kafka_sink of a plain stream", 1, 0, SIM_LATE | SIM_LEAVES | SIM_OUTSIDE | SIM_OF_SOURCE, 0,
      25, build_plain, at_last, NULL },
    { NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL }
};
