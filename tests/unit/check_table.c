/* SPDX-License-Identifier: Apache-2.0
 *
 * The keyed table: kinds of keys, refusals, growth by slices, long strings and their heap, walks by
 * hash, memory that runs out, what it charges.
 */
#include "trace/table.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weir/record.h>

#include "env/huge_pages.h"
#include "support.h"

#define WORD(F) F(str, text)
#define NUMBER(F) F(u8, before) F(u64, number) F(u32, half)
#define PLACE(F) F(f64, price) F(opt_str, city) F(str, street) F(opt_i64, house) F(decimal(2), area)
WEIR_RECORD(word, WORD)
WEIR_RECORD(number, NUMBER)
#define WHOLE(F)                                                                                  \
    F(u8, a) F(u8, b) F(u8, c) F(u8, skipped) F(i16, d) F(u32, e) F(i64, f) F(u64, g) F(i64, h)
WEIR_RECORD(place, PLACE)
WEIR_RECORD(whole, WHOLE)

static weir_key key_of(const weir_type *type, const char *const *names)
{
    weir_key key;
    ck_assert_int_eq(weir_key_resolve(type, names, &key, NULL), WEIR_OK);
    return key;
}
#define KEY(type, ...) key_of(type, (const char *const[]){ __VA_ARGS__, NULL })

static weir_table *table_of(const weir_type *type, weir_key key, size_t value_size,
                            weir_account *account)
{
    weir_table *table;
    weir_table_options options = { .struct_size = sizeof options,
                                   .type = type,
                                   .key = key,
                                   .value_size = value_size,
                                   .hash_seed = 7,
                                   .account = account };
    ck_assert_int_eq(weir_table_create(&table, &options, NULL), WEIR_OK);
    return table;
}

static weir_account account;

START_TEST(refusals)
{
    weir_table *table;
    weir_error error;
    weir_table_options options = { .struct_size = sizeof options, .type = word_type() };
    ck_assert_int_eq(weir_table_create(&table, &options, &error), WEIR_INVALID);
    ck_assert_ptr_null(table);
    options.key = (weir_key){ .count = 1, .field = { 1 } };
    ck_assert_int_eq(weir_table_create(&table, &options, &error), WEIR_INVALID);
    ck_assert_str_eq(error.what, "record 'word' has no field 1 for a key");
    options.key.field[0] = 0;
    options.value_size = 5000;
    ck_assert_int_eq(weir_table_create(&table, &options, &error), WEIR_TOO_LARGE);
    options.value_size = 0;
    ck_assert_int_eq(weir_table_create(&table, &options, &error), WEIR_OK);
    weir_table_destroy(table);
    weir_table_destroy(NULL);
}
END_TEST

START_TEST(counts_words)
{
    static const char *const texts[] = { "a", "the word that is long",
                                         "b", "a",
                                         "",  "the word that is long",
                                         "a", "the word that is longer" };
    word words[8];
    void *values[8];
    for (int i = 0; i < 8; i++)
        words[i].text = weir_str_of(texts[i]);
    weir_table *table = table_of(word_type(), KEY(word_type(), "text"), 8, &account);
    ck_assert_uint_eq(weir_table_insert_many(table, words, NULL, 8, values), 8);
    for (int i = 0; i < 8; i++)
        ++*(int64_t *)values[i];
    ck_assert_uint_eq(weir_table_count(table), 5);
    ck_assert_ptr_eq(values[0], values[3]);
    ck_assert_int_eq(*(int64_t *)values[0], 3);
    ck_assert_int_eq(*(int64_t *)values[1], 2);
    const word *kept = weir_table_key(table, values[1]);
    ck_assert(weir_str_equal(&kept->text, &words[1].text));
    ck_assert_ptr_ne(kept->text.u.ptr, words[1].text.u.ptr);
    ck_assert_uint_eq(weir_table_hash(table, values[1]),
                      weir_key_hash(word_type(), &(weir_key){ .count = 1 }, &words[1], 7));
    word other = { weir_str_of("c") };
    ck_assert_ptr_null(weir_table_find(table, &other));
    ck_assert_ptr_eq(weir_table_find(table, &words[4]), values[4]);
    weir_table_remove(table, values[1]);
    ck_assert_ptr_null(weir_table_find(table, &words[1]));
    ck_assert_uint_eq(weir_table_count(table), 4);
    ck_assert_int_eq(*(int64_t *)weir_table_insert(table, &words[1]), 0);
    ck_assert_int_eq(weir_account_bytes(&account), weir_table_bytes(table));
    weir_table_clear(table);
    ck_assert_uint_eq(weir_table_count(table), 0);
    ck_assert_ptr_null(weir_table_find(table, &words[0]));
    weir_table_destroy(table);
    ck_assert_int_eq(weir_account_bytes(&account), 0);
}
END_TEST

/* All kinds of fields in one key, in an order of their own. */
START_TEST(keys_of_many_fields)
{
    const weir_type *type = place_type();
    weir_table *table = table_of(type, KEY(type, "house", "city", "area", "price"), 16, NULL);
    ck_assert_uint_eq(weir_table_key_type(table)->field_count, 4);
    ck_assert_uint_eq(weir_table_key_type(table)->size, 80);
    place a = { .price = 0.0,
                .city = { true, weir_str_of("a city with a long name") },
                .street = weir_str_of("x"),
                .house = { false, 0 },
                .area = { 12 } };
    place b = a, c = a, d = a;
    b.price = -0.0;
    b.street = weir_str_of("y");
    c.house = (weir_opt_i64){ true, 0 };
    d.city = (weir_opt_str){ .set = false };
    void *va = weir_table_insert(table, &a), *vc = weir_table_insert(table, &c);
    void *vd = weir_table_insert(table, &d);
    ck_assert_ptr_eq(weir_table_insert(table, &b), va);
    ck_assert_uint_eq((uintptr_t)va % 16, 0);
    ck_assert(va != vc && va != vd && vc != vd);
    ck_assert_uint_eq(weir_table_count(table), 3);
    char text[200];
    weir_record_text(weir_table_key_type(table), weir_table_key(table, va), text, sizeof text);
    ck_assert_str_eq(text,
                     "(house: null, city: \"a city with a long name\", area: 0.12, price: 0)");
    ck_assert_ptr_eq(weir_table_find(table, &d), vd);
    weir_table_destroy(table);
}
END_TEST

/* Keys of integers are compared as bytes, wherever those lie: each byte of the key counts, and no
 * other. */
static void every_byte_counts(weir_key key)
{
    const weir_type *type = whole_type();
    weir_table *table = table_of(type, key, 8, NULL);
    whole records[sizeof(whole) + 1] = { { 0 } };
    void *values[sizeof(whole) + 1];
    size_t bytes = 0;
    for (uint32_t i = 0; i < key.count; i++) {
        const weir_field *f = &type->fields[key.field[i]];
        for (size_t k = 0; k < weir_kind_size(f->kind); k++)
            ((char *)&records[++bytes])[f->offset + k] = 1;
    }
    ck_assert_uint_eq(weir_table_insert_many(table, records, NULL, bytes + 1, values), bytes + 1);
    ck_assert_uint_eq(weir_table_count(table), bytes + 1);
    for (size_t i = 0; i <= bytes; i++) {
        whole again = records[i];
        again.skipped = 7;
        ck_assert_ptr_eq(weir_table_find(table, &again), values[i]);
    }
    weir_table_destroy(table);
}

START_TEST(keys_of_integers)
{
    const weir_type *type = whole_type();
    every_byte_counts(KEY(type, "a", "b"));
    every_byte_counts(KEY(type, "a", "b", "c"));
    every_byte_counts(KEY(type, "c", "d", "e"));
    every_byte_counts(KEY(type, "d", "e"));
    every_byte_counts(KEY(type, "e", "a"));
    every_byte_counts(KEY(type, "e", "f"));
    every_byte_counts(KEY(type, "f", "g"));
    every_byte_counts(KEY(type, "a", "f", "g", "h"));
    every_byte_counts(KEY(type, "h", "g", "d"));
}
END_TEST

#ifdef WEIR_HASH_8BIT
enum { MANY = 4000 };
#else
enum { MANY = 300000 };
#endif

/* Values stay where they are while slices double and split; all are found. */
static void grows(const char *field, unsigned parts)
{
    const weir_type *type = number_type();
    weir_table_options options = { .struct_size = sizeof options,
                                   .type = type,
                                   .value_size = 8,
                                   .key = KEY(type, field),
                                   .parts = parts,
                                   .account = &account };
    weir_table *table;
    ck_assert_int_eq(weir_table_create(&table, &options, NULL), WEIR_OK);
    void **values = calloc(MANY, sizeof *values);
    for (uint32_t i = 0; i < MANY; i++) {
        number n = { .before = (uint8_t)i, .number = i * (uint64_t)3, .half = i * 5u };
        values[i] = weir_table_insert(table, &n);
        *(uint64_t *)values[i] = i;
    }
    ck_assert_uint_eq(weir_table_count(table), MANY);
    number some[100];
    void *found[100];
    for (uint32_t i = 0; i < MANY; i += 100) {
        for (uint32_t j = 0; j < 100; j++)
            some[j] = (number){ .number = (i + j) * (uint64_t)3, .half = (i + j) * 5u };
        weir_table_find_many(table, some, NULL, 100, found);
        for (uint32_t j = 0; j < 100; j++) {
            ck_assert_ptr_eq(found[j], values[i + j]);
            ck_assert_uint_eq(*(uint64_t *)found[j], i + j);
        }
    }
    for (uint32_t i = 0; i < MANY; i += 2)
        weir_table_remove(table, values[i]);
    ck_assert_uint_eq(weir_table_count(table), MANY / 2);
    for (uint32_t i = 0; i < MANY; i++) {
        number n = { .number = i * (uint64_t)3, .half = i * 5u };
        ck_assert_ptr_eq(weir_table_find(table, &n), i % 2 ? values[i] : NULL);
    }
    free(values);
    weir_table_destroy(table);
}

START_TEST(grows_by_slices)
{
    grows("number", 1);
    grows("number", 7);
    grows("half", 256);
    ck_assert_int_eq(weir_account_bytes(&account), 0);
}
END_TEST

/* Neither what is there, nor what is not, nor more than are asked for. */
START_TEST(asking_changes_nothing)
{
    enum { EACH = 3 * WEIR_TABLE_ASKED };
    weir_table *table = table_of(number_type(), KEY(number_type(), "number"), 8, &account);
    number some[2 * EACH];
    uint64_t hashes[2 * EACH];
    void *values[EACH], *found[2 * EACH];
    for (uint32_t i = 0; i < 2 * EACH; i++)
        some[i] = (number){ .number = i };
    weir_table_ask(table, some, NULL, 1);
    ck_assert_uint_eq(weir_table_count(table), 0);
    ck_assert_uint_eq(weir_table_insert_many(table, some, NULL, EACH, values), EACH);
    for (uint32_t i = 0; i < EACH; i++)
        hashes[i] = hashes[EACH + i] = weir_table_hash(table, values[i]);
    size_t bytes = weir_table_bytes(table);
    for (uint32_t i = 0; i < 2 * EACH; i++) {
        weir_table_ask(table, &some[i], NULL, 2 * EACH - i);
        weir_table_ask(table, &some[i], &hashes[i], 1);
    }
    ck_assert_uint_eq(weir_table_count(table), EACH);
    ck_assert_uint_eq(weir_table_bytes(table), bytes);
    weir_table_find_many(table, some, NULL, 2 * EACH, found);
    for (uint32_t i = 0; i < 2 * EACH; i++)
        ck_assert_ptr_eq(found[i], i < EACH ? values[i] : NULL);
    weir_table_destroy(table);
    ck_assert_int_eq(weir_account_bytes(&account), 0);
}
END_TEST

/* New keys follow one another as long as nothing that was removed has left room. */
START_TEST(fresh_keys)
{
    enum { EACH = 3000 };
    weir_table *table = table_of(number_type(), KEY(number_type(), "number"), 8, &account);
    void *values[2 * EACH];
    uint32_t first = weir_table_fresh(table);
    for (uint32_t i = 0; i < 2 * EACH; i++) {
        number n = { .number = i };
        if (i == EACH)
            ck_assert_uint_eq(weir_table_fresh(table), first + EACH);
        values[i] = weir_table_insert(table, &n);
        ck_assert_ptr_eq(weir_table_insert(table, &n), values[i]);
    }
    ck_assert_uint_eq(weir_table_fresh(table), first + 2 * EACH);
    for (uint32_t i = 0; i < 2 * EACH; i++)
        ck_assert_ptr_eq(weir_table_fresh_value(table, first + i), values[i]);
    weir_table_remove(table, values[7]);
    ck_assert_uint_eq(weir_table_fresh(table), 0);
    weir_table_insert(table, &(number){ .number = 2 * EACH });
    ck_assert_uint_eq(weir_table_fresh(table), first + 2 * EACH);
    weir_table_clear(table);
    ck_assert_uint_eq(weir_table_fresh(table), first);
    weir_table_destroy(table);
    ck_assert_int_eq(weir_account_bytes(&account), 0);
}
END_TEST

static size_t walk_count(const weir_table *table, uint64_t first, uint64_t last)
{
    size_t count = 0;
    weir_table_walk walk = weir_table_walk_range(table, first, last);
    for (void *value; (value = weir_table_walk_next(&walk)) != NULL; count++) {
        ck_assert_uint_ge(weir_table_hash(table, value), first);
        ck_assert_uint_le(weir_table_hash(table, value), last);
    }
    return count;
}

START_TEST(walks)
{
    const weir_type *type = number_type();
    weir_key key = KEY(type, "number");
    for (unsigned parts = 1; parts <= 5; parts += 2) {
        weir_table_options options = {
            .struct_size = sizeof options, .type = type, .key = key, .parts = parts
        };
        weir_table *table;
        ck_assert_int_eq(weir_table_create(&table, &options, NULL), WEIR_OK);
        size_t inside[4] = { 0 }, kept = 0;
        uint64_t size = UINT64_MAX / parts, part = parts / 2, low = part * size;
        for (uint64_t i = 0; kept < MANY / 30; i++) {
            number n = { .number = i };
            uint64_t hash = weir_key_hash(type, &key, &n, 0);
            if (hash < low || hash - low >= size)
                continue;
            weir_table_insert(table, &n);
            kept++;
            for (unsigned q = 0; q < 4; q++)
                inside[q] += hash >= low + size / 4 * q && hash < low + size / 4 * (q + 1);
        }
        ck_assert_uint_eq(walk_count(table, 0, UINT64_MAX), kept);
        for (uint64_t q = 0; q < 4; q++)
            ck_assert_uint_eq(walk_count(table, low + size / 4 * q, low + size / 4 * (q + 1) - 1),
                              inside[q]);
        weir_table_destroy(table);
    }
}
END_TEST

/* Keys come and go: the heap of their strings does not grow with all that ever were. */
START_TEST(strings_are_compacted)
{
    weir_table *table = table_of(word_type(), KEY(word_type(), "text"), 8, &account);
    enum { KEYS = 1000, ROUNDS = 40 };
    void *values[KEYS] = { NULL };
    char text[100];
    size_t most = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < KEYS; i++) {
            if (values[i])
                weir_table_remove(table, values[i]);
            snprintf(text, sizeof text, "a key whose text is long: %d %d", i, round);
            word w = { weir_str_of(text) };
            values[i] = weir_table_insert(table, &w);
            *(int64_t *)values[i] = i * round;
        }
        most = weir_table_bytes(table) > most ? weir_table_bytes(table) : most;
    }
    ck_assert_uint_lt(most, 1 << 20);
    for (int i = 0; i < KEYS; i++) {
        snprintf(text, sizeof text, "a key whose text is long: %d %d", i, ROUNDS - 1);
        word w = { weir_str_of(text) };
        ck_assert_ptr_eq(weir_table_find(table, &w), values[i]);
        ck_assert_int_eq(*(int64_t *)values[i], i * (ROUNDS - 1));
    }
    weir_table_destroy(table);
    ck_assert_int_eq(weir_account_bytes(&account), 0);
}
END_TEST

static word long_word(char *text, size_t size, int i, int round)
{
    snprintf(text, size, "a key whose text is long: %d %d", i, round);
    return (word){ weir_str_of(text) };
}

/* Keys that go make gaps, into which slots move that the compaction has still to come to. */
START_TEST(strings_that_stay_are_moved)
{
    weir_table *table = table_of(word_type(), KEY(word_type(), "text"), 8, &account);
    enum { GO = 3000, STAY = 1500, ROUNDS = 40 };
    void *values[GO + STAY];
    char text[100];
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < GO + STAY; i++) {
            word w = long_word(text, sizeof text, i, round);
            values[i] = weir_table_insert(table, &w);
        }
        for (int i = 0; i < GO; i++)
            weir_table_remove(table, values[i]);
        for (int i = GO; i < GO + STAY; i++) {
            word w = long_word(text, sizeof text, i, round);
            ck_assert_ptr_eq(weir_table_find(table, &w), values[i]);
        }
        for (int i = GO; i < GO + STAY; i++)
            weir_table_remove(table, values[i]);
    }
    weir_table_destroy(table);
    ck_assert_int_eq(weir_account_bytes(&account), 0);
}
END_TEST

/* Every allocation fails once: the insert that needed it says so, and nothing else is lost. */
START_TEST(memory_runs_out)
{
    enum { KEYS = 3000 };
    size_t before = weir_memory_used();
    for (uint64_t nth = 1; nth < 400; nth += nth < 40 ? 1 : 13) {
        weir_table *table;
        weir_table_options options = { .struct_size = sizeof options,
                                       .type = word_type(),
                                       .key = { .count = 1 },
                                       .value_size = 8 };
        weir_memory_fail_nth(nth, 0);
        weir_status status = weir_table_create(&table, &options, NULL);
        if (status != WEIR_OK) {
            weir_memory_fail_nth(0, 0);
            ck_assert_int_eq(status, WEIR_NO_MEMORY);
            ck_assert_uint_eq(weir_memory_used(), before);
            continue;
        }
        int failed = 0;
        char text[100];
        for (int i = 0; i < KEYS; i++) {
            snprintf(text, sizeof text, "a key whose text is long: %d", i);
            word w = { weir_str_of(text) };
            int64_t *value = weir_table_insert(table, &w);
            if (!value) {
                failed++;
                ck_assert_uint_eq(weir_table_count(table), i);
                ck_assert_ptr_null(weir_table_find(table, &w));
                value = weir_table_insert(table, &w);
            }
            ck_assert_ptr_nonnull(value);
            *value = i;
        }
        ck_assert_int_le(failed, 1);
        weir_memory_fail_nth(0, 0);
        for (int i = 0; i < KEYS; i++) {
            snprintf(text, sizeof text, "a key whose text is long: %d", i);
            word w = { weir_str_of(text) };
            ck_assert_int_eq(*(int64_t *)weir_table_find(table, &w), i);
        }
        weir_table_destroy(table);
        ck_assert_uint_eq(weir_memory_used(), before);
    }
}
END_TEST

START_TEST(many_stop_where_memory_ends)
{
    number numbers[64];
    void *values[64];
    for (uint32_t i = 0; i < 64; i++)
        numbers[i] = (number){ .number = i };
    weir_table *table = table_of(number_type(), KEY(number_type(), "number"), 8, &account);
    weir_memory_fail_nth(2, 0); /* the list of chunks, the first chunk */
    ck_assert_uint_eq(weir_table_insert_many(table, numbers, NULL, 64, values), 0);
    ck_assert_int_eq(weir_account_bytes(&account), (int64_t)weir_table_bytes(table));
    weir_memory_fail_nth(2, 0); /* the first chunk, the first doubling */
    size_t done = weir_table_insert_many(table, numbers, NULL, 64, values);
    weir_memory_fail_nth(0, 0);
    ck_assert_uint_eq(done, 12);
    ck_assert_int_eq(weir_account_bytes(&account), (int64_t)weir_table_bytes(table));
    ck_assert_uint_eq(weir_table_count(table), 12);
    ck_assert_uint_eq(weir_table_insert_many(table, numbers + 12, NULL, 52, values + 12), 52);
    for (uint32_t i = 0; i < 64; i++)
        ck_assert_ptr_eq(weir_table_find(table, &numbers[i]), values[i]);
    weir_table_destroy(table);
}
END_TEST

typedef struct noted_value {
    int64_t count;
    uint64_t group; /* that it was inserted in, up to an end */
} noted_value;

/* Whatever is noted is inserted once, with the keys that were noted twice or were there; until then
 * it is not. Where near ones end, none of them comes again. */
START_TEST(noted_keys)
{
    enum { KEYS = 20000, THERE = 5000, TWICE = 3000 };
    weir_table *table =
        table_of(number_type(), KEY(number_type(), "number"), sizeof(noted_value), &account);
    number *numbers = calloc(KEYS, sizeof *numbers);
    void *values[WEIR_TABLE_NOTED];
    for (uint32_t i = 0; i < KEYS; i++)
        numbers[i] = (number){ .number = i * UINT64_C(0x9e3779b97f4a7c15) };
    for (uint32_t i = 0; i < THERE; i++)
        ((noted_value *)weir_table_insert(table, &numbers[i]))->count = 1;
    ck_assert_uint_eq(weir_table_insert_noted(table, values), 0);
    ck_assert(weir_table_noted_ends(table));
    ck_assert_uint_eq(weir_table_note(table, numbers, NULL, KEYS), KEYS);
    ck_assert_uint_eq(weir_table_note(table, numbers, NULL, TWICE), TWICE);
    ck_assert_uint_eq(weir_table_noted(table), KEYS + TWICE);
    ck_assert_ptr_null(weir_table_find(table, &numbers[THERE]));
    uint64_t group = 1;
    for (size_t left = KEYS + TWICE; left > 0;) {
        size_t n = weir_table_insert_noted(table, values);
        ck_assert(n > 0 && n <= WEIR_TABLE_NOTED && n <= left);
        for (size_t i = 0; i < n; i++) {
            noted_value *v = values[i];
            ck_assert(v->group == 0 || v->group == group);
            v->group = group;
            v->count++;
        }
        group += weir_table_noted_ends(table);
        left -= n;
        ck_assert_uint_eq(weir_table_noted(table), left);
    }
    ck_assert_uint_gt(group, 10);
    ck_assert_uint_eq(weir_table_insert_noted(table, values), 0);
    ck_assert_uint_eq(weir_table_count(table), KEYS);
    for (uint32_t i = 0; i < KEYS; i++)
        ck_assert_int_eq(((noted_value *)weir_table_find(table, &numbers[i]))->count,
                         1 + (i < THERE) + (i < TWICE));
    ck_assert_uint_eq(weir_table_note(table, numbers, NULL, 10), 10);
    weir_table_clear(table);
    ck_assert_uint_eq(weir_table_noted(table), 0);
    ck_assert_int_eq(weir_account_bytes(&account), (int64_t)weir_table_bytes(table));
    ck_assert_uint_eq(weir_table_note(table, numbers, NULL, 10), 10);
    weir_table_destroy(table);
    ck_assert_int_eq(weir_account_bytes(&account), 0);
    free(numbers);
}
END_TEST

/* Keys that are no word are not noted. */
START_TEST(others_are_not_noted)
{
    weir_table *table = table_of(word_type(), KEY(word_type(), "text"), 8, &account);
    word w = { weir_str_of("text") };
    ck_assert_uint_eq(weir_table_note(table, &w, NULL, 1), 0);
    ck_assert_uint_eq(weir_table_noted(table), 0);
    weir_table_destroy(table);
}
END_TEST

/* Whichever allocation fails: what was noted stays noted until it is inserted. */
START_TEST(noting_runs_out_of_memory)
{
    enum { KEYS = 4000 };
    number numbers[KEYS];
    for (uint32_t i = 0; i < KEYS; i++)
        numbers[i] = (number){ .number = i };
    for (uint64_t nth = 1; nth < 600; nth += nth < 20 ? 1 : 13) {
        weir_table *table = table_of(number_type(), KEY(number_type(), "number"), 8, &account);
        void *values[WEIR_TABLE_NOTED];
        weir_memory_fail_nth(nth, 0);
        size_t noted = weir_table_note(table, numbers, NULL, KEYS);
        ck_assert_uint_eq(weir_table_noted(table), noted);
        while (weir_table_insert_noted(table, values) > 0)
            ;
        size_t left = weir_table_noted(table);
        ck_assert_uint_eq(weir_table_count(table), noted - left);
        weir_memory_fail_nth(0, 0);
        while (weir_table_insert_noted(table, values) > 0)
            ;
        for (size_t i = 0; i < noted; i++)
            ck_assert_ptr_nonnull(weir_table_find(table, &numbers[i]));
        ck_assert_uint_eq(weir_table_count(table), noted);
        weir_table_destroy(table);
        ck_assert_int_eq(weir_account_bytes(&account), 0);
    }
}
END_TEST

/* Notes count, so that a table is large though it has few keys. */
static void become_large(weir_table *table, const number *numbers)
{
    while (weir_table_bytes(table) < WEIR__LARGE)
        ck_assert_uint_eq(weir_table_note(table, numbers, NULL, 512), 512);
}

static void insert_all(weir_table *table, const number *numbers, size_t from, size_t to)
{
    void *values[512];
    for (size_t n; from < to; from += n) {
        n = to - from < 512 ? to - from : 512;
        size_t done = weir_table_insert_many(table, numbers + from, NULL, n, values);
        for (size_t i = 0; i < done; i++)
            *(uint64_t *)values[i] = numbers[from + i].number;
        ck_assert_int_eq(weir_account_bytes(&account), (int64_t)weir_table_bytes(table));
        n = done;
    }
}

/* Of a large one four chunks of 1024 entries of 16 bytes are one block. Those from before are by
 * themselves, as are those that come after a clear has made it small again. */
START_TEST(chunks_of_a_large_one)
{
    enum { FEW = 3000, KEYS = 20000, CHUNK = 1024, ENTRY = 16 };
    size_t before = weir_memory_used();
    weir_table *table = table_of(number_type(), KEY(number_type(), "number"), 8, &account);
    number *numbers = calloc(KEYS, sizeof *numbers);
    for (uint32_t i = 0; i < KEYS; i++)
        numbers[i] = (number){ .number = i * UINT64_C(0x9e3779b97f4a7c15) };
    for (int round = 0; round < 2; round++) {
        insert_all(table, numbers, 0, FEW);
        become_large(table, numbers);
        for (size_t at = FEW, to = KEYS / 5, nth = 1; at < KEYS; at = to, to += KEYS / 5, nth++) {
            weir_memory_fail_nth(nth, 0);
            insert_all(table, numbers, at, to);
            weir_memory_fail_nth(0, 0);
        }
        ck_assert_uint_eq(weir_table_count(table), KEYS);
        for (uint32_t i = 0; i < KEYS; i++)
            ck_assert_uint_eq(*(uint64_t *)weir_table_find(table, &numbers[i]), numbers[i].number);
        for (uint32_t at = 3 * CHUNK; at < 15 * CHUNK; at += 4 * CHUNK) {
            char *first = weir_table_fresh_value(table, at);
            for (uint32_t i = 1; i < 4 * CHUNK; i++)
                ck_assert_ptr_eq(weir_table_fresh_value(table, at + i), first + i * ENTRY);
        }
        weir_table_clear(table);
        ck_assert_int_eq(weir_account_bytes(&account), (int64_t)weir_table_bytes(table));
    }
    insert_all(table, numbers, 0, KEYS);
    weir_table_destroy(table);
    ck_assert_int_eq(weir_account_bytes(&account), 0);
    ck_assert_uint_eq(weir_memory_used(), before);
    free(numbers);
}
END_TEST

static size_t resident(void)
{
    size_t all, pages;
    FILE *file = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%zu %zu", &all, &pages), 2);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* At once, if it has an arena of its own: that is asked for nothing any more. */
START_TEST(a_large_one_is_given_back)
{
    weir__huge_pages_use();
    weir_table *table = table_of(number_type(), KEY(number_type(), "number"), 1024, NULL);
    size_t before = resident();
    for (uint64_t i = 0; i < 100000; i++)
        ck_assert_ptr_nonnull(weir_table_insert(table, &(number){ .number = i }));
    size_t full = resident();
    weir_table_destroy(table);
    if (weir__large_flags())
        ck_assert_uint_lt(resident(), before + (full - before) / 3);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { refusals,
                                   counts_words,
                                   keys_of_many_fields,
                                   keys_of_integers,
                                   grows_by_slices,
                                   asking_changes_nothing,
                                   fresh_keys,
                                   walks,
                                   strings_are_compacted,
                                   strings_that_stay_are_moved,
                                   memory_runs_out,
                                   many_stop_where_memory_ends,
                                   noted_keys,
                                   others_are_not_noted,
                                   noting_runs_out_of_memory,
                                   chunks_of_a_large_one,
                                   a_large_one_is_given_back,
                                   NULL };
    return test_run(test_suite("table", tests));
}
