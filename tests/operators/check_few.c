/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of a table with few keys: those that the table itself has, whatever comes and goes, also
 * when there are more keys for a while, when hashes are not given, and when they are not keys.
 */
#include "few.h"

#include <stdlib.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define PAIR(F) F(i64, weight) F(u8, a) F(u16, b)
#define TITLED(F) F(str, title) F(i64, weight)
WEIR_RECORD(pair, PAIR)
WEIR_RECORD(titled, TITLED)

enum { SEED = 9, MOST = 700 };

typedef struct keyed {
    weir_table *table;
    weir_key key;
    weir__few few;
} keyed;

static void open(keyed *k, const weir_type *type, const char *const *names)
{
    weir_error error;
    ck_assert_int_eq(weir_key_resolve(type, names, &k->key, &error), WEIR_OK);
    ck_assert_int_eq(weir_table_create(&k->table,
                                       &(weir_table_options){ .struct_size =
                                                                  sizeof(weir_table_options),
                                                              .type = type,
                                                              .key = k->key,
                                                              .value_size = sizeof(int64_t),
                                                              .hash_seed = SEED },
                                       &error),
                     WEIR_OK);
    weir__few_init(&k->few, k->table, type, &k->key, SEED);
}

static void close(keyed *k)
{
    weir__few_fini(&k->few);
    weir_table_destroy(k->table);
}

static void open_pairs(keyed *k)
{
    open(k, pair_type(), (const char *const[]){ "a", "b", NULL });
}

/* Of so many keys. */
static void fill(pair *records, size_t n, uint64_t keys, uint64_t *state)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t key = test_below(state, keys);
        records[i] = (pair){ (int64_t)i, (uint8_t)(key % 7), (uint16_t)(key / 7) };
    }
}

START_TEST(values_are_those_of_the_table)
{
    static pair records[MOST];
    static uint64_t hashes[MOST];
    static void *values[MOST], *expected[MOST];
    uint64_t state = test_seed(7);
    keyed k;
    open_pairs(&k);
    for (int round = 0; round < 300; round++) {
        size_t n = 1 + test_below(&state, MOST);
        bool given = test_below(&state, 2);
        fill(records, n, round % 10 == 9 ? 2000 : 5 + test_below(&state, 70), &state);
        weir_key_hash_column(pair_type(), &k.key, records, n, SEED, hashes);
        ck_assert_uint_eq(weir__few_insert(&k.few, records, given ? hashes : NULL, n, values), n);
        weir_table_find_many(k.table, records, NULL, n, expected);
        ck_assert_mem_eq(values, expected, n * sizeof *values);
        for (size_t i = 0; i < n; i++) { /* some go, and more of them where there are many */
            void *value = weir_table_find(k.table, &records[i]);
            if (!value || test_below(&state, round % 10 == 9 ? 1 : 9) > 0)
                continue;
            weir__few_forget(&k.few, value);
            weir_table_remove(k.table, value);
        }
    }
    close(&k);
}
END_TEST

/* Texts are not their hashes, so the table is asked for each. */
START_TEST(hashes_that_are_not_keys)
{
    const char *const texts[] = { "one", "a title of many letters", "two", "one" };
    titled records[4];
    void *values[4];
    keyed k;
    open(&k, titled_type(), (const char *const[]){ "title", NULL });
    for (int i = 0; i < 4; i++)
        records[i] = (titled){ weir_str_of(texts[i]), i };
    ck_assert_uint_eq(weir__few_insert(&k.few, records, NULL, 4, values), 4);
    ck_assert_uint_eq(weir_table_count(k.table), 3);
    ck_assert_ptr_eq(values[0], values[3]);
    ck_assert_ptr_ne(values[0], values[2]);
    weir__few_forget(&k.few, values[1]);
    weir_table_remove(k.table, values[1]);
    close(&k);
}
END_TEST

/* Without memory for what was seen the table is asked; without memory for a key, what came before
 * it is done. */
START_TEST(no_memory)
{
    static pair records[MOST];
    static void *values[MOST];
    uint64_t state = 1;
    fill(records, MOST, 60, &state);
    for (uint64_t nth = 1; nth < 6; nth++) {
        keyed k;
        open_pairs(&k);
        weir_memory_fail_nth(nth, 1);
        size_t done = weir__few_insert(&k.few, records, NULL, MOST, values);
        weir_memory_fail_nth(0, 0);
        ck_assert_uint_le(done, MOST);
        for (size_t i = 0; i < done; i++)
            ck_assert_ptr_eq(values[i], weir_table_find(k.table, &records[i]));
        ck_assert_uint_eq(weir__few_insert(&k.few, records, NULL, MOST, values), MOST);
        ck_assert_uint_eq(weir_table_count(k.table), 60);
        close(&k);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { values_are_those_of_the_table, hashes_that_are_not_keys,
                                   no_memory, NULL };
    return test_run(test_suite("few", tests));
}
