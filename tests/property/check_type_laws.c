/* SPDX-License-Identifier: Apache-2.0
 *
 * Laws of records: equality, order and hash agree with each other and with the plainest model, on
 * random records of every kind, optional and not.
 */
#include <math.h>

#include <weir/value.h>

#include "base/hash.h"
#include "property/records.h"
#include "support.h"

enum { ROUNDS = 3000 };
static uint64_t seed;

#define LAW(ok) ck_assert_msg(ok, "%s: WEIR_SEED=%lu", #ok, (unsigned long)seed)

static const weir_type *either_type(uint64_t *state)
{
    return test_below(state, 2) ? records_plain_type() : records_nulls_type();
}

static weir_key random_key(uint64_t *state, const weir_type *type, uint32_t count)
{
    weir_key key = { .count = count };
    for (uint32_t i = 0; i < count; i++)
        key.field[i] = (uint16_t)((test_below(state, 2) + 2 * i) % type->field_count);
    return key;
}

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

/* ---- the plainest model ---- */

static int model_floats(double a, double b)
{
    if (isnan(a) || isnan(b))
        return (int)(isnan(a) != 0) - (int)(isnan(b) != 0);
    return (a > b) - (a < b);
}

#define MODEL(kind, x, y)  \
    case WEIR_KIND_##kind: \
        return (*(const x *)a > *(const y *)b) - (*(const x *)a < *(const y *)b);

static int model_values(weir_kind kind, const void *a, const void *b)
{
    const weir_str *s = a, *t = b;
    switch (kind) {
        MODEL(flag, bool, bool)
        MODEL(i8, int8_t, int8_t)
        MODEL(i16, int16_t, int16_t)
        MODEL(i32, int32_t, int32_t)
        MODEL(i64, int64_t, int64_t)
        MODEL(u8, uint8_t, uint8_t)
        MODEL(u16, uint16_t, uint16_t)
        MODEL(u32, uint32_t, uint32_t)
        MODEL(u64, uint64_t, uint64_t)
        MODEL(date, int32_t, int32_t)
        MODEL(instant, int64_t, int64_t)
    case WEIR_KIND_f32:
        return model_floats((double)*(const float *)a, (double)*(const float *)b);
    case WEIR_KIND_f64:
        return model_floats(*(const double *)a, *(const double *)b);
    case WEIR_KIND_decimal:
        return weir_decimal_compare(*(const weir_decimal *)a, *(const weir_decimal *)b);
    case WEIR_KIND_str:
    case WEIR_KIND_bytes:
        break;
    }
    int order = memcmp(weir_str_data(s), weir_str_data(t), s->len < t->len ? s->len : t->len);
    return order ? sign(order) : (s->len > t->len) - (s->len < t->len);
}

static int model_compare(const weir_type *type, const weir_key *key, const void *a, const void *b)
{
    for (uint32_t i = 0; i < key->count; i++) {
        const weir_field *f = &type->fields[key->field[i]];
        const char *x = a, *y = b;
        bool x_set = !f->optional || x[f->set_offset], y_set = !f->optional || y[f->set_offset];
        int order = x_set && y_set ? model_values(f->kind, x + f->offset, y + f->offset)
                                   : (int)x_set - (int)y_set;
        if (order != 0)
            return order;
    }
    return 0;
}

/* ---- laws ---- */

START_TEST(order_and_equality_are_those_of_the_model)
{
    uint64_t state = seed = test_seed(21);
    for (int round = 0; round < ROUNDS; round++) {
        const weir_type *type = either_type(&state);
        records_any a, b;
        records_fill(&state, type, &a);
        records_fill(&state, type, &b);
        for (uint16_t i = 0; i < type->field_count; i++) {
            weir_key one = { 1, { i } };
            int wanted = model_compare(type, &one, &a, &b);
            LAW(sign(weir_key_compare(type, &one, &a, &b)) == wanted);
            LAW(weir_key_equal(type, &one, &a, &b) == (wanted == 0));
            LAW(sign(weir_order_compare(type, &one, 1, &a, &b)) == -wanted);
        }
        weir_key key = random_key(&state, type, 1 + (uint32_t)test_below(&state, 7));
        LAW(sign(weir_key_compare(type, &key, &a, &b)) == model_compare(type, &key, &a, &b));
        LAW(weir_record_equal(type, &a, &b) == (weir_record_compare(type, &a, &b) == 0));
    }
}
END_TEST

START_TEST(order_is_total)
{
    uint64_t state = seed = test_seed(22);
    for (int round = 0; round < ROUNDS; round++) {
        const weir_type *type = either_type(&state);
        records_any r[3];
        for (int i = 0; i < 3; i++)
            records_fill(&state, type, &r[i]);
        weir_key key = random_key(&state, type, 1 + (uint32_t)test_below(&state, 2));
        int ab = sign(weir_key_compare(type, &key, &r[0], &r[1]));
        int bc = sign(weir_key_compare(type, &key, &r[1], &r[2]));
        int ac = sign(weir_key_compare(type, &key, &r[0], &r[2]));
        LAW(weir_key_compare(type, &key, &r[0], &r[0]) == 0);
        LAW(sign(weir_key_compare(type, &key, &r[1], &r[0])) == -ab);
        LAW(ab != bc || ac == ab);
        LAW(ab != 0 || ac == bc);
    }
}
END_TEST

START_TEST(equal_keys_have_equal_hashes)
{
    uint64_t state = seed = test_seed(23);
    unsigned apart = 0, collided = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const weir_type *type = either_type(&state);
        records_any a, b;
        records_fill(&state, type, &a);
        records_fill(&state, type, &b);
        for (uint16_t i = 0; i < type->field_count; i++) {
            weir_key one = { 1, { i } };
            bool hash_equal = weir_key_hash(type, &one, &a, 5) == weir_key_hash(type, &one, &b, 5);
            bool equal = weir_key_equal(type, &one, &a, &b);
            LAW(!equal || hash_equal);
            apart += !equal;
            collided += !equal && hash_equal;
        }
    }
#ifdef WEIR_HASH_8BIT
    LAW(collided > apart / 512 && collided < apart / 128);
#else
    LAW(apart > 0 && collided == 0);
#endif
}
END_TEST

START_TEST(canonical_form_keeps_the_record_and_is_final)
{
    uint64_t state = seed = test_seed(24);
    for (int round = 0; round < ROUNDS; round++) {
        const weir_type *type = either_type(&state);
        records_any a, b, c;
        records_fill(&state, type, &a);
        memcpy(&b, &a, sizeof a);
        weir_record_canonicalize(type, &b);
        LAW(weir_record_equal(type, &a, &b) && weir_record_compare(type, &a, &b) == 0);
        LAW(weir_record_hash(type, &a, seed) == weir_record_hash(type, &b, seed));
        memcpy(&c, &b, sizeof b);
        weir_record_canonicalize(type, &c);
        LAW(memcmp(&b, &c, type->size) == 0);
        records_fill(&state, type, &c);
        for (uint32_t i = 0; i < type->field_count; i++) { /* b's values over c's garbage */
            const weir_field *f = &type->fields[i];
            bool set = !f->optional || ((char *)&b)[f->set_offset];
            if (f->optional)
                ((char *)&c)[f->set_offset] = (char)set;
            if (set)
                memcpy((char *)&c + f->offset, (char *)&b + f->offset, weir_kind_size(f->kind));
        }
        weir_record_canonicalize(type, &c);
        LAW(memcmp(&b, &c, type->size) == 0);
    }
}
END_TEST

START_TEST(moved_strings_leave_the_record_equal)
{
    uint64_t state = seed = test_seed(25);
    for (int round = 0; round < ROUNDS; round++) {
        const weir_type *type = either_type(&state);
        records_any a, b;
        char heap[400];
        records_fill(&state, type, &a);
        memcpy(&b, &a, sizeof a);
        size_t size = weir_record_heap_size(type, &a);
        LAW(size <= sizeof heap && weir_record_move_strings(type, &b, heap) == heap + size);
        LAW(weir_record_equal(type, &a, &b));
    }
}
END_TEST

START_TEST(columns_hash_as_records_do)
{
    uint64_t state = seed = test_seed(26);
    enum { COUNT = 20 };
    for (int round = 0; round < ROUNDS / COUNT; round++) {
        const weir_type *type = either_type(&state);
        char column[COUNT * sizeof(records_any)] __attribute__((aligned(16)));
        uint64_t hashes[COUNT];
        for (size_t i = 0; i < COUNT; i++)
            records_fill(&state, type, column + i * type->size);
        for (uint16_t field = 0; field <= type->field_count; field++) {
            weir_key key = { 1, { field } };
            if (field == type->field_count)
                key = random_key(&state, type, 2 + (uint32_t)test_below(&state, 3));
            weir_key_hash_column(type, &key, column, COUNT, seed, hashes);
            for (size_t i = 0; i < COUNT; i++)
                LAW(hashes[i] == weir_key_hash(type, &key, column + i * type->size, seed));
        }
    }
}
END_TEST

/* Which have a path of their own; wherever they lie, and however few there are. */
START_TEST(columns_of_pairs_hash_as_records_do)
{
    enum { COUNT = 40 };
    static const weir_field fields[] = { { .name = "a", .kind = WEIR_KIND_u64 },
                                         { .name = "b", .kind = WEIR_KIND_i64, .offset = 8 } };
    weir_type type = { .struct_size = sizeof type, .name = "pair", .size = 16, .align = 8,
                       .field_count = 2, .fields = fields };
    uint64_t state = seed = test_seed(28), words[2 * COUNT + 1], hashes[COUNT + 1];
    for (size_t i = 0; i <= 2 * COUNT; i++)
        words[i] = test_random(&state);
    for (size_t first = 0; first < 2; first++)
        for (size_t count = 0; count <= COUNT; count++)
            for (uint16_t field = 0; field < 2; field++) {
                weir_key key = { 1, { field } };
                hashes[count] = 7;
                weir_key_hash_column(&type, &key, words + first, count, seed, hashes);
                for (size_t i = 0; i < count; i++)
                    LAW(hashes[i] == weir_key_hash(&type, &key, words + first + 2 * i, seed));
                LAW(hashes[count] == 7);
            }
}
END_TEST

START_TEST(optional_keys_agree_with_plain_ones_of_another_type)
{
    uint64_t state = seed = test_seed(27);
    const weir_type *plain = records_plain_type(), *nulls = records_nulls_type();
    for (int round = 0; round < ROUNDS; round++) {
        records_plain a;
        records_nulls b;
        records_fill(&state, plain, &a);
        records_fill(&state, nulls, &b);
        for (uint16_t i = 0; i < plain->field_count; i++) {
            const weir_field *f = &plain->fields[i], *g = &nulls->fields[i];
            weir_key key = { 1, { i } };
            bool set = ((const char *)&b)[g->set_offset];
            if (set && round % 2)
                memcpy((char *)&b + g->offset, (const char *)&a + f->offset,
                       weir_kind_size(f->kind));
            bool equal = weir_key_equal_across(plain, &key, &a, nulls, &key, &b);
            LAW(!set || round % 2 == 0 || equal);
            LAW(set || !equal);
            LAW(!equal || weir_key_hash(plain, &key, &a, 1) == weir_key_hash(nulls, &key, &b, 1));
        }
        for (uint16_t i = 1; i < plain->field_count; i++) {
            weir_key key = { 2, { i, (uint16_t)(i - 1) } };
            bool equal = weir_key_equal_across(plain, &key, &a, nulls, &key, &b);
            LAW(!equal || weir_key_hash(plain, &key, &a, 1) == weir_key_hash(nulls, &key, &b, 1));
        }
    }
}
END_TEST

static size_t bytes_of(const weir_type *type, const weir_key *key)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < key->count; i++)
        bytes += weir_kind_size(type->fields[key->field[i]].kind);
    return bytes;
}

START_TEST(hashes_of_small_keys_can_be_undone)
{
    uint64_t state = seed = test_seed(28);
    const weir_type *type = records_plain_type();
    for (int round = 0; round < ROUNDS; round++) {
        records_plain a, b;
        records_fill(&state, type, &a);
        weir_record_canonicalize(type, &a);
        for (uint16_t i = 0; i < 2 * type->field_count; i++) {
            weir_key key = { 1, { i } };
            if (i >= type->field_count)
                key = random_key(&state, type, 1 + (uint32_t)test_below(&state, 4));
            bool keeps_all_bits = weir__hash_keep(1) == 1;
            LAW(weir_key_is_bijective(type, &key) == (keeps_all_bits && bytes_of(type, &key) <= 8));
            if (!weir_key_is_bijective(type, &key))
                continue;
            memset(&b, 0, sizeof b);
            weir_key_unhash(type, &key, weir_key_hash(type, &key, &a, seed), seed, &b);
            LAW(weir_key_equal(type, &key, &a, &b));
        }
        weir_key null = { 1, { 4 } };
        LAW(!weir_key_is_bijective(records_nulls_type(), &null));
        LAW(weir__hash_unmix(weir__hash_mix(state, seed), seed) == state);
    }
}
END_TEST

START_TEST(seeds_matter_and_high_bits_are_even)
{
    enum { WORKERS = 7, KEYS = 70000, LONG = 14, LONGER = 22, LONGEST = 40 };
    unsigned share[5][WORKERS] = { { 0 } };
    uint64_t state = seed = test_seed(29);
    LAW(weir__hash_mix(5, 1) != weir__hash_mix(5, 2));
    for (uint64_t i = 0; i < KEYS; i++) {
        char text[WEIR_INTEGER_TEXT];
        weir_str s = weir_str_view(text, weir_u64_text(i, text));
        __extension__ unsigned __int128 wide = weir__hash_mix(i, state);
        share[0][(size_t)((wide * WORKERS) >> 64)]++;
        wide = weir__hash_str(&s, state);
        share[1][(size_t)((wide * WORKERS) >> 64)]++;
        size_t lens[3] = { LONG, LONGER, LONGEST };
        for (int k = 0; k < 3; k++) { /* what differs is in front, amid, or last */
            char longer[LONGEST];
            memset(longer, 'x', sizeof longer);
            memcpy(longer + (size_t)k * (lens[k] - s.len) / 2, text, s.len);
            weir_str l = weir_str_view(longer, lens[k]);
            wide = weir__hash_str(&l, state);
            share[2 + k][(size_t)((wide * WORKERS) >> 64)]++;
        }
    }
    for (int i = 0; i < 5; i++)
        for (int w = 0; w < WORKERS; w++)
            LAW(share[i][w] > KEYS / WORKERS * 95 / 100 &&
                share[i][w] < KEYS / WORKERS * 105 / 100);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        order_and_equality_are_those_of_the_model,
        order_is_total,
        equal_keys_have_equal_hashes,
        canonical_form_keeps_the_record_and_is_final,
        moved_strings_leave_the_record_equal,
        columns_hash_as_records_do,
        columns_of_pairs_hash_as_records_do,
        optional_keys_agree_with_plain_ones_of_another_type,
        hashes_of_small_keys_can_be_undone,
        seeds_matter_and_high_bits_are_even,
        NULL,
    };
    return test_run(test_suite("type_laws", tests));
}
