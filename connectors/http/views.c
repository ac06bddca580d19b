/* SPDX-License-Identifier: Apache-2.0
 *
 * /views and /views/NAME: the list of views, the records of a key, and scans, which are written
 * while they are read and so need no memory for the whole.
 */
#include "http/views.h"

#include <inttypes.h>

#include <weir/memory.h>

enum { SLICE_ROWS = 64 };

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

typedef struct reading {
    weir__query *query;
    weir_error *error;
    weir_status status;
} reading;

/* With lengths: a key may have a 0 in it. */
static enum MHD_Result read_part(void *ctx, enum MHD_ValueKind kind, const char *name,
                                 size_t name_len, const char *value, size_t value_len)
{
    reading *r = ctx;
    (void)kind;
    (void)name_len;
    r->status = weir__query_add(r->query, name, value, value ? value_len : 0, r->error);
    return r->status == WEIR_OK ? MHD_YES : MHD_NO;
}

weir_status weir__query_read(weir__request *request, weir__query *query, weir_error *error)
{
    reading r = { query, error, WEIR_OK };
    query->incarnation = request->http->incarnation;
    (void)MHD_get_connection_values_n(request->connection, MHD_GET_ARGUMENT_KIND, read_part, &r);
    return r.status == WEIR_OK ? weir__query_check(query, error) : r.status;
}

/* ---- the records of a key ---- */

typedef struct rows {
    weir__text *out;
    const weir_type *type;
    weir_status status;
    uint64_t count;
} rows;

static bool put_row(const weir_view_row *row, void *ctx)
{
    rows *r = ctx;
    weir__text_put(r->out, r->count++ ? "," : "");
    r->status = weir__put_record(r->out, r->type, row->record, row->diff);
    return r->status == WEIR_OK;
}

static weir_status look_up(weir__request *request, weir_view *view, const weir__key *key,
                           weir__text *out, weir_error *error)
{
    weir_view_reader *reader;
    rows r = { .out = out, .type = weir_view_type(view) };
    weir_status status = weir_view_reader_open(view, "http look-up", &reader, error);
    if (status != WEIR_OK)
        return status;
    weir__text_put(out, "{");
    weir__put_time(out, request->http, view, weir_view_reader_time(reader));
    weir__text_put(out, ",\"records\":[");
    status = weir_view_reader_lookup(reader, key->record, put_row, &r);
    weir__text_put(out, "]}");
    weir_view_reader_close(reader);
    status = status == WEIR_OK ? r.status : status;
    if (status != WEIR_OK)
        weir_error_set(error, status, "the records cannot be told: %s", weir_status_text(status));
    return status;
}

/* ---- scans ---- */

typedef struct scan {
    weir__flow flow; /* first */
    weir_view *view;
    weir_view_reader *reader;
    weir_view_place place;
    uint64_t left, until_ns;
    rows rows;
    bool over;
} scan;

/* The end of the answer: where a later one would go on. */
static void end_scan(scan *s)
{
    char mark[WEIR__MARK_TEXT];
    weir__text *out = &s->flow.text;
    weir_view_reader_close(s->reader);
    s->reader = NULL;
    s->over = true;
    weir__place_text(s->flow.http->incarnation, &s->place, mark);
    weir__text_put(out, "],\"next\":");
    weir__text_json(out, s->place.ended ? NULL : mark);
    weir__text_put(out, "}\n");
}

static weir__flow_more more_scan(weir__flow *flow)
{
    scan *s = (scan *)flow;
    if (s->over)
        return WEIR__FLOW_ENDED;
    if (flow->http->ending || uv_hrtime() > s->until_ns)
        return WEIR__FLOW_BROKEN;
    uint64_t before = s->rows.count, want = s->left < SLICE_ROWS ? s->left : SLICE_ROWS;
    s->rows.out = &flow->text;
    weir_status status = weir_view_reader_scan(s->reader, &s->place, want, put_row, &s->rows);
    if (status != WEIR_OK || s->rows.status != WEIR_OK)
        return WEIR__FLOW_BROKEN;
    s->left -= s->rows.count - before;
    if (s->left == 0 || s->place.ended)
        end_scan(s);
    return WEIR__FLOW_MADE;
}

static void destroy_scan(weir__flow *flow)
{
    scan *s = (scan *)flow;
    if (s->reader)
        weir_view_reader_close(s->reader);
    weir_free(s, sizeof *s);
}

static enum MHD_Result serve_scan(weir__request *request, weir_view *view, const weir__query *query)
{
    weir_error error = { .status = WEIR_NO_MEMORY };
    scan *s = weir_alloc_zero(sizeof *s);
    if (!s || weir_view_reader_open(view, "http scan", &s->reader, &error) != WEIR_OK) {
        weir_free(s, sizeof *s);
        return weir__refuse_error(request, &error);
    }
    s->flow.more = more_scan;
    s->flow.destroy = destroy_scan;
    s->view = view;
    s->place = query->place;
    s->left = query->limit;
    s->until_ns = uv_hrtime() + WEIR__HTTP_STATE_NS;
    s->rows.type = weir_view_type(view);
    weir__text_put(&s->flow.text, "{");
    weir__put_time(&s->flow.text, request->http, view, weir_view_reader_time(s->reader));
    weir__text_put(&s->flow.text, ",\"records\":[");
    return weir__flow_answer(request, &s->flow, "application/json");
}

/* ---- one view ---- */

static enum MHD_Result serve_records(weir__request *request, weir_view *view)
{
    weir_error error = { .status = WEIR_NO_MEMORY };
    weir__text text = { .failed = false };
    weir__key *key = weir_alloc_zero(sizeof *key);
    weir__query query = { .allowed = WEIR__QUERY_KEY | WEIR__QUERY_PAGE, .view = view, .key = key };
    enum MHD_Result result;
    if (!key || weir__query_read(request, &query, &error) != WEIR_OK)
        result = weir__refuse_error(request, &error);
    else if (query.keys == 0)
        result = serve_scan(request, view, &query);
    else if (look_up(request, view, key, &text, &error) != WEIR_OK)
        result = weir__refuse_error(request, &error);
    else
        result = weir__answer_json(request, MHD_HTTP_OK, &text);
    weir__text_fini(&text);
    weir_free(key, sizeof *key);
    return result;
}

enum MHD_Result weir__serve_view(weir__request *request, const char *rest)
{
    weir_views *views = weir_runtime_views(request->http->runtime);
    const char *slash = strchr(rest, '/');
    char name[256];
    size_t len = slash ? (size_t)(slash - rest) : strlen(rest);
    weir_view *view = NULL;
    if (len < sizeof name && (!slash || strcmp(slash, "/events") == 0)) {
        memcpy(name, rest, len);
        name[len] = '\0';
        view = weir_views_find(views, name);
    }
    if (!view)
        return weir__refuse(request, MHD_HTTP_NOT_FOUND,
                            "there is no view %.200s; /views lists all", rest);
    return slash ? weir__serve_events(request, view) : serve_records(request, view);
}
