/* SPDX-License-Identifier: Apache-2.0
 *
 * What an address asks of a view: its query part, and the marks by which a scan or a stream of
 * events goes on. Pure.
 */
#ifndef WEIR_HTTP_QUERY_H
#define WEIR_HTTP_QUERY_H

#include <weir/type.h>
#include <weir/view.h>

#define WEIR__QUERY_LIMIT 1000
#define WEIR__QUERY_LIMIT_MAX 1000000

/* What may be asked; a set. */
typedef enum weir__query_part {
    WEIR__QUERY_KEY = 1, WEIR__QUERY_PAGE = 2, WEIR__QUERY_SNAPSHOT = 4
} weir__query_part;

/* A record of which the key's fields are set, with the strings of these. */
typedef struct weir__key {
    char record[WEIR_RECORD_SIZE_MAX] __attribute__((aligned(16)));
    char strings[4096];
    size_t strings_len;
} weir__key;

typedef struct weir__query {
    unsigned allowed;      /* weir__query_part */
    uint64_t incarnation;  /* of this life: marks of another one are gone */
    const weir_view *view;
    weir__key *key;        /* of the caller; filled where keys were given */
    unsigned keys;         /* how many were */
    uint64_t limit;
    weir_view_place place; /* where a scan goes on */
    bool has_limit, has_place, snapshot;
} weir__query;

/* Takes one name=value in (value NULL: a name alone). Texts are borrowed for the call. INVALID: it
 * means nothing here, or nothing that can be read; GONE: a mark of another life. */
weir_status weir__query_add(weir__query *query, const char *name, const char *value, size_t len,
                            weir_error *error);
/* When all were taken in: whether they make sense together. */
weir_status weir__query_check(weir__query *query, weir_error *error);

#define WEIR__MARK_TEXT 64
/* "INCARNATION-HASH-ORDINAL", hexadecimal. */
void weir__place_text(uint64_t incarnation, const weir_view_place *place, char *text);
/* "INCARNATION:EPOCH", the id of an event. INVALID: it is none; GONE: of another life. */
weir_status weir__event_id_parse(const char *text, uint64_t incarnation, uint64_t *epoch,
                                 weir_error *error);

#endif
