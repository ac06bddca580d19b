/* SPDX-License-Identifier: Apache-2.0
 *
 * Records that nodes lend: through stages, exchanges and nodes that keep batches, each alone behind
 * the node and all together. They do not change, and their pin is released once, behind the last
 * that looks at them.
 */
#include <weir/operators/count.h>

#include <stdatomic.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define ITEM(F) F(u64, id) F(str, name)
#define POINT(F) F(u64, id) F(u64, x) F(u64, y)
#define NUMBER(F) F(u64, id)
#define NAME_COUNT(F) F(str, name) F(i64, n)
WEIR_RECORD(item, ITEM)
WEIR_RECORD(point, POINT)
WEIR_RECORD(number, NUMBER)
WEIR_RECORD(name_count, NAME_COUNT)
_Static_assert(sizeof(item) == sizeof(point), "a map may work in place");

enum { COUNT = 900, WORKERS_MAX = 3, PIN_BYTES = 100, MAPPED = 1 << 20 };

static const char names[] = "a text that begins with names of many lengths, some long";

/* ---- a node that lends the rows of a table ---- */

/* What a worker lends; strings point into it, too. */
typedef struct table {
    weir_pin pin; /* first */
    unsigned worker, part;
    uint64_t sent;
    char names[sizeof names];
    item rows[COUNT];
} table;

/* How many at once; 46 are emitted instead, so that both come from one builder's output. */
static const unsigned parts[] = { 250, 1, 46, 0, 3 };

static atomic_uint released[WORKERS_MAX]; /* how often */
static atomic_uint wrong;                 /* records that are not as they should be */

static item row(const char *text, uint64_t id)
{
    return (item){ id, weir_str_view(text, id % 40) };
}

static void forget(weir_pin *pin)
{
    table *t = (table *)pin;
    for (uint64_t i = 0; i < COUNT; i++) {
        item is = row(t->names, t->worker * COUNT + i);
        atomic_fetch_add(&wrong, memcmp(&is, &t->rows[i], sizeof is) != 0);
    }
    atomic_fetch_add(&released[t->worker], 1);
    memset(t, 0xa5, sizeof *t);
    free(t);
}

static weir_status source_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)ctx;
    (void)error;
    table *t = *state = calloc(1, sizeof *t);
    t->pin = (weir_pin){ .refs = 1, .bytes = PIN_BYTES, .release = forget };
    t->worker = weir_step_worker(step);
    memcpy(t->names, names, sizeof names);
    for (uint64_t i = 0; i < COUNT; i++)
        t->rows[i] = row(t->names, t->worker * COUNT + i);
    return WEIR_OK;
}

static void source_step(weir_step *step, void *state)
{
    table *t = state;
    if (!weir_cap_held(step, 0))
        return;
    unsigned n = parts[t->part % (sizeof parts / sizeof *parts)];
    weir_time now = weir_time_1(t->part / 3);
    if (n == 46) {
        weir_out(item) out = { .builder = weir_step_output(step, 0, &now) };
        for (unsigned i = 0; i < n; i++)
            item_emit(out, (item){ t->rows[t->sent + i].id,
                                   weir_str_copy(out, t->rows[t->sent + i].name) });
    } else {
        weir_step_lend(step, 0, &(weir_lent){ t->rows + t->sent, n, &t->pin }, &now);
    }
    t->sent += n;
    t->part++;
    if (t->sent == COUNT) {
        weir_cap_drop(step, 0);
        weir_pin_release(&t->pin);
    } else {
        weir_step_again(step);
    }
}

static weir_stream(item) source(weir_graph *g)
{
    weir_node_output output = { .type = item_type(), .collection = true };
    weir_node *node = weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "source", .output_count = 1,
        .outputs = &output, .initial_capabilities = true, .init = source_init,
        .step = source_step }, NULL);
    return (weir_stream(item)){ .port = weir_node_output_port(node, 0) };
}

/* ---- a node that keeps what comes until nothing comes any more ---- */

typedef struct kept {
    weir_batch *batches[COUNT];
    size_t count;
} kept;

static bool waits_on_disk; /* batches come back as others then */

static weir_status keep_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)ctx;
    (void)error;
    *state = calloc(1, sizeof(kept));
    return WEIR_OK;
}

static void keep_step(weir_step *step, void *state)
{
    kept *k = state;
    for (const weir_batch *b; (b = weir_step_take(step, 0));) {
        k->batches[k->count++] = weir_batch_retain(b);
        if (b->count == parts[0] && !waits_on_disk)
            atomic_fetch_add(&wrong, b->bytes != sizeof *b + b->count * sizeof(item) + PIN_BYTES);
    }
    if (!weir_cap_held(step, 0) || !weir_frontier_is_empty(weir_step_frontier(step, 0)))
        return;
    if (!waits_on_disk)
        atomic_fetch_add(&wrong, atomic_load(&released[weir_step_worker(step)]) != 0);
    for (size_t i = 0; i < k->count; i++) {
        weir_step_send(step, 0, k->batches[i], NULL);
        weir_batch_release(k->batches[i]);
    }
    weir_cap_drop(step, 0);
}

static weir_stream(item) keep(weir_graph *g, weir_stream(item) s)
{
    weir_node_input input = { .type = item_type(), .interest = WEIR_IF_HOLDING,
                              .takes_diffs = true };
    weir_node_output output = { .type = item_type(), .collection = true };
    weir_node *node = weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "keep", .input_count = 1,
        .output_count = 1, .inputs = &input, .outputs = &output, .initial_capabilities = true,
        .init = keep_init, .step = keep_step, .fini = free }, &s.port);
    return (weir_stream(item)){ .port = weir_node_output_port(node, 0) };
}

/* ---- what comes out: how often, and the sum of the ids ---- */

enum { PLAIN, SOME, EVERY, NONE, SAME_SIZE, SAME_TYPE, SMALLER, TWICE, NEGATED, BY_ID, BY_NAME,
       BROADCAST, KEPT, COUNTED, INSIDE, OUTPUTS };

static atomic_llong counts[OUTPUTS], sums[OUTPUTS];

/* Whether it is the record of that id, and the id. */
static bool is_sound(unsigned o, const void *record, uint64_t *id)
{
    *id = *(const uint64_t *)record;
    if (o == SMALLER)
        return true;
    if (o == SAME_SIZE) {
        const point *p = record;
        return p->x == p->id + 1 && p->y == p->id + 2;
    }
    const item *is = record;
    *id -= o == SAME_TYPE ? MAPPED : 0;
    item should_be = row(names, *id);
    return weir_str_equal(&is->name, &should_be.name);
}

static void sink_step(weir_step *step, void *state)
{
    unsigned o = *(const unsigned *)state;
    for (const weir_batch *b; (b = weir_step_take(step, 0));)
        for (size_t i = 0; i < b->count; i++) {
            const void *record = weir_batch_record(b, i);
            uint64_t id = 0;
            int64_t diff = weir_batch_diff(b, i);
            if (o == COUNTED) {
                const name_count *c = record;
                weir_str name = weir_str_view(names, c->name.len);
                atomic_fetch_add(&wrong, !weir_str_equal(&c->name, &name));
                diff *= c->n;
            } else {
                atomic_fetch_add(&wrong, !is_sound(o, record, &id));
            }
            atomic_fetch_add(&counts[o], diff);
            atomic_fetch_add(&sums[o], diff * (int64_t)id);
        }
}

static weir_status keep_ctx(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)error;
    *state = ctx;
    return WEIR_OK;
}

static void sink(weir_graph *g, weir_port *port, const weir_type *type, unsigned o)
{
    static unsigned numbers[OUTPUTS];
    numbers[o] = o;
    weir_node_input input = { .type = type, .takes_diffs = true };
    weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "sink",
                                        .input_count = 1, .inputs = &input, .ctx = &numbers[o],
                                        .init = keep_ctx, .step = sink_step }, &port);
}

/* ---- graphs ---- */

static bool is_even(const item *i) { return i->id % 2 == 0; }
WEIR_FILTER(is_even, item)
static bool is_any(const item *i) { return i->id < MAPPED; }
WEIR_FILTER(is_any, item)
static bool is_none(const item *i) { return i->id >= MAPPED; }
WEIR_FILTER(is_none, item)
static point to_point(const item *i) { return (point){ i->id, i->id + 1, i->id + 2 }; }
WEIR_MAP(to_point, item, point)
static item to_item(const item *i) { return (item){ i->id + MAPPED, i->name }; }
WEIR_MAP(to_item, item, item)
static number to_number(const item *i) { return (number){ i->id }; }
WEIR_MAP(to_number, item, number)
static void twice(const item *i, weir_out(item) out)
{
    item_emit(out, *i);
    item_emit(out, *i);
}
WEIR_FLAT_MAP(twice, item, item)

typedef struct outputs {
    unsigned first, end; /* which of them there are */
} outputs;

static weir_port *inside(weir_graph *g, weir_port *port)
{
    port = weir_port_enter(port, weir_scope_add(g, NULL, "scope"));
    return weir_port_leave(port);
}

static weir_port *output(weir_graph *g, weir_stream(item) s, unsigned o)
{
    switch (o) {
    case SOME:
        return weir_filter(s, is_even).port;
    case EVERY:
        return weir_filter(s, is_any).port;
    case NONE:
        return weir_filter(s, is_none).port;
    case SAME_SIZE:
        return weir_map(s, to_point).port;
    case SAME_TYPE:
        return weir_map(s, to_item).port;
    case SMALLER:
        return weir_map(s, to_number).port;
    case TWICE:
        return weir_flat_map(s, twice).port;
    case NEGATED:
        return weir_negate(s).port;
    case BY_ID:
        return weir_exchange(s, WEIR_KEY(item, id)).port;
    case BY_NAME:
        return weir_exchange(s, WEIR_KEY(item, name)).port;
    case BROADCAST:
        return weir_broadcast(s).port;
    case KEPT:
        return keep(g, s).port;
    case COUNTED:
        return weir_count(s, name_count, WEIR_KEY(item, name)).port;
    case INSIDE:
        return inside(g, s.port);
    default:
        return s.port;
    }
}

static void build(weir_graph *g, void *ctx)
{
    const outputs *which = ctx;
    weir_stream(item) s = source(g);
    for (unsigned o = which->first; o < which->end; o++)
        sink(g, output(g, s, o), o == SAME_SIZE ? point_type()
                                 : o == SMALLER ? number_type()
                                 : o == COUNTED ? name_count_type()
                                                : item_type(), o);
}

static void forget_all(void)
{
    atomic_store(&wrong, 0);
    for (unsigned w = 0; w < WORKERS_MAX; w++)
        atomic_store(&released[w], 0);
    for (unsigned o = 0; o < OUTPUTS; o++) {
        atomic_store(&counts[o], 0);
        atomic_store(&sums[o], 0);
    }
}

static void ck_all(const outputs *which, unsigned workers)
{
    int64_t all = (int64_t)workers * COUNT;
    ck_assert_uint_eq(atomic_load(&wrong), 0);
    for (unsigned w = 0; w < WORKERS_MAX; w++)
        ck_assert_uint_eq(atomic_load(&released[w]), w < workers);
    for (unsigned o = 0; o < OUTPUTS; o++) {
        bool is_there = o >= which->first && o < which->end && o != NONE;
        int64_t count = !is_there ? 0 : o == SOME ? all / 2 : all;
        int64_t sum = o == SOME ? count * (all - 2) / 2 : count * (all - 1) / 2;
        int64_t times = o == NEGATED ? -1 : o == TWICE ? 2 : o == BROADCAST ? (int)workers : 1;
        ck_assert_int_eq(atomic_load(&counts[o]), times * count);
        ck_assert_int_eq(atomic_load(&sums[o]), o == COUNTED ? 0 : times * sum);
    }
}

/* ---- tests ---- */

static void run(outputs which, unsigned workers, size_t batch_bytes, size_t budget_bytes)
{
    forget_all();
    waits_on_disk = budget_bytes > 0;
    weir_test *t = weir_test_create(build, &which, .workers = workers, .batch_bytes = batch_bytes,
                                    .budget_bytes = budget_bytes);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    weir_test_destroy(t);
    ck_all(&which, workers);
}

START_TEST(each_alone)
{
    for (unsigned o = 0; o < OUTPUTS; o++)
        for (unsigned workers = 1; workers <= WORKERS_MAX; workers++) {
            run((outputs){ o, o + 1 }, workers, 0, 0);
            run((outputs){ o, o + 1 }, workers, 128, 0);
        }
}
END_TEST

START_TEST(all_together)
{
    for (unsigned workers = 1; workers <= WORKERS_MAX; workers++) {
        run((outputs){ 0, OUTPUTS }, workers, 0, 0);
        run((outputs){ 0, OUTPUTS }, workers, 128, 0);
    }
}
END_TEST

/* What waits on a disk has no need of memory that was lent. */
START_TEST(some_on_disk)
{
    for (unsigned workers = 1; workers <= WORKERS_MAX; workers++)
        run((outputs){ 0, OUTPUTS }, workers, 0, 8192);
}
END_TEST

START_TEST(threads)
{
    for (int round = 0; round < 10; round++) {
        outputs which = { 0, OUTPUTS };
        weir_error error = { 0 };
        weir_config config = { .struct_size = sizeof config, .workers = 2, .no_spin = true };
        forget_all();
        waits_on_disk = false;
        ck_assert_int_eq(weir_run(&config, build, &which, &error), WEIR_OK);
        ck_all(&which, 2);
    }
}
END_TEST

int main(void)
{
    return test_run(test_suite("engine_lent", (const TTest *const[]){
        each_alone, all_together, some_on_disk, threads, NULL }));
}
