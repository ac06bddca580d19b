/* SPDX-License-Identifier: Apache-2.0
 *
 * Packs on random records of every kind: the way into a packed form and back, and their order, with
 * long strings as pointers and as offsets into a heap, against the order of the records.
 */
#include "property/records.h"
#include "support.h"
#include "trace/pack.h"

enum { ROUNDS = 20000, HEAP = 400 };
static uint64_t seed;

#define LAW(ok) ck_assert_msg(ok, "%s: WEIR_SEED=%lu", #ok, (unsigned long)seed)

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

/* Some fields, each once. */
static weir_key some_fields(uint64_t *state, const weir_type *type)
{
    weir_key key = { .count = 0 };
    uint32_t count = 1 + (uint32_t)test_below(state, WEIR_KEY_FIELDS_MAX), used = 0;
    while (key.count < count) {
        uint16_t field = (uint16_t)test_below(state, type->field_count);
        if (used >> field & 1)
            continue;
        used |= 1u << field;
        key.field[key.count++] = field;
    }
    return key;
}

/* A packed form whose long strings lie in the heap. */
static void put(const weir__pack *pack, const void *record, char *packed, char *heap)
{
    size_t used = 0;
    memset(packed, 0, pack->type.size);
    weir__pack_from_record(pack, packed, record);
    for (uint32_t i = 0; i < pack->string_count; i++) {
        weir_str *s = weir__pack_string(pack, packed, i);
        if (weir_str_is_inline(s))
            continue;
        memcpy(heap + used, s->u.ptr, s->len);
        weir__str_set_offset(s, used);
        used += s->len;
    }
}

START_TEST(order_and_copies)
{
    uint64_t state = seed = test_seed(41);
    for (int round = 0; round < ROUNDS; round++) {
        const weir_type *type =
            test_below(&state, 2) ? records_plain_type() : records_nulls_type();
        weir_key key = some_fields(&state, type);
        uint32_t descending = (uint32_t)test_random(&state) & ((1u << key.count) - 1);
        records_any a, b;
        _Alignas(16) char x[sizeof a], y[sizeof b], at_x[sizeof a], at_y[sizeof b];
        char heap_x[HEAP], heap_y[HEAP];
        weir__pack pack;
        ck_assert_int_eq(weir__pack_init(&pack, type, key.field, key.count), WEIR_OK);
        weir__pack_set_descending(&pack, descending);
        records_fill(&state, type, &a);
        records_fill(&state, type, &b);
        weir_record_canonicalize(type, &a);
        weir_record_canonicalize(type, &b);
        if (test_below(&state, 2)) /* the first field alone decides nothing */
            memcpy((char *)&b + type->fields[key.field[0]].offset,
                   (char *)&a + type->fields[key.field[0]].offset,
                   weir_kind_size(type->fields[key.field[0]].kind));
        int order = weir_order_compare(type, &key, descending, &a, &b);
        put(&pack, &a, x, heap_x);
        put(&pack, &b, y, heap_y);
        weir__pack_from_record(&pack, at_x, &a);
        weir__pack_from_record(&pack, at_y, &b);
        LAW(sign(weir__pack_compare_records(&pack, &a, &b)) == order);
        LAW(sign(weir__pack_compare(&pack, x, heap_x, y, heap_y)) == order);
        LAW(sign(weir__pack_compare(&pack, x, heap_x, at_y, NULL)) == order);
        LAW(sign(weir__pack_compare(&pack, at_x, NULL, at_y, NULL)) == order);
        LAW(weir__pack_compare(&pack, x, heap_x, at_x, NULL) == 0);
        if (weir__pack_is_word(&pack)) {
            uint64_t of_x = weir__rank_word(pack.ranks, x), of_y = weir__rank_word(pack.ranks, y);
            LAW((of_x > of_y) - (of_x < of_y) == order);
        }
        weir__pack_to_record(&pack, &b, at_x);
        LAW(weir_key_equal(type, &key, &a, &b));
        weir__pack_fini(&pack);
    }
    ck_assert_uint_eq(weir_memory_used(), 0);
}
END_TEST

START_TEST(copies_of_every_size)
{
    enum { MOST = 100, ROOM = MOST + 2 };
    for (size_t size = 0; size <= MOST; size++) {
        char from[ROOM], to[ROOM];
        for (size_t i = 0; i < ROOM; i++)
            from[i] = (char)(i + 1);
        memset(to, 0, ROOM);
        weir__copy_small(to + 1, from + 1, size);
        for (size_t i = 0; i < ROOM; i++)
            ck_assert_int_eq(to[i], i >= 1 && i < 1 + size ? from[i] : 0);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { order_and_copies, copies_of_every_size, NULL };
    return test_run(test_suite("pack", tests));
}
