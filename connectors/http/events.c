/* SPDX-License-Identifier: Apache-2.0
 *
 * /views/NAME/events: a view's changes as server-sent events, one for each time at which something
 * changed.
 *
 *   a worker completes a time → watch → news (async) → round → read in libuv's pool → text → reader
 *
 * Between two reads a stream holds no reader: what it has missed is kept as long as the view's
 * retention says, and no longer, so a slow client costs the job nothing. It is cut off with a
 * sentence.
 */
#include "http/events.h"

#include <inttypes.h>

#include <weir/memory.h>

#include "http/opening.h"
#include "http/views.h"

enum {
    ROUND_MS = 5,    /* at most one read in this time, whatever the number of epochs */
    PULSE_MS = 3000, /* well below the usual retention: so often a client learns where it is */
    PIECE_BYTES = 32 << 10,
    RETRY_MS = 5, RETRY_MS_MAX = 160, /* where other processes are behind this one */
};

typedef enum phase {
    SNAPSHOT, /* rows of the state are being sent */
    CHANGES,
    LAST, /* the sentence that ends it is in the text */
    OVER
} phase;

typedef struct stream {
    weir__flow flow; /* first */
    weir__opening opening;
    bool wants_snapshot;
    weir_view *view; /* kept by the watch, and by the state before that */
    weir_view_watch watch;
    phase phase;
    weir__key *key;          /* of this key only, or NULL */
    weir_view_reader *state; /* until the first changes have been read */
    weir_view_place place;
    uint64_t until_ns; /* then the snapshot has taken too long */
    uint64_t told;     /* the client knows everything up to this epoch */
    uint32_t news;     /* atomic: there is a later one */
    bool pulse;        /* say something, so that both sides see that the other is there */
    /* of the read that is under way, or came last */
    bool has_read;
    uint64_t reached, last_time;
    size_t changes, bytes_max;
    weir_status status;
    weir_error error;
    bool too_much, behind;
    unsigned retry_ms;
} stream;

/* ---- events ---- */

static void begin_event(stream *s, weir__text *out, const char *name, bool has_id, uint64_t epoch)
{
    if (has_id)
        weir__text_format(out, "id: %" PRIu64 ":%" PRIu64 "\n", s->flow.http->incarnation, epoch);
    weir__text_format(out, "event: %s\ndata: {", name);
    weir__put_time(out, s->flow.http, s->view, epoch);
}

static void end_event(weir__text *out)
{
    weir__text_put(out, "}\n\n");
}

/* Ends the stream with a sentence for the client. */
static void say_last(stream *s, const char *event, const char *sentence)
{
    weir__text *out = &s->flow.text;
    begin_event(s, out, event, false, s->told);
    weir__text_put(out, ",\"error\":");
    weir__text_json(out, sentence);
    end_event(out);
    s->phase = LAST;
}

/* ---- reading changes, in another thread ---- */

static bool put_change(const weir_view_row *row, void *ctx)
{
    stream *s = ctx;
    weir__text *out = &s->flow.text;
    if (s->changes == 0 || row->time != s->last_time) {
        if (s->changes) {
            weir__text_put(out, "]");
            end_event(out);
        }
        begin_event(s, out, "change", true, row->time);
        weir__text_put(out, ",\"changes\":[");
        s->last_time = row->time;
        s->changes = 0;
    }
    weir__text_format(out, "%s{\"diff\":%" PRId64 ",\"record\":", s->changes++ ? "," : "",
                      row->diff);
    s->status = weir__put_record(out, weir_view_type(s->view), row->record, 1);
    weir__text_put(out, "}");
    s->too_much = out->bytes.len > s->bytes_max;
    return s->status == WEIR_OK && !s->too_much && !out->failed;
}

/* Why it could not be read. */
static void note_failure(stream *s, const weir_view_reader *reader)
{
    const weir_error *error = reader ? weir_view_reader_error(reader) : NULL;
    if (s->status == WEIR_OK || (!reader && s->error.what[0]))
        return;
    if (error)
        s->error = *error;
    else
        weir_error_set(&s->error, s->status, "%s", weir_status_text(s->status));
}

static void read_from(stream *s, weir_view_reader *reader)
{
    const void *key = s->key ? s->key->record : NULL;
    s->reached = weir_view_reader_time(reader);
    s->behind = weir_view_is_divided(s->view) && s->reached + 1 < weir_view_upper(s->view);
    if (s->reached > s->told) {
        weir_status status = weir_view_reader_changes(reader, s->told, key, put_change, s);
        s->status = s->status == WEIR_OK ? status : s->status;
    }
    note_failure(s, reader);
    weir_view_reader_close(reader);
    if (s->state) /* held until here, so that nothing is missed */
        weir_view_reader_close(s->state);
    s->state = NULL;
    if (s->changes) {
        weir__text_put(&s->flow.text, "]");
        end_event(&s->flow.text);
    }
}

static void read_changes(weir__flow *flow)
{
    stream *s = (stream *)flow;
    weir_view_reader *reader;
    weir_view_reader_options options = { .struct_size = sizeof options, .owner = "http events",
                                         .key = s->key ? s->key->record : NULL };
    s->changes = 0;
    s->too_much = s->behind = false;
    s->reached = s->told;
    s->error = (weir_error){ .status = WEIR_OK };
    s->status = weir_view_reader_open_with(s->view, &options, &reader, &s->error);
    if (s->status == WEIR_OK)
        read_from(s, reader);
    else
        note_failure(s, NULL);
}

static void on_retry(uv_timer_t *timer);

/* The others will come to the time that this process is at, and nobody says when. */
static void look_again(stream *s)
{
    uv_timer_t *timer = &s->flow.http->retry;
    s->retry_ms = !s->behind ? 0 : s->retry_ms ? 2 * s->retry_ms : RETRY_MS;
    s->retry_ms = s->retry_ms < RETRY_MS_MAX ? s->retry_ms : RETRY_MS_MAX;
    if (!s->behind || s->flow.http->ending)
        return;
    if (!uv_is_active((uv_handle_t *)timer) || uv_timer_get_due_in(timer) > s->retry_ms)
        (void)uv_timer_start(timer, on_retry, s->retry_ms, 0);
}

/* What came of it; the worker's thread again. */
static weir__flow_more take_changes(stream *s)
{
    weir__text *out = &s->flow.text;
    if (s->status != WEIR_OK || s->too_much)
        out->bytes.len = 0;
    if (s->status == WEIR_GONE)
        say_last(s, "gone",
                 "too slow: what this reader has missed is no longer kept; take a "
                 "snapshot");
    else if (s->too_much)
        say_last(s, "gone", "more has changed at a time than a stream may take: take a snapshot");
    else if (s->status == WEIR_CLOSED)
        say_last(s, "end", s->error.what);
    else if (s->status != WEIR_OK)
        say_last(s, "error", s->error.what);
    else
        s->told = s->reached > s->told ? s->reached : s->told;
    if (s->phase == CHANGES)
        look_again(s);
    if (s->phase == CHANGES && s->told == WEIR_VIEW_ENDED - 1) {
        begin_event(s, out, "end", true, s->told);
        end_event(out);
        s->phase = LAST;
    }
    return out->bytes.len ? WEIR__FLOW_MADE : WEIR__FLOW_WAITS;
}

static weir__flow_more read_by(stream *s, void (*work)(weir__flow *flow))
{
    s->has_read = weir__flow_work(&s->flow, work);
    if (s->has_read)
        return WEIR__FLOW_WAITS;
    say_last(s, "error", "the server has no means to read");
    return WEIR__FLOW_MADE;
}

static weir__flow_more more_changes(stream *s)
{
    weir__text *out = &s->flow.text;
    if (s->has_read) {
        s->has_read = false;
        if (take_changes(s) == WEIR__FLOW_MADE)
            return WEIR__FLOW_MADE;
    }
    if (__atomic_exchange_n(&s->news, 0, __ATOMIC_ACQ_REL))
        return read_by(s, read_changes);
    if (!s->pulse)
        return WEIR__FLOW_WAITS;
    s->pulse = false; /* an id without data is remembered by the client, and no event */
    weir__text_format(out, "id: %" PRIu64 ":%" PRIu64 "\n\n", s->flow.http->incarnation, s->told);
    return WEIR__FLOW_MADE;
}

/* ---- the snapshot ---- */

static bool put_state(const weir_view_row *row, void *ctx)
{
    stream *s = ctx;
    weir__text *out = &s->flow.text;
    weir__text_put(out, s->changes++ ? "," : "");
    s->status = weir__put_record(out, weir_view_type(s->view), row->record, row->diff);
    return s->status == WEIR_OK && !out->failed && (s->key || out->bytes.len < PIECE_BYTES);
}

/* An event with some of the records; only the last one has an id, so that a reader who resumes has
 * seen all of them. */
static void read_state(weir__flow *flow)
{
    stream *s = (stream *)flow;
    weir__text *out = &flow->text;
    weir_status status;
    s->changes = 0;
    begin_event(s, out, "snapshot", false, s->told);
    weir__text_put(out, ",\"records\":[");
    if (s->key) {
        status = weir_view_reader_lookup(s->state, s->key->record, put_state, s);
        s->place.ended = true;
    } else {
        status = weir_view_reader_scan(s->state, &s->place, 0, put_state, s);
    }
    s->status = s->status == WEIR_OK ? status : s->status;
    weir__text_format(out, "],\"complete\":%s}\n", s->place.ended ? "true" : "false");
    if (s->place.ended)
        weir__text_format(out, "id: %" PRIu64 ":%" PRIu64 "\n", flow->http->incarnation, s->told);
    weir__text_put(out, "\n");
    note_failure(s, s->state);
}

static weir__flow_more more_snapshot(stream *s)
{
    if (s->has_read) {
        s->has_read = false;
        if (s->status == WEIR_OK) {
            s->phase = s->place.ended ? CHANGES : SNAPSHOT;
        } else {
            s->flow.text.bytes.len = 0;
            say_last(s, "error", s->error.what);
        }
        return WEIR__FLOW_MADE;
    }
    if (uv_hrtime() <= s->until_ns)
        return read_by(s, read_state);
    say_last(s, "gone", "the snapshot took too long to read");
    return WEIR__FLOW_MADE;
}

/* ---- the flow ---- */

/* The program ends: what has changed last is told, and that it was the last. Nobody else is at the
 * views any more, so this thread may read. */
static weir__flow_more more_at_end(stream *s)
{
    if (s->phase == CHANGES && __atomic_exchange_n(&s->news, 0, __ATOMIC_ACQ_REL)) {
        read_changes(&s->flow);
        if (take_changes(s) == WEIR__FLOW_MADE)
            return WEIR__FLOW_MADE;
    }
    say_last(s, "end", "the program ends");
    return WEIR__FLOW_MADE;
}

static weir__flow_more more_events(weir__flow *flow)
{
    stream *s = (stream *)flow;
    if (flow->http->ending && !s->has_read && s->phase < LAST)
        return more_at_end(s);
    switch (s->phase) {
    case SNAPSHOT:
        return more_snapshot(s);
    case CHANGES:
        return more_changes(s);
    default:
        return WEIR__FLOW_ENDED;
    }
}

static void destroy_stream(weir__flow *flow)
{
    stream *s = (stream *)flow;
    weir_http *http = flow->http;
    weir_view_watch_remove(&s->watch);
    if (s->state)
        weir_view_reader_close(s->state);
    weir_free(s->key, sizeof *s->key);
    weir_free(s, sizeof *s);
    if (--http->stream_count == 0 && http->attached)
        (void)uv_timer_stop(&http->pulse);
}

/* ---- news ---- */

/* Any worker's thread. */
static void on_later_time(weir_view *view, void *ctx)
{
    stream *s = ctx;
    (void)view;
    if (!__atomic_exchange_n(&s->news, 1, __ATOMIC_ACQ_REL))
        (void)uv_async_send(&s->flow.http->news);
}

static bool is_stream(const weir__flow *flow)
{
    return flow->destroy == destroy_stream;
}

static void go_round(weir_http *http)
{
    http->round_ns = uv_hrtime();
    for (weir__flow *flow = http->flows, *next; flow; flow = next) {
        next = flow->next;
        if (is_stream(flow) && __atomic_load_n(&((stream *)flow)->news, __ATOMIC_ACQUIRE))
            weir__flow_wake(flow);
    }
    weir__http_turn(http);
}

static void on_round(uv_timer_t *timer)
{
    go_round(timer->data);
}

static void on_news(uv_async_t *news)
{
    weir_http *http = news->data;
    uint64_t since_ms = (uv_hrtime() - http->round_ns) / 1000000;
    if (since_ms >= ROUND_MS)
        go_round(http);
    else if (!uv_is_active((uv_handle_t *)&http->round))
        (void)uv_timer_start(&http->round, on_round, ROUND_MS - since_ms, 0);
}

static void on_retry(uv_timer_t *timer)
{
    weir_http *http = timer->data;
    for (weir__flow *flow = http->flows; flow; flow = flow->next) {
        stream *s = (stream *)flow;
        if (!is_stream(flow) || flow->working || !s->behind)
            continue; /* what is read now looks again by itself */
        s->behind = false;
        __atomic_store_n(&s->news, 1, __ATOMIC_RELEASE);
    }
    go_round(http);
}

static void on_pulse(uv_timer_t *pulse)
{
    weir_http *http = pulse->data;
    for (weir__flow *flow = http->flows, *next; flow; flow = next) {
        next = flow->next;
        if (!is_stream(flow))
            continue;
        ((stream *)flow)->pulse = true;
        weir__flow_wake(flow);
    }
    weir__http_turn(http);
}

void weir__events_attach(weir_http *http, struct uv_loop_s *loop)
{
    (void)uv_timer_init(loop, &http->round);
    (void)uv_timer_init(loop, &http->retry);
    (void)uv_timer_init(loop, &http->pulse);
    (void)uv_async_init(loop, &http->news, on_news);
    http->round.data = http->retry.data = http->pulse.data = http->news.data = http;
}

/* ---- a request for a stream ---- */

/* Where the stream begins: now, or where the client left off. */
static weir_status begin_at(weir__request *request, stream *s, weir_error *error)
{
    const char *id =
        MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Last-Event-ID");
    uint64_t now = weir_view_reader_time(s->state);
    s->told = now;
    s->phase = s->wants_snapshot ? SNAPSHOT : CHANGES;
    if (!id)
        return WEIR_OK;
    uint64_t epoch = 0;
    weir_status status = weir__event_id_parse(id, request->http->incarnation, &epoch, error);
    if (status == WEIR_OK && epoch > now)
        return weir_error_set(error, WEIR_INVALID, "the Last-Event-ID is of the future");
    if (status == WEIR_OK && epoch < weir_view_reader_since(s->state))
        status = weir_error_set(error, WEIR_GONE,
                                "what came after the Last-Event-ID is no longer "
                                "kept: take a snapshot");
    if (status == WEIR_GONE && s->wants_snapshot)
        return WEIR_OK; /* the client asked for one in this case */
    if (status == WEIR_OK) {
        s->told = epoch;
        s->phase = CHANGES;
    }
    return status;
}

static enum MHD_Result start_stream(weir__request *request, stream *s)
{
    weir_http *http = request->http;
    s->flow.more = more_events;
    s->flow.destroy = destroy_stream;
    s->flow.http = http;
    s->bytes_max = http->config.stream_bytes_max;
    s->until_ns = uv_hrtime() + WEIR__HTTP_STATE_NS;
    s->news = 1;
    s->pulse = s->phase == CHANGES; /* says at once where it begins */
    s->watch = (weir_view_watch){ .fn = on_later_time, .ctx = s };
    weir_view_watch_add(s->view, &s->watch);
    if (http->stream_count++ == 0)
        (void)uv_timer_start(&http->pulse, on_pulse, PULSE_MS, PULSE_MS);
    return weir__flow_answer(request, &s->flow, "text/event-stream");
}

static void discard(stream *s)
{
    if (s && s->state)
        weir_view_reader_close(s->state);
    if (s)
        weir_free(s->key, sizeof *s->key);
    weir_free(s, sizeof *s);
}

static stream *stream_of(weir__opening *opening)
{
    return (stream *)(void *)((char *)opening - offsetof(stream, opening));
}

static void open_state(weir__opening *opening)
{
    stream *s = stream_of(opening);
    s->status = weir__opening_open(opening, "http snapshot", s->key ? s->key->record : NULL,
                                   &s->state, &s->error);
}

static void discard_opening(weir__opening *opening)
{
    discard(stream_of(opening));
}

static enum MHD_Result answer_stream(weir__request *request, weir_view *view, stream *s)
{
    weir_error error = s->error;
    if (s->status == WEIR_OK) {
        s->view = view;
        s->status = begin_at(request, s, &error);
    }
    if (s->status == WEIR_OK)
        return start_stream(request, s);
    discard(s);
    return weir__refuse_error(request, &error);
}

/* NULL, and *error: it is refused. */
static stream *stream_create(weir__request *request, weir_view *view, weir_error *error)
{
    stream *s = weir_alloc_zero(sizeof *s);
    weir__key *key = weir_alloc_zero(sizeof *key);
    weir__query query = { .allowed = WEIR__QUERY_KEY | WEIR__QUERY_SNAPSHOT,
                          .view = view,
                          .key = key };
    error->status = WEIR_NO_MEMORY;
    if (!s || !key || weir__query_read(request, &query, error) != WEIR_OK) {
        weir_free(key, sizeof *key);
        weir_free(s, sizeof *s);
        return NULL;
    }
    if (query.keys)
        s->key = key;
    else
        weir_free(key, sizeof *key);
    s->wants_snapshot = query.snapshot;
    s->opening.work = open_state;
    s->opening.discard = discard_opening;
    return s;
}

enum MHD_Result weir__serve_events(weir__request *request, weir_view *view)
{
    weir_http *http = request->http;
    weir__opening *opened = request->opening;
    weir_error error = { .status = WEIR_OK };
    enum MHD_Result result;
    if (http->stream_count >= http->config.streams_max)
        return weir__refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                            "%u event streams are open, as many as may be", http->stream_count);
    request->opening = NULL;
    if (opened)
        return answer_stream(request, view, stream_of(opened));
    stream *s = stream_create(request, view, &error);
    if (!s)
        return weir__refuse_error(request, &error);
    return weir__opening_begin(request, &s->opening, view, &result)
               ? answer_stream(request, view, s)
               : result;
}
