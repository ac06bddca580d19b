/* SPDX-License-Identifier: Apache-2.0
 *
 * Which keys are there: random keys that come and go, against counts in an array; the list of those
 * that came or went is complete, in order, and each is in it once, however many there are and
 * however often the work on it stops.
 */
#include "presence.h"

#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define KEY(F) F(u64, value)
WEIR_RECORD(key, KEY)

enum { KEYS = 3000, EPOCHS = 12, CHANGES = 5000 };

static struct {
    int64_t counts[KEYS];
    bool is[KEYS];
    uint64_t state;
    unsigned epochs;
    size_t kept; /* keys that some record has */
} model;

static void change(weir__presence *p)
{
    static key keys[CHANGES];
    static int64_t diffs[CHANGES];
    /* Few keys in some epochs, all of them in others. */
    uint64_t most = model.epochs % 3 == 0 ? KEYS : 1 + test_below(&model.state, 40);
    size_t count = 8 + test_below(&model.state, CHANGES - 8);
    for (size_t i = 0; i < count; i++) {
        keys[i] = (key){ test_below(&model.state, most) };
        diffs[i] = (int64_t)test_below(&model.state, 5) - 2;
        model.counts[keys[i].value] += diffs[i];
    }
    weir_batch batch = { .type = key_type(), .count = count, .records = keys, .diffs = diffs };
    weir__presence_add(p, &batch, 0, count / 3);
    weir__presence_add(p, &batch, count / 3, count);
    ck_assert_int_eq(p->failed, WEIR_OK);
}

static void look(const weir__presence *p)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->turned_count; i++) {
        const key *k = weir_table_key(p->table, p->turned[i].key);
        ck_assert(i == 0 || p->turned[i - 1].hash <= p->turned[i].hash);
        ck_assert_uint_eq(p->turned[i].hash, weir_table_hash(p->table, p->turned[i].key));
        ck_assert(p->turned[i].key->is == !model.is[k->value]); /* so none is there twice */
        model.is[k->value] = !model.is[k->value];
    }
    for (size_t k = 0; k < KEYS; k++) {
        const weir__present *found = weir_table_find(p->table, &(key){ k });
        ck_assert(model.is[k] == (model.counts[k] > 0));
        ck_assert_int_eq(found ? found->count : 0, model.counts[k]);
        ck_assert(!found || found->is == model.is[k]);
        kept += model.counts[k] != 0;
    }
    model.kept = kept;
}

static void epoch(weir__presence *p, bool list)
{
    size_t stops = 0;
    change(p);
    for (size_t left = 7; !weir__presence_turn(p, list, &left); left = 1 + stops++)
        ck_assert_uint_eq(left, 0);
    ck_assert(stops > 0 || p->touched_count <= 7);
    if (list) {
        look(p);
    } else {
        ck_assert_uint_eq(p->turned_count, 0);
        for (size_t k = 0; k < KEYS; k++)
            model.is[k] = model.counts[k] > 0;
        look(p);
    }
    weir__presence_settle(p);
    ck_assert_uint_eq(weir_table_count(p->table), model.kept);
    ck_assert_uint_eq(p->turned_count, 0);
}

/* An operator that does all of it before its first step. */
static weir_status init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    weir__presence p;
    (void)ctx;
    *state = NULL;
    ck_assert_int_eq(weir__presence_init(&p, key_type(), step, error), WEIR_OK);
    for (model.epochs = 0; model.epochs < EPOCHS; model.epochs++)
        epoch(&p, model.epochs % 4 != 1);
    weir__presence_fini(&p);
    return WEIR_OK;
}

static void step(weir_step *step, void *state)
{
    (void)state;
    while (weir_step_take(step, 0))
        ;
}

static void build(weir_graph *g, void *ctx)
{
    weir_port *in = weir_test_input(g, key).port;
    weir_node_input input = { .type = key_type() };
    (void)ctx;
    (void)weir_node_add(g,
                        &(weir_node_spec){ .struct_size = sizeof(weir_node_spec),
                                           .kind = "presence",
                                           .input_count = 1,
                                           .inputs = &input,
                                           .init = init,
                                           .step = step },
                        &in);
}

START_TEST(keys_come_and_go)
{
    model.state = test_seed(42);
    weir_test *t = weir_test_create(build, NULL);
    ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
    ck_assert_uint_eq(model.epochs, EPOCHS);
    weir_test_destroy(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { keys_come_and_go, NULL };
    return test_run(test_suite("presence", tests));
}
