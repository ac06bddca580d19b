/* SPDX-License-Identifier: Apache-2.0
 *
 * See query.h.
 */
#include "http/query.h"

#include <inttypes.h>
#include <stdio.h>

#include <weir/codec.h>
#include <weir/value.h>

static weir_status gone(weir_error *error, const char *what)
{
    weir_error_set(error, WEIR_GONE, "%s is of an earlier life of this program", what);
    weir_error_hint(error, "begin anew, without it");
    return WEIR_GONE;
}

/* ---- marks ---- */

/* Digits of the base up to `end`, at least one. */
static bool number_to(const char **at, char end, unsigned base, uint64_t *value)
{
    const char *from = *at;
    *value = 0;
    for (; **at && **at != end; (*at)++) {
        unsigned char c = (unsigned char)**at;
        unsigned digit = c >= '0' && c <= '9' ? c - 48u : c >= 'a' && c <= 'f' ? c - 'a' + 10u : 99;
        if (digit >= base || __builtin_mul_overflow(*value, base, value) ||
            __builtin_add_overflow(*value, digit, value))
            return false;
    }
    bool ended = **at == end;
    if (ended && end)
        (*at)++;
    return ended && *at > from + (end ? 1 : 0);
}

void weir__place_text(uint64_t incarnation, const weir_view_place *place, char *text)
{
    (void)snprintf(text, WEIR__MARK_TEXT, "%" PRIx64 "-%" PRIx64 "-%" PRIx64, incarnation,
                   place->hash, place->ordinal);
}

static weir_status read_place(weir__query *query, const char *text, weir_error *error)
{
    uint64_t incarnation;
    weir_view_place place = { 0 };
    if (!number_to(&text, '-', 16, &incarnation) || !number_to(&text, '-', 16, &place.hash) ||
        !number_to(&text, '\0', 16, &place.ordinal))
        return weir_error_set(error, WEIR_INVALID,
                              "?after= takes what \"next\" said in the answer before");
    if (incarnation != query->incarnation)
        return gone(error, "what ?after= says");
    query->place = place;
    query->has_place = true;
    return WEIR_OK;
}

weir_status weir__event_id_parse(const char *text, uint64_t incarnation, uint64_t *epoch,
                                 weir_error *error)
{
    uint64_t of;
    if (!number_to(&text, ':', 10, &of) || !number_to(&text, '\0', 10, epoch))
        return weir_error_set(error, WEIR_INVALID,
                              "a Last-Event-ID is an incarnation and an epoch, as in 7:42");
    return of == incarnation ? WEIR_OK : gone(error, "the Last-Event-ID");
}

/* ---- keys ---- */

static void *room(void *ctx, size_t size)
{
    weir__key *key = ctx;
    if (size > sizeof key->strings - key->strings_len)
        return NULL;
    key->strings_len += size;
    return key->strings + key->strings_len - size;
}

static weir_status add_key(weir__query *query, const char *value, size_t len, weir_error *error)
{
    const weir_type *type = weir_view_type(query->view);
    const weir_key *of = weir_view_key(query->view);
    weir__key *key = query->key;
    weir_decode_sink sink = { room, key };

    if (query->keys >= of->count) {
        query->keys++; /* told by weir__query_check */
        return WEIR_OK;
    }
    const weir_field *field = &type->fields[of->field[query->keys++]];
    if (!value) {
        if (field->optional)
            return WEIR_OK; /* all zero is null */
        return weir_error_set(error, WEIR_INVALID, "the key's field %s is never null: ?key=VALUE",
                              field->name);
    }
    char *copy = room(key, len);
    if (len && !copy)
        return weir_error_set(error, WEIR_INVALID, "the key is longer than %zu bytes",
                              sizeof key->strings);
    if (len)
        memcpy(copy, value, len);
    weir_str text = weir_str_view(copy ? copy : "", len);
    weir_status status = weir_field_parse(field, &text, &sink, key->record, error);
    if (status == WEIR_OK)
        return WEIR_OK;
    weir_error_detail(error, "?key= for the field %s (%s)", field->name,
                      weir_kind_name(field->kind));
    if (error)
        error->status = WEIR_INVALID; /* whatever is wrong with the value, the request is */
    return WEIR_INVALID;
}

static weir_status read_limit(weir__query *query, const char *value, size_t len, weir_error *error)
{
    query->has_limit = true;
    if (weir_u64_parse(value, len, &query->limit) == WEIR_OK && query->limit >= 1 &&
        query->limit <= WEIR__QUERY_LIMIT_MAX)
        return WEIR_OK;
    return weir_error_set(error, WEIR_INVALID, "?limit= is a number from 1 to %d",
                          WEIR__QUERY_LIMIT_MAX);
}

static weir_status refuse_name(const weir__query *query, const char *name, weir_error *error)
{
    weir_error_set(error, WEIR_INVALID, "?%.80s= means nothing here", name);
    weir_error_hint(error, "there is ?key=%s%s",
                    query->allowed & WEIR__QUERY_PAGE ? ", ?limit=, ?after=" : "",
                    query->allowed & WEIR__QUERY_SNAPSHOT ? ", ?snapshot=1" : "");
    return WEIR_INVALID;
}

weir_status weir__query_add(weir__query *query, const char *name, const char *value, size_t len,
                            weir_error *error)
{
    bool page = query->allowed & WEIR__QUERY_PAGE;
    if (strcmp(name, "key") == 0 && query->allowed & WEIR__QUERY_KEY)
        return add_key(query, value, len, error);
    if (strcmp(name, "limit") == 0 && page && !query->has_limit)
        return read_limit(query, value ? value : "", len, error);
    if (strcmp(name, "after") == 0 && page && !query->has_place)
        return read_place(query, value ? value : "", error);
    if (strcmp(name, "snapshot") == 0 && query->allowed & WEIR__QUERY_SNAPSHOT) {
        query->snapshot = !value || strcmp(value, "0") != 0;
        return WEIR_OK;
    }
    return refuse_name(query, name, error);
}

weir_status weir__query_check(weir__query *query, weir_error *error)
{
    const weir_type *type = weir_view_type(query->view);
    const weir_key *key = weir_view_key(query->view);
    char names[400] = "";
    if (!query->has_limit)
        query->limit = WEIR__QUERY_LIMIT;
    if (query->keys == 0 || query->keys == key->count)
        return WEIR_OK;
    for (uint32_t i = 0; i < key->count; i++) {
        size_t len = strlen(names);
        (void)snprintf(names + len, sizeof names - len, "%s%s", i ? ", " : "",
                       type->fields[key->field[i]].name);
    }
    weir_error_set(error, WEIR_INVALID, "%u times ?key= for a key of %u: %s", query->keys,
                   key->count, names);
    weir_error_hint(error, "give one ?key= for each field, in this order");
    return WEIR_INVALID;
}
