/* SPDX-License-Identifier: Apache-2.0
 *
 * /views and /views/NAME: the list of views, the records of a key, and scans, which are written
 * while they are read and so need no memory for the whole. What is read is read by libuv's pool: a
 * key may have a long history.
 */
#include "http/views.h"

#include <inttypes.h>

#include <weir/memory.h>

#include "http/opening.h"

enum { PIECE_BYTES = 32 << 10 };

/* ---- pieces of answers ---- */

void weir__put_time(weir__text *out, const weir_http *http, const weir_view *view, uint64_t epoch)
{
    weir__text_put(out, "\"view\":");
    weir__text_json(out, weir_view_name(view));
    weir__text_format(out, ",\"incarnation\":%" PRIu64 ",\"epoch\":%" PRIu64 "%s",
                      http->incarnation, epoch,
                      epoch == WEIR_VIEW_ENDED - 1 ? ",\"ended\":true" : "");
}

weir_status weir__put_record(weir__text *out, const weir_type *type, const void *record,
                             int64_t count)
{
    weir_encode_options options = { .struct_size = sizeof options,
                                    .codec = WEIR_CODEC_JSON,
                                    .replace = true };
    weir_error error;
    weir_status status = weir_encode(type, &options, record, &out->bytes, &error);
    if (status == WEIR_OK && count != 1) {
        bool first = out->bytes.data[out->bytes.len - 2] == '{';
        out->bytes.len--;
        weir__text_format(out, "%s\"_count\":%" PRId64 "}", first ? "" : ",", count);
    }
    out->failed |= status == WEIR_NO_MEMORY;
    return status;
}

/* ---- the list ---- */

typedef struct listing {
    weir__text text;
    weir_worker *worker;
    bool any;
} listing;

static void put_fields(weir__text *out, const weir_type *type)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        const weir_field *field = &type->fields[i];
        weir__text_put(out, i ? ",{\"name\":" : "{\"name\":");
        weir__text_json(out, field->name);
        weir__text_format(out, ",\"kind\":\"%s\",\"optional\":%s", weir_kind_name(field->kind),
                          field->optional ? "true" : "false");
        if (field->kind == WEIR_KIND_decimal)
            weir__text_format(out, ",\"scale\":%u", field->scale);
        weir__text_put(out, "}");
    }
}

static void put_hold(const weir_view_hold *hold, void *ctx)
{
    listing *list = ctx;
    weir__text *out = &list->text;
    uint64_t now = weir_worker_now_ns(list->worker);
    char last = out->bytes.len ? out->bytes.data[out->bytes.len - 1] : 0;
    weir__text_put(out, last == '[' ? "{\"owner\":" : ",{\"owner\":");
    weir__text_json(out, hold->owner);
    weir__text_format(out, ",\"epoch\":%" PRIu64 ",\"for_us\":%" PRIu64 "}", hold->time,
                      now > hold->since_ns ? (now - hold->since_ns) / 1000 : 0);
}

static void put_view(weir_view *view, void *ctx)
{
    listing *list = ctx;
    weir__text *out = &list->text;
    const weir_type *type = weir_view_type(view);
    const weir_key *key = weir_view_key(view);
    weir_view_info info;
    weir_view_get_info(view, &info);
    weir__text_put(out, list->any ? ",{\"name\":" : "{\"name\":");
    list->any = true;
    weir__text_json(out, weir_view_name(view));
    weir__text_put(out, ",\"key\":[");
    for (uint32_t i = 0; i < key->count; i++) {
        weir__text_put(out, i ? "," : "");
        weir__text_json(out, type->fields[key->field[i]].name);
    }
    weir__text_put(out, "],\"fields\":[");
    put_fields(out, type);
    weir__text_format(out,
                      "],\"upper\":%" PRIu64 ",\"ended\":%s,\"since\":%" PRIu64
                      ",\"retention_ms\":%" PRIu64 ",\"records\":%" PRId64,
                      info.upper, info.upper == WEIR_VIEW_ENDED ? "true" : "false", info.since,
                      info.retention_ms, info.records);
    weir__text_format(out,
                      ",\"updates\":%" PRIu64 ",\"runs\":%" PRIu64 ",\"bytes\":%" PRIu64
                      ",\"workers\":%u,\"readers\":[",
                      info.updates, info.runs, info.bytes, info.workers);
    weir_view_each_hold(view, put_hold, list);
    weir__text_put(out, "]}");
}

enum MHD_Result weir__serve_views(weir__request *request)
{
    listing list = { .worker = request->http->worker };
    weir__text_format(&list.text, "{\"incarnation\":%" PRIu64 ",\"views\":[",
                      request->http->incarnation);
    weir_views_each(weir_runtime_views(request->http->runtime), put_view, &list);
    weir__text_put(&list.text, "]}");
    return weir__answer_json(request, MHD_HTTP_OK, &list.text);
}

/* ---- the query part of an address ---- */

typedef struct parts {
    weir__query *query;
    weir_error *error;
    weir_status status;
} parts;

/* With lengths: a key may have a 0 in it. */
static enum MHD_Result read_part(void *ctx, enum MHD_ValueKind kind, const char *name,
                                 size_t name_len, const char *value, size_t value_len)
{
    parts *p = ctx;
    (void)kind;
    (void)name_len;
    p->status = weir__query_add(p->query, name, value, value ? value_len : 0, p->error);
    return p->status == WEIR_OK ? MHD_YES : MHD_NO;
}

weir_status weir__query_read(weir__request *request, weir__query *query, weir_error *error)
{
    parts p = { query, error, WEIR_OK };
    query->incarnation = request->http->incarnation;
    (void)MHD_get_connection_values_n(request->connection, MHD_GET_ARGUMENT_KIND, read_part, &p);
    return p.status == WEIR_OK ? weir__query_check(query, error) : p.status;
}

/* ---- reading, in another thread ---- */

typedef struct reading {
    weir__flow flow; /* first */
    weir__opening opening;
    const weir_type *type; /* of the view */
    weir_view_reader *reader; /* keeps the view, too */
    weir_error error;
    weir__key *key; /* of a look-up; NULL: a scan */
    weir_view_place place;
    uint64_t left, count, until_ns;
    weir_status status;
    bool over;
} reading;

static bool put_row(const weir_view_row *row, void *ctx)
{
    reading *r = ctx;
    weir__text *out = &r->flow.text;
    if (r->left == 0) { /* of a look-up: there are more */
        r->place.ended = false;
        return false;
    }
    weir__text_put(out, r->count++ ? "," : "");
    r->status = weir__put_record(out, r->type, row->record, row->diff);
    r->left--;
    return r->status == WEIR_OK && !out->failed && (r->key || out->bytes.len < PIECE_BYTES);
}

static void end_reading(reading *r)
{
    char mark[WEIR__MARK_TEXT];
    weir__text *out = &r->flow.text;
    r->over = true;
    weir_view_reader_close(r->reader);
    r->reader = NULL;
    weir__text_put(out, "]");
    if (r->key) {
        weir__text_format(out, ",\"complete\":%s}\n", r->place.ended ? "true" : "false");
        return;
    }
    weir__place_text(r->flow.http->incarnation, &r->place, mark);
    weir__text_put(out, ",\"next\":");
    weir__text_json(out, r->place.ended ? NULL : mark);
    weir__text_put(out, "}\n");
}

static void read_piece(weir__flow *flow)
{
    reading *r = (reading *)flow;
    weir_status status;
    if (r->key) {
        r->place.ended = true;
        status = weir_view_reader_lookup(r->reader, r->key->record, put_row, r);
    } else {
        status = weir_view_reader_scan(r->reader, &r->place, r->left, put_row, r);
    }
    r->status = r->status == WEIR_OK ? status : r->status;
    if (r->status == WEIR_OK && (r->key || r->left == 0 || r->place.ended))
        end_reading(r);
}

/* ---- answers that are read ---- */

static weir__flow_more more_reading(weir__flow *flow)
{
    reading *r = (reading *)flow;
    if (r->status != WEIR_OK || (!r->over && (flow->http->ending || uv_hrtime() > r->until_ns)))
        return WEIR__FLOW_BROKEN;
    if (flow->text.bytes.len > flow->taken)
        return WEIR__FLOW_MADE;
    if (r->over)
        return WEIR__FLOW_ENDED;
    return weir__flow_work(flow, read_piece) ? WEIR__FLOW_WAITS : WEIR__FLOW_BROKEN;
}

static void discard(reading *r)
{
    if (r && r->reader)
        weir_view_reader_close(r->reader);
    if (r)
        weir_free(r->key, sizeof *r->key);
    weir_free(r, sizeof *r);
}

static void destroy_reading(weir__flow *flow)
{
    discard((reading *)flow);
}

/* ---- one view ---- */

/* The query's key becomes the reading's. */
static weir_status prepare(weir__request *request, weir_view *view, reading *r, weir_error *error)
{
    weir__query query = { .allowed = WEIR__QUERY_KEY | WEIR__QUERY_PAGE,
                          .view = view,
                          .key = r->key };
    weir_status status = weir__query_read(request, &query, error);
    if (status != WEIR_OK)
        return status;
    if (query.keys == 0) {
        weir_free(r->key, sizeof *r->key);
        r->key = NULL;
    }
    r->flow.http = request->http;
    r->flow.more = more_reading;
    r->flow.destroy = destroy_reading;
    r->type = weir_view_type(view);
    r->place = query.place;
    r->left = query.limit;
    r->until_ns = uv_hrtime() + WEIR__HTTP_STATE_NS;
    return WEIR_OK;
}

static reading *reading_of(weir__opening *opening)
{
    return (reading *)(void *)((char *)opening - offsetof(reading, opening));
}

/* Where others have to be asked the first piece is read as well: then most of what can go wrong
 * still has a status. */
static void open_reading(weir__opening *opening)
{
    reading *r = reading_of(opening);
    r->status = weir__opening_open(opening, "http", r->key ? r->key->record : NULL, &r->reader,
                                   &r->error);
    if (r->status != WEIR_OK)
        return;
    weir__text_put(&r->flow.text, "{");
    weir__put_time(&r->flow.text, opening->http, opening->view, weir_view_reader_time(r->reader));
    weir__text_put(&r->flow.text, ",\"records\":[");
    if (!weir_view_is_divided(opening->view))
        return;
    read_piece(&r->flow);
    if (r->status != WEIR_OK && weir_view_reader_error(r->reader))
        r->error = *weir_view_reader_error(r->reader);
    else if (r->status != WEIR_OK)
        weir_error_set(&r->error, r->status, "%s", weir_status_text(r->status));
}

static void discard_opening(weir__opening *opening)
{
    reading *r = reading_of(opening);
    weir__text_fini(&r->flow.text);
    discard(r);
}

static enum MHD_Result answer_reading(weir__request *request, reading *r)
{
    weir_error error = r->error;
    if (r->status == WEIR_OK)
        return weir__flow_answer(request, &r->flow, "application/json");
    discard_opening(&r->opening);
    return weir__refuse_error(request, &error);
}

static enum MHD_Result serve_records(weir__request *request, weir_view *view)
{
    enum MHD_Result result;
    weir_error error = { .status = WEIR_NO_MEMORY };
    weir__opening *opened = request->opening;
    request->opening = NULL;
    if (opened)
        return answer_reading(request, reading_of(opened));
    reading *r = weir_alloc_zero(sizeof *r);
    if (r)
        r->key = weir_alloc_zero(sizeof *r->key);
    if (!r || !r->key || prepare(request, view, r, &error) != WEIR_OK) {
        discard(r);
        return weir__refuse_error(request, &error);
    }
    r->opening.work = open_reading;
    r->opening.discard = discard_opening;
    return weir__opening_begin(request, &r->opening, view, &result) ? answer_reading(request, r)
                                                                    : result;
}

static weir_view *find_view(weir__request *request, const char *text, size_t len)
{
    char name[256];
    if (request->opening)
        return weir__opening_view(request->opening);
    if (len >= sizeof name)
        return NULL;
    memcpy(name, text, len);
    name[len] = '\0';
    return weir_views_find(weir_runtime_views(request->http->runtime), name);
}

enum MHD_Result weir__serve_view(weir__request *request, const char *rest)
{
    const char *slash = strchr(rest, '/');
    weir_view *view = NULL;
    if (!slash || strcmp(slash, "/events") == 0)
        view = find_view(request, rest, slash ? (size_t)(slash - rest) : strlen(rest));
    if (!view)
        return weir__refuse(request, MHD_HTTP_NOT_FOUND,
                            "there is no view %.200s; /views lists all", rest);
    enum MHD_Result result =
        slash ? weir__serve_events(request, view) : serve_records(request, view);
    weir_view_release(view); /* readers and watches have their own */
    return result;
}
