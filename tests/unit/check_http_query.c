/* SPDX-License-Identifier: Apache-2.0
 *
 * Marks in addresses and ids of events: what was written is read again, and nothing else is. Texts
 * of answers: JSON for any bytes.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include <weir/memory.h>
#include <weir/record.h>

#include "http/query.h"
#include "http/server.h"
#include "http/text.h"
#include "support.h"

#define ENTRY(F) F(str, name) F(opt_i64, shop) F(bytes, raw)
WEIR_RECORD(entry, ENTRY)

static weir_views *views;
static weir_view *view;
static weir_error error;
static weir__key key;
static weir__query query;

static void set_up(void)
{
    weir_key of = { .count = 3, .field = { 0, 1, 2 } };
    views = weir_views_create();
    ck_assert_ptr_nonnull(views);
    weir_view_spec spec = {
        .struct_size = sizeof spec, .name = "v", .type = entry_type(), .key = of, .workers = 1
    };
    ck_assert_int_eq(weir_views_add(views, &spec, &view, &error), WEIR_OK);
}

static void tear_down(void)
{
    weir_views_remove(view);
    weir_views_destroy(views);
}

static weir_status add(const char *name, const char *value)
{
    return weir__query_add(&query, name, value, value ? strlen(value) : 0, &error);
}

static void begin(unsigned allowed)
{
    memset(&key, 0, sizeof key);
    query = (weir__query){ .allowed = allowed, .incarnation = 77, .view = view, .key = &key };
}

START_TEST(places_are_read_as_they_were_written)
{
    uint64_t seed = test_seed(5), state = seed;
    char text[WEIR__MARK_TEXT];
    for (int i = 0; i < 1000; i++) {
        weir_view_place place = { .hash = test_random(&state) >> test_below(&state, 64),
                                  .ordinal = test_random(&state) >> test_below(&state, 64) };
        begin(WEIR__QUERY_PAGE);
        weir__place_text(77, &place, text);
        ck_assert_int_eq(add("after", text), WEIR_OK);
        ck_assert(query.place.hash == place.hash && query.place.ordinal == place.ordinal);
        begin(WEIR__QUERY_PAGE);
        weir__place_text(78, &place, text);
        ck_assert_int_eq(add("after", text), WEIR_GONE);
    }
    static const char *const bad[] = { "",
                                       "-",
                                       "--",
                                       "4d",
                                       "4d-",
                                       "4d-1",
                                       "4d-1-",
                                       "4d-1-g",
                                       "4d--1",
                                       "4D-1-1",
                                       "4d-1-1-",
                                       "4d-1-1 ",
                                       "4d-1-11111111111111111" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        begin(WEIR__QUERY_PAGE);
        ck_assert_msg(add("after", bad[i]) == WEIR_INVALID, "'%s' was taken", bad[i]);
    }
}
END_TEST

START_TEST(ids_of_events_are_read)
{
    uint64_t epoch = 0;
    ck_assert_int_eq(weir__event_id_parse("77:0", 77, &epoch, &error), WEIR_OK);
    ck_assert_uint_eq(epoch, 0);
    ck_assert_int_eq(weir__event_id_parse("77:18446744073709551614", 77, &epoch, &error), WEIR_OK);
    ck_assert_uint_eq(epoch, UINT64_MAX - 1);
    ck_assert_int_eq(weir__event_id_parse("76:1", 77, &epoch, &error), WEIR_GONE);
    static const char *const bad[] = { "",      ":",    "77",    "77:", ":1",
                                       "77:1:", "77:x", "77:1 ", "a:1", "77:18446744073709551616" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(weir__event_id_parse(bad[i], 77, &epoch, &error) == WEIR_INVALID,
                      "'%s' was taken", bad[i]);
}
END_TEST

START_TEST(keys_are_of_their_kinds)
{
    begin(WEIR__QUERY_KEY);
    ck_assert_int_eq(weir__query_add(&query, "key", "a name, longer than is inline\0!", 31, &error),
                     WEIR_OK);
    ck_assert_int_eq(add("key", NULL), WEIR_OK);
    ck_assert_int_eq(add("key", "AAEC"), WEIR_OK);
    ck_assert_int_eq(weir__query_check(&query, &error), WEIR_OK);
    const entry *e = (const entry *)key.record;
    ck_assert_uint_eq(e->name.len, 31);
    ck_assert_int_eq(memcmp(weir_str_data(&e->name), "a name, longer than is inline\0!", 31), 0);
    ck_assert(!e->shop.set);
    ck_assert_uint_eq(e->raw.len, 3);
    ck_assert_int_eq(memcmp(weir_str_data(&e->raw), "\0\1\2", 3), 0);

    begin(WEIR__QUERY_KEY);
    ck_assert_int_eq(add("key", ""), WEIR_OK);
    ck_assert_int_eq(add("key", "-7"), WEIR_OK);
    ck_assert_int_eq(add("key", "!"), WEIR_INVALID);
    begin(WEIR__QUERY_KEY);
    ck_assert_int_eq(add("key", NULL), WEIR_INVALID);
    begin(WEIR__QUERY_KEY);
    char *longer = malloc(5000);
    memset(longer, 'x', 5000);
    ck_assert_int_eq(weir__query_add(&query, "key", longer, 5000, &error), WEIR_INVALID);
    ck_assert_ptr_nonnull(strstr(error.what, "longer than 4096 bytes"));
    free(longer);
    begin(WEIR__QUERY_KEY);
    ck_assert_int_eq(add("key", "a"), WEIR_OK);
    ck_assert_int_eq(weir__query_check(&query, &error), WEIR_INVALID);
    ck_assert_str_eq(error.what, "1 times ?key= for a key of 3: name, shop, raw");
}
END_TEST

START_TEST(only_what_is_allowed_is_taken)
{
    begin(WEIR__QUERY_KEY | WEIR__QUERY_SNAPSHOT);
    ck_assert_int_eq(add("limit", "1"), WEIR_INVALID);
    ck_assert_int_eq(add("snapshot", "1"), WEIR_OK);
    ck_assert(query.snapshot);
    ck_assert_int_eq(add("snapshot", "0"), WEIR_OK);
    ck_assert(!query.snapshot);
    begin(WEIR__QUERY_PAGE);
    ck_assert_int_eq(add("key", "a"), WEIR_INVALID);
    ck_assert_int_eq(add("limit", "12"), WEIR_OK);
    ck_assert_int_eq(weir__query_check(&query, &error), WEIR_OK);
    ck_assert_uint_eq(query.limit, 12);
    begin(WEIR__QUERY_PAGE);
    ck_assert_int_eq(weir__query_check(&query, &error), WEIR_OK);
    ck_assert_uint_eq(query.limit, WEIR__QUERY_LIMIT);
}
END_TEST

/* Counts that overflow are no mistake of who asks for them, and asking again does not help. */
START_TEST(refusals_have_codes)
{
    ck_assert_uint_eq(weir__code_of(WEIR_INVALID), 400);
    ck_assert_uint_eq(weir__code_of(WEIR_NOT_FOUND), 404);
    ck_assert_uint_eq(weir__code_of(WEIR_GONE), 410);
    ck_assert_uint_eq(weir__code_of(WEIR_OVERFLOWED), 500);
    ck_assert_uint_eq(weir__code_of(WEIR_TOO_LARGE), 500);
    ck_assert_uint_eq(weir__code_of(WEIR_UNAVAILABLE), 503);
}
END_TEST

/* Whatever the bytes, it is JSON, and text that is UTF-8 comes back as it was. */
START_TEST(any_bytes_become_json)
{
    static const char *const texts[] = { "", "plain", "\"\\\n\t\x01\x7f", "\xc3\xa4 \xe2\x82\xac",
                                         "\xf0\x9f\x98\x80" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        weir__text text = { .failed = false };
        weir__text_json(&text, texts[i]);
        weir__text_add(&text, "", 1);
        struct json_object *o = json_tokener_parse(text.bytes.data);
        ck_assert_str_eq(json_object_get_string(o), texts[i]);
        (void)json_object_put(o);
        weir__text_fini(&text);
    }
    static const char *const broken[] = { "\xff",
                                          "\xc3",
                                          "\xc0\x80",
                                          "\xed\xa0\x80",
                                          "\xe2\x82",
                                          "\xf4\x90\x80\x80",
                                          "\xf8\x88\x80\x80\x80",
                                          "a\x80z" };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        weir__text text = { .failed = false };
        weir__text_json(&text, broken[i]);
        weir__text_add(&text, "", 1);
        ck_assert_ptr_nonnull(strstr(text.bytes.data, "\xef\xbf\xbd"));
        struct json_object *o = json_tokener_parse(text.bytes.data);
        ck_assert_msg(o != NULL, "%zu: %s", i, text.bytes.data);
        (void)json_object_put(o);
        weir__text_fini(&text);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        places_are_read_as_they_were_written,
        ids_of_events_are_read,
        keys_are_of_their_kinds,
        only_what_is_allowed_is_taken,
        refusals_have_codes,
        any_bytes_become_json,
        NULL,
    };
    return test_run(test_suite_around("http_query", tests, set_up, tear_down));
}
