/* SPDX-License-Identifier: Apache-2.0
 *
 * Types made by hand: what is refused and why, keys, orders, hashes, canonical form, texts.
 */
#include <math.h>
#include <string.h>

#include <weir/memory.h>
#include <weir/type.h>

#include "support.h"

typedef struct sale {
    weir_str product;
    struct {
        bool set;
        int64_t value;
    } cents;
    double weight;
    weir_decimal price;
    int32_t store;
    bool paid;
} sale;

static const weir_field sale_fields[] = {
    { .name = "product", .kind = WEIR_KIND_str, .offset = offsetof(sale, product) },
    { .name = "cents",
      .kind = WEIR_KIND_i64,
      .optional = true,
      .offset = offsetof(sale, cents.value),
      .set_offset = offsetof(sale, cents.set) },
    { .name = "weight", .kind = WEIR_KIND_f64, .offset = offsetof(sale, weight) },
    { .name = "price", .kind = WEIR_KIND_decimal, .scale = 2, .offset = offsetof(sale, price) },
    { .name = "store", .kind = WEIR_KIND_i32, .offset = offsetof(sale, store) },
    { .name = "paid", .kind = WEIR_KIND_flag, .offset = offsetof(sale, paid) },
};
static const weir_type sale_type = {
    .struct_size = sizeof(weir_type),
    .name = "sale",
    .size = sizeof(sale),
    .align = _Alignof(sale),
    .field_count = 6,
    .fields = sale_fields,
    .has_strings = true,
};

static sale example(void)
{
    sale s;
    memset(&s, 0, sizeof s);
    s.product = weir_str_of("a bicycle with three wheels");
    s.cents.set = true;
    s.cents.value = -5;
    s.weight = 1.5;
    s.price.unscaled = 12345;
    s.store = 7;
    s.paid = true;
    return s;
}

START_TEST(kinds_have_names_and_sizes)
{
    ck_assert_str_eq(weir_kind_name(WEIR_KIND_decimal), "decimal");
    ck_assert_uint_eq(weir_kind_size(WEIR_KIND_decimal), 16);
    ck_assert_uint_eq(weir_kind_size(WEIR_KIND_str), 16);
    ck_assert_uint_eq(weir_kind_size(WEIR_KIND_u16), 2);
    ck_assert_str_eq(weir_kind_name((weir_kind)99), "unknown");
    ck_assert_uint_eq(weir_kind_size((weir_kind)99), 0);
}
END_TEST

START_TEST(a_sound_description_is_accepted)
{
    weir_error error;
    ck_assert_int_eq(weir_type_check(&sale_type, &error), WEIR_OK);
    ck_assert_int_eq(weir_type_field(&sale_type, "store"), 4);
    ck_assert_int_eq(weir_type_field(&sale_type, "stor"), -1);
}
END_TEST

/* A copy of the description for a test to spoil. */
typedef struct spoilt {
    weir_field fields[6];
    weir_type type;
} spoilt;

static spoilt *fresh(spoilt *s)
{
    memcpy(s->fields, sale_fields, sizeof sale_fields);
    s->type = sale_type;
    s->type.fields = s->fields;
    return s;
}

static void refused(const weir_type *type, const char *why)
{
    weir_error error;
    ck_assert_int_eq(weir_type_check(type, &error), WEIR_INVALID);
    ck_assert_msg(strstr(error.what, why) != NULL, "'%s' does not say '%s'", error.what, why);
    ck_assert_int_eq(weir_type_check(type, NULL), WEIR_INVALID);
}

START_TEST(an_unsound_record_is_refused)
{
    spoilt s;
    refused(NULL, "needs a name");
    fresh(&s)->type.name = NULL;
    refused(&s.type, "needs a name");
    fresh(&s)->type.name = "";
    refused(&s.type, "needs a name");
    fresh(&s)->type.struct_size = 8;
    refused(&s.type, "struct_size");
    fresh(&s)->type.field_count = 0;
    refused(&s.type, "1 to 64");
    fresh(&s)->type.field_count = WEIR_FIELDS_MAX + 1;
    refused(&s.type, "1 to 64");
    fresh(&s)->type.fields = NULL;
    refused(&s.type, "1 to 64");
    fresh(&s)->type.size = 0;
    refused(&s.type, "1 to 4096");
    fresh(&s)->type.size = WEIR_RECORD_SIZE_MAX + 16;
    refused(&s.type, "1 to 4096");
    fresh(&s)->type.align = 0;
    refused(&s.type, "alignment");
    fresh(&s)->type.align = 12;
    refused(&s.type, "alignment");
    fresh(&s)->type.align = 32;
    refused(&s.type, "alignment");
    fresh(&s)->type.size = sizeof(sale) + 1;
    refused(&s.type, "alignment");
    fresh(&s)->type.has_strings = false;
    refused(&s.type, "has_strings must be true");
}
END_TEST

START_TEST(an_unsound_field_is_refused)
{
    char longest[300];
    spoilt s;
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    fresh(&s)->fields[1].name = NULL;
    refused(&s.type, "a name");
    fresh(&s)->fields[1].name = longest;
    refused(&s.type, "a name");
    fresh(&s)->fields[1].name = "product";
    refused(&s.type, "same name");
    fresh(&s)->fields[1].kind = (weir_kind)77;
    refused(&s.type, "no such kind");
    fresh(&s)->fields[3].scale = 39;
    refused(&s.type, "scale");
    fresh(&s)->fields[2].scale = 1;
    refused(&s.type, "scale");
    fresh(&s)->fields[2].offset += 4;
    refused(&s.type, "alignment");
    fresh(&s)->type.align = 8;
    refused(&s.type, "alignment");
    fresh(&s)->fields[2].offset = sizeof(sale);
    refused(&s.type, "outside");
    fresh(&s)->fields[2].offset = 1u << 31;
    refused(&s.type, "outside");
    fresh(&s)->fields[1].set_offset = sizeof(sale);
    refused(&s.type, "'set' lies outside");
    fresh(&s)->fields[2].offset = s.fields[1].offset;
    refused(&s.type, "overlaps");
    fresh(&s)->fields[1].set_offset = 3;
    refused(&s.type, "overlaps");
}
END_TEST

START_TEST(layouts_are_compared_by_all_but_the_types_name)
{
    spoilt s;
    fresh(&s)->type.name = "other";
    ck_assert(weir_type_same_layout(&sale_type, &sale_type));
    ck_assert(weir_type_same_layout(&sale_type, &s.type));
    fresh(&s)->type.size += 16;
    ck_assert(!weir_type_same_layout(&sale_type, &s.type));
    fresh(&s)->fields[3].scale = 3;
    ck_assert(!weir_type_same_layout(&sale_type, &s.type));
    fresh(&s)->fields[3].name = "prize";
    ck_assert(!weir_type_same_layout(&sale_type, &s.type));
    fresh(&s)->fields[1].set_offset++;
    ck_assert(!weir_type_same_layout(&sale_type, &s.type));
    fresh(&s)->fields[0].set_offset++; /* unused: not optional */
    ck_assert(weir_type_same_layout(&sale_type, &s.type));
}
END_TEST

START_TEST(keys_are_resolved_or_refused_by_name)
{
    weir_key key = { .count = 77 };
    weir_error error;
    const char *good[] = { "store", "product", NULL }, *none[] = { NULL };
    const char *wrong[] = { "store", "produkt", NULL }, *twice[] = { "store", "store", NULL };
    ck_assert_int_eq(weir_key_resolve(&sale_type, wrong, &key, &error), WEIR_TYPE_MISMATCH);
    ck_assert_str_eq(error.what, "record 'sale' has no field 'produkt'");
    ck_assert_ptr_nonnull(strstr(error.hint, "product, cents, weight"));
    ck_assert_int_eq(weir_key_resolve(&sale_type, twice, &key, &error), WEIR_INVALID);
    ck_assert_int_eq(weir_key_resolve(&sale_type, none, &key, &error), WEIR_INVALID);
    ck_assert_uint_eq(key.count, 77);
    ck_assert_int_eq(weir_key_resolve(&sale_type, good, &key, &error), WEIR_OK);
    ck_assert_uint_eq(key.count, 2);
    ck_assert_uint_eq(key.field[0], 4);
    ck_assert_uint_eq(key.field[1], 0);
    ck_assert_int_eq(weir_key_all(&sale_type, &key, &error), WEIR_OK);
    ck_assert_uint_eq(key.count, 6);
}
END_TEST

START_TEST(a_key_has_at_most_eight_fields)
{
    weir_field fields[9];
    const char *names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", NULL };
    for (unsigned i = 0; i < 9; i++)
        fields[i] = (weir_field){ .name = names[i], .kind = WEIR_KIND_u8, .offset = i };
    weir_type type = { .struct_size = sizeof(weir_type),
                       .name = "nine",
                       .size = 9,
                       .align = 1,
                       .field_count = 9,
                       .fields = fields };
    weir_key key;
    weir_error error;
    ck_assert_int_eq(weir_type_check(&type, &error), WEIR_OK);
    ck_assert_int_eq(weir_key_all(&type, &key, &error), WEIR_TOO_LARGE);
    ck_assert_int_eq(weir_key_resolve(&type, names, &key, &error), WEIR_TOO_LARGE);
    ck_assert_int_eq(weir_key_resolve(&type, names + 1, &key, &error), WEIR_OK);
}
END_TEST

START_TEST(orders_go_up_or_down_by_field)
{
    weir_order up = { .type = &sale_type, .count = 1, .field = { "store" } };
    weir_order down = { .type = &sale_type, .count = 1, .descending = 1, .field = { "weight" } };
    weir_order both = weir_order_then(up, down);
    weir_key key;
    weir_error error;
    ck_assert_int_eq(weir_order_resolve(&sale_type, &both, &key, &error), WEIR_OK);
    ck_assert_uint_eq(both.descending, 2);
    sale a = example(), b = example();
    ck_assert_int_eq(weir_order_compare(&sale_type, &key, both.descending, &a, &b), 0);
    b.weight = 2;
    ck_assert_int_gt(weir_order_compare(&sale_type, &key, both.descending, &a, &b), 0);
    b.store = 8;
    ck_assert_int_lt(weir_order_compare(&sale_type, &key, both.descending, &a, &b), 0);
}
END_TEST

START_TEST(unfit_orders_are_refused)
{
    spoilt other;
    fresh(&other)->fields[3].scale = 4;
    weir_order order = { .type = &other.type, .count = 1, .field = { "store" } };
    weir_key key;
    weir_error error;
    ck_assert_int_eq(weir_order_resolve(&sale_type, &order, &key, &error), WEIR_TYPE_MISMATCH);
    order.type = NULL;
    ck_assert_int_eq(weir_order_resolve(&sale_type, &order, &key, &error), WEIR_OK);
    order.count = 0;
    ck_assert_int_eq(weir_order_resolve(&sale_type, &order, &key, &error), WEIR_INVALID);
    order = (weir_order){ .count = 5, .field = { "store", "a", "b", "c", "d" } };
    order = weir_order_then(order, order);
    ck_assert_uint_eq(order.count, 10);
    ck_assert_int_eq(weir_order_resolve(&sale_type, &order, &key, &error), WEIR_TOO_LARGE);
}
END_TEST

START_TEST(records_become_canonical)
{
    sale a, b = example();
    memset(&a, 0xff, sizeof a);
    a.product = b.product;
    memset(a.product.prefix, 0, 4); /* of a long string: follows its bytes */
    a.cents.set = false;
    a.weight = -0.0;
    a.price = b.price;
    a.store = b.store;
    memset(&a.paid, 2, 1);
    b.cents.set = false;
    b.cents.value = 0;
    b.weight = 0;
    weir_record_canonicalize(&sale_type, &a);
    ck_assert(memcmp(&a, &b, sizeof a) == 0);
    a.weight = -(double)NAN;
    b.weight = (double)NAN;
    weir_record_canonicalize(&sale_type, &a);
    weir_record_canonicalize(&sale_type, &b);
    ck_assert(memcmp(&a, &b, sizeof a) == 0);
    a.product = weir_str_of("short");
    memset(a.product.u.rest + 1, 'x', 7);
    weir_record_canonicalize(&sale_type, &a);
    b.product = weir_str_of("short");
    ck_assert(memcmp(&a, &b, sizeof a) == 0);
}
END_TEST

/* A description made by hand need not name fields in the order in which they lie. */
START_TEST(records_with_fields_in_any_order_become_canonical)
{
    typedef struct mixed {
        uint16_t count;
        double weight;
        struct {
            bool set;
            int64_t value;
        } cents;
        weir_str name;
    } mixed;
    static const weir_field fields[] = {
        { .name = "name", .kind = WEIR_KIND_str, .offset = offsetof(mixed, name) },
        { .name = "weight", .kind = WEIR_KIND_f64, .offset = offsetof(mixed, weight) },
        { .name = "cents", .kind = WEIR_KIND_i64, .optional = true,
          .offset = offsetof(mixed, cents.value), .set_offset = offsetof(mixed, cents.set) },
        { .name = "count", .kind = WEIR_KIND_u16, .offset = offsetof(mixed, count) },
    };
    const weir_type type = { .struct_size = sizeof type, .name = "mixed", .size = sizeof(mixed),
                             .align = _Alignof(mixed), .field_count = 4, .fields = fields,
                             .has_strings = true };
    mixed clean, dirty;
    ck_assert_int_eq(weir_type_check(&type, NULL), WEIR_OK);
    memset(&clean, 0, sizeof clean);
    memset(&dirty, 0xff, sizeof dirty);
    clean.count = dirty.count = 7;
    dirty.weight = -0.0;
    clean.name = dirty.name = weir_str_of("short");
    for (int set = 0; set < 2; set++) {
        clean.cents.set = dirty.cents.set = set;
        clean.cents.value = set ? 99 : 0;
        dirty.cents.value = 99;
        weir_record_canonicalize(&type, &dirty);
        ck_assert(memcmp(&dirty, &clean, sizeof clean) == 0);
    }
}
END_TEST

START_TEST(long_strings_move)
{
    sale a = example(), b = a;
    size_t size = weir_record_heap_size(&sale_type, &a);
    ck_assert_uint_eq(size, strlen("a bicycle with three wheels"));
    char *heap = weir_alloc(size);
    ck_assert_ptr_eq(weir_record_move_strings(&sale_type, &b, heap), heap + size);
    ck_assert_ptr_eq(b.product.u.ptr, heap);
    ck_assert(weir_record_equal(&sale_type, &a, &b));
    weir_free(heap, size);
    a.product = weir_str_of("twelve bytes");
    ck_assert_uint_eq(weir_record_heap_size(&sale_type, &a), 0);
    ck_assert_ptr_null(weir_record_move_strings(&sale_type, &a, NULL));
}
END_TEST

START_TEST(texts_are_for_people_and_cut)
{
    sale a = example();
    char text[200], brief[16];
    a.product = weir_str_of("a \"b\"\n");
    ck_assert_str_eq(weir_record_text(&sale_type, &a, text, sizeof text),
                     "(product: \"a \\\"b\\\"\\x0a\", cents: -5, weight: 1.5, price: 123.45, "
                     "store: 7, paid: true)");
    a.cents.set = false;
    ck_assert_str_eq(weir_record_text(&sale_type, &a, brief, sizeof brief), "(product: \"a \\\"");
    weir_record_text(&sale_type, &a, text, 0);
    ck_assert_str_eq(weir_record_text(&sale_type, &a, text, 1), "");
    ck_assert_ptr_nonnull(strstr(weir_record_text(&sale_type, &a, text, 200), "cents: null"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        kinds_have_names_and_sizes,
        a_sound_description_is_accepted,
        an_unsound_record_is_refused,
        an_unsound_field_is_refused,
        layouts_are_compared_by_all_but_the_types_name,
        keys_are_resolved_or_refused_by_name,
        a_key_has_at_most_eight_fields,
        orders_go_up_or_down_by_field,
        unfit_orders_are_refused,
        records_become_canonical,
        records_with_fields_in_any_order_become_canonical,
        long_strings_move,
        texts_are_for_people_and_cut,
        NULL,
    };
    return test_run(test_suite("type", tests));
}
