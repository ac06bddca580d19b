/* SPDX-License-Identifier: Apache-2.0
 *
 * Random inserts, look-ups and removals of a table against a list that is searched from end to end.
 */
#include <weir/table.h>

#include <stdio.h>
#include <string.h>

#include <weir/record.h>

#include "support.h"

#define ITEM(F) F(str, name) F(opt_u32, size)
WEIR_RECORD(item, ITEM)

enum { KEYS = 300, NAMES = 60 };

typedef struct model {
    bool there[KEYS];
    int64_t value[KEYS];
    char names[NAMES][40];
} model;

static item make(model *m, unsigned key)
{
    unsigned name = key % NAMES, size = key / NAMES;
    return (item){ weir_str_view(m->names[name], strlen(m->names[name])),
                   { size > 0, size > 0 ? size : 0 } };
}

static void compare(const weir_table *table, model *m, uint64_t seed)
{
    size_t there = 0;
    for (unsigned k = 0; k < KEYS; k++) {
        item i = make(m, k);
        const int64_t *value = weir_table_find(table, &i);
        ck_assert_msg((value != NULL) == m->there[k] && (!value || *value == m->value[k]),
                      "WEIR_SEED=%llu: key %u", (unsigned long long)seed, k);
        there += m->there[k];
    }
    ck_assert_uint_eq(weir_table_count(table), there);
}

static void insert_some(weir_table *table, model *m, uint64_t *random, uint64_t seed)
{
    item items[50];
    void *values[50];
    unsigned keys[50];
    size_t n = test_below(random, 51);
    for (size_t i = 0; i < n; i++) {
        keys[i] = (unsigned)test_below(random, KEYS);
        items[i] = make(m, keys[i]);
    }
    ck_assert_uint_eq(weir_table_insert_many(table, items, NULL, n, values), n);
    for (size_t i = 0; i < n; i++) {
        int64_t *value = values[i];
        if (!m->there[keys[i]])
            m->value[keys[i]] = 0;
        m->there[keys[i]] = true;
        ck_assert_msg(*value == m->value[keys[i]], "WEIR_SEED=%llu", (unsigned long long)seed);
        *value = m->value[keys[i]] = (int64_t)test_below(random, 1000);
    }
}

static void run(uint64_t seed)
{
    uint64_t random = seed;
    model m = { .there = { false } };
    for (int i = 0; i < NAMES; i++)
        snprintf(m.names[i], sizeof m.names[i], i % 2 ? "%d" : "a name of more than twelve: %d", i);
    weir_table_options options = { .struct_size = sizeof options,
                                   .type = item_type(),
                                   .key = { .count = 2, .field = { 0, 1 } },
                                   .value_size = 8,
                                   .hash_seed = seed,
                                   .parts = (unsigned)test_below(&random, 4) };
    weir_table *table;
    ck_assert_int_eq(weir_table_create(&table, &options, NULL), WEIR_OK);
    for (int step = 0; step < 300; step++) {
        if (test_below(&random, 3) > 0) {
            insert_some(table, &m, &random, seed);
        } else {
            for (uint64_t i = test_below(&random, 60); i > 0; i--) {
                unsigned k = (unsigned)test_below(&random, KEYS);
                item key = make(&m, k);
                void *value = weir_table_find(table, &key);
                ck_assert_int_eq(value != NULL, m.there[k]);
                if (value)
                    weir_table_remove(table, value);
                m.there[k] = false;
            }
        }
        if (step % 10 == 0)
            compare(table, &m, seed);
    }
    compare(table, &m, seed);
    weir_table_destroy(table);
}

START_TEST(like_a_list)
{
    test_each_seed(run, 40);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { like_a_list, NULL };
    return test_run(test_suite("table_random", tests));
}
