/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target for what processes ask each other about views: frames one behind the other, asked of
 * a view with a few records, or taken as its answers. Included by targets.h.
 */
#ifndef WEIR_TESTS_FUZZ_ASK_H
#define WEIR_TESTS_FUZZ_ASK_H

#include "trace/view_page.h"

/* ---- heads: what a get gives is written by its put, and comes back ---- */

static inline void fuzz_ask_again(const weir__ask *ask)
{
    unsigned char room[WEIR__FRAME_HEAD_MAX];
    weir__frame frame;
    weir__ask again;
    size_t size = weir__frame_put_ask(room, ask, 0);
    fuzz_promise(size <= sizeof room &&
                 weir__frame_read(room, size, size, &frame, NULL) == (int64_t)size);
    fuzz_promise(weir__frame_get_ask(&frame, &again));
    fuzz_promise(again.id == ask->id && again.kind == ask->kind && again.reader == ask->reader &&
                 again.time == ask->time && again.from == ask->from &&
                 again.ordinal == ask->ordinal && again.limit == ask->limit &&
                 again.dataflow == ask->dataflow);
    fuzz_promise(weir_str_equal(&again.view, &ask->view) &&
                 weir_str_equal(&again.owner, &ask->owner));
}

static inline void fuzz_answer_again(const weir__answer *answer)
{
    unsigned char room[WEIR__FRAME_HEAD_MAX];
    weir__frame frame;
    weir__answer again;
    size_t size = weir__frame_put_answer(room, answer, 0);
    fuzz_promise(size <= sizeof room &&
                 weir__frame_read(room, size, size, &frame, NULL) == (int64_t)size);
    fuzz_promise(weir__frame_get_answer(&frame, &again));
    fuzz_promise(again.id == answer->id && again.status == answer->status &&
                 again.ended == answer->ended && again.since == answer->since &&
                 again.upper == answer->upper);
}

/* ---- a view ---- */

enum { FUZZ_ASK_RECORDS = 8, FUZZ_ASK_SEED = 5 };

/* Records that are all alike but for their first bytes, at two times. */
static inline void fuzz_ask_publish(weir_view *view)
{
    const weir_type *type = weir_view_type(view);
    weir_shape_spec arranged = { .type = type, .key = *weir_view_key(view), .depth = 1,
                                 .seed = FUZZ_ASK_SEED };
    weir_shape *shape;
    weir_trace_run *run;
    fuzz_promise(weir_shape_create(&shape, &arranged, NULL) == WEIR_OK);
    weir_trace_builder *builder = weir_trace_builder_create(shape, NULL);
    weir_spine *spine = weir_spine_create(shape, NULL);
    for (unsigned i = 0; i < FUZZ_ASK_RECORDS; i++) {
        records_any record;
        memset(&record, 0, sizeof record);
        *(unsigned char *)&record = (unsigned char)(i / 2);
        weir_record_canonicalize(type, &record);
        weir_updates u = { .records = &record, .count = 1, .time = { { 1 + i % 2 } } };
        fuzz_promise(weir_trace_builder_add(builder, &u) == WEIR_OK);
    }
    fuzz_promise(weir_trace_builder_build(builder, &run) == WEIR_OK &&
                 weir_spine_append(spine, run, NULL) == WEIR_OK);
    weir_trace_runs *runs = weir_spine_list(spine);
    weir_view_part part = { .runs = runs, .upper = 3, .seed = FUZZ_ASK_SEED };
    weir_view_publish(view, 0, &part);
    weir_trace_runs_release(runs);
    weir_spine_destroy(spine);
    weir_trace_builder_destroy(builder);
    weir_shape_release(shape);
}

/* ---- asking it, answering it ---- */

static inline weir_batch *fuzz_rows(const weir_view *view, const void *bytes, size_t size)
{
    weir_error error = { .status = WEIR_OK };
    weir_batch *rows;
    weir_status status = weir__rows_from_bytes(view, bytes, size, &rows, &error);
    fuzz_promise((status == WEIR_OK) == (rows != NULL) && status == error.status);
    return rows;
}

static inline void fuzz_ask_read(weir_view_reader *reader, const weir__ask *ask,
                                 const weir__frame *frame, weir__pool *pool)
{
    weir__page page;
    weir_batch *key = frame->body_size ? fuzz_rows(reader->view, frame->body, frame->body_size)
                                       : NULL;
    weir_status status = weir__page_read(reader, ask, key ? weir_batch_record(key, 0) : NULL, pool,
                                         &page);
    fuzz_promise(status == WEIR_OK || page.bytes == NULL);
    fuzz_promise(reader->time >= reader->since && reader->time < reader->upper);
    if (page.bytes) {
        weir_batch *rows = fuzz_rows(reader->view, page.bytes, page.size);
        fuzz_promise(rows && rows->count <= FUZZ_ASK_RECORDS);
        fuzz_promise(!ask->limit || rows->count <= ask->limit);
        for (size_t i = 0; i < rows->count; i++)
            fuzz_promise(weir_batch_diff(rows, i) > 0);
        weir_batch_release(rows);
    }
    weir_free(page.bytes, page.size);
    weir_batch_release(key);
}

static inline void fuzz_ask_frame(weir_view_reader *reader, const weir__frame *frame,
                                  weir__pool *pool)
{
    weir__ask ask;
    weir__answer answer;
    if (weir__frame_get_ask(frame, &ask)) {
        fuzz_ask_again(&ask);
        fuzz_ask_read(reader, &ask, frame, pool);
    }
    if (weir__frame_get_answer(frame, &answer)) {
        fuzz_answer_again(&answer);
        weir_batch_release(fuzz_rows(reader->view, frame->body, frame->body_size));
    }
}

static inline void fuzz_ask(const char *data, size_t size)
{
    weir_views *views = weir_views_create();
    weir__pool *pool = weir__pool_create();
    weir_view_spec spec = { .struct_size = sizeof spec, .name = "fuzz",
                            .type = records_nulls_type(), .key = { .count = 1 }, .workers = 1 };
    weir_view_reader *reader;
    weir_view *view;
    weir__frame frame;
    int64_t got;
    fuzz_promise(weir_views_add(views, &spec, &view, NULL) == WEIR_OK);
    fuzz_ask_publish(view);
    fuzz_promise(weir_view_reader_open(view, "fuzz", &reader, NULL) == WEIR_OK);
    for (size_t at = 0; (got = weir__frame_read(data + at, size - at, WEIR__FRAME_MAX, &frame,
                                                NULL)) > 0;
         at += (size_t)got)
        fuzz_ask_frame(reader, &frame, pool);
    weir_view_reader_close(reader);
    weir_views_remove(view);
    weir_views_destroy(views);
    weir__pool_close(pool);
}

#endif
