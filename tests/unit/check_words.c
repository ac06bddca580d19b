/* SPDX-License-Identifier: Apache-2.0
 *
 * Words of packs: which packs have them, that they order as the fields do, upwards and downwards,
 * at the bounds of each kind, and that the fields come back.
 */
#include "trace/words.h"

#include <string.h>

#include <weir/record.h>

#include "support.h"

#define SMALL(F) F(i8, a) F(u16, b) F(flag, c) F(i32, d)
#define DATED(F) F(date, a) F(u32, b)
#define WIDE(F) F(i16, a) F(u64, b)
#define PAIR(F) F(i64, a) F(instant, b)
#define SEPARATE(F) F(u8, a) F(i64, b) F(u8, c)
#define TEXT(F) F(u32, a) F(str, b)
#define OPTIONAL(F) F(u32, a) F(opt_u32, b)
WEIR_RECORD(small, SMALL)
WEIR_RECORD(dated, DATED)
WEIR_RECORD(wide, WIDE)
WEIR_RECORD(pair, PAIR)
WEIR_RECORD(separate, SEPARATE)
WEIR_RECORD(text, TEXT)
WEIR_RECORD(optional, OPTIONAL)

enum { FIELDS = 4, RECORDS = 400, SIZE_MAX_ = 64 };

static weir__pack pack_of(const weir_type *type)
{
    static const uint16_t fields[FIELDS] = { 0, 1, 2, 3 };
    weir__pack pack;
    ck_assert_int_eq(weir__pack_init(&pack, type, fields, type->field_count), WEIR_OK);
    return pack;
}

START_TEST(which_have_them)
{
    const struct {
        const weir_type *type;
        uint32_t words;
    } all[] = { { small_type(), 1 },
                { dated_type(), 1 },
                { wide_type(), 2 },
                { pair_type(), 2 },
                { separate_type(), WEIR__WORDS_NONE },
                { text_type(), WEIR__WORDS_NONE },
                { optional_type(), WEIR__WORDS_NONE } };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        weir__pack pack = pack_of(all[i].type);
        ck_assert_uint_eq(pack.word_count, all[i].words);
        weir__pack_fini(&pack);
    }
    weir__pack none;
    ck_assert_int_eq(weir__pack_init(&none, small_type(), NULL, 0), WEIR_OK);
    ck_assert_uint_eq(none.word_count, 0);
    weir__pack_fini(&none);
}
END_TEST

/* Bytes that are often those of a bound of their field. */
static void fill(const weir_type *type, uint64_t *random, char *record)
{
    static const unsigned char bytes[] = { 0, 1, 0x7f, 0x80, 0xff };
    memset(record, 0, SIZE_MAX_);
    for (uint32_t i = 0; i < type->field_count; i++) {
        const weir_field *f = &type->fields[i];
        size_t size = weir_kind_size(f->kind);
        unsigned char low = bytes[test_below(random, 5)];
        memset(record + f->offset, test_below(random, 2) ? low : (int)(low & 0x80 ? 0xff : 0),
               size);
        record[f->offset + size - 1] = (char)bytes[test_below(random, 5)];
        if (f->kind == WEIR_KIND_flag)
            record[f->offset] = low & 1;
    }
}

static void check_order(const weir_type *type, uint32_t descending)
{
    static _Alignas(16) char records[RECORDS][SIZE_MAX_];
    _Alignas(16) char packed[SIZE_MAX_] = { 0 }, back[SIZE_MAX_], again[SIZE_MAX_] = { 0 };
    uint64_t random = 5 + descending;
    weir__pack pack = pack_of(type);
    weir__pack_set_descending(&pack, descending);
    for (uint32_t i = 0; i < RECORDS; i++)
        fill(type, &random, records[i]);
    for (uint32_t i = 0; i < RECORDS; i++) {
        weir__words words = weir__words_of_record(&pack, records[i]);
        weir__pack_from_record(&pack, packed, records[i]);
        ck_assert(weir__words_equal(words, weir__words_of_packed(&pack, packed)));
        memset(back, 0, sizeof back);
        weir__words_to_record(&pack, words, back);
        ck_assert_mem_eq(back, records[i], type->size);
        weir__words_to_packed(&pack, words, again);
        ck_assert_mem_eq(again, packed, pack.type.size);
        for (uint32_t k = 0; k < RECORDS; k++) {
            weir__words other = weir__words_of_record(&pack, records[k]);
            int order = weir__pack_compare_records(&pack, records[i], records[k]);
            if (weir__words_less(words, other) != (order < 0) ||
                weir__words_equal(words, other) != (order == 0))
                ck_abort_msg("records %u and %u of '%s'", i, k, type->name);
        }
    }
    weir__pack_fini(&pack);
}

START_TEST(order)
{
    for (uint32_t descending = 0; descending < 1u << FIELDS; descending++) {
        check_order(small_type(), descending);
        check_order(dated_type(), descending);
        check_order(wide_type(), descending);
        check_order(pair_type(), descending);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { which_have_them, order, NULL };
    return test_run(test_suite("words", tests));
}
