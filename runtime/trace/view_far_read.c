/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns how the pages that other processes answer become one look-up, scan, or list of changes.
 */
#include <string.h>

#include "trace/view_far.h"

static weir_view_row row_of(const weir_view_reader *reader, const weir__far_page *p, bool timed)
{
    return (weir_view_row){ .record = weir_batch_record(p->rows, p->next),
                            .diff = weir_batch_diff(p->rows, p->next),
                            .time = timed ? weir_batch_time(p->rows, p->next).at[0]
                                          : reader->time };
}

/* ---- a key ---- */

static weir_status lookup_there(weir_view_reader *reader, unsigned process,
                                const weir__far_key *key, weir_view_row_fn *fn, void *ctx)
{
    weir__far *far = reader->far;
    weir__ask ask = { .kind = WEIR__ASK_LOOKUP, .time = reader->time };
    for (bool go_on = true; go_on;) {
        weir__far_page p;
        weir__far_begin(far, process, &ask, key);
        weir_status status = weir__far_finish_page(reader, process, &p);
        if (status != WEIR_OK)
            return status;
        go_on = !p.ended;
        for (; p.rows && p.next < p.rows->count; p.next++, ask.ordinal++) {
            weir_view_row row = row_of(reader, &p, false);
            if (fn(&row, ctx))
                continue;
            go_on = false;
            break;
        }
        weir__far_drop_page(&p);
    }
    return WEIR_OK;
}

/* The process that has a key; of a reader for one key, it must be that key's. */
static bool find_process(const weir_view_reader *reader, const void *key, unsigned *process)
{
    const weir_view *view = reader->view;
    const weir__far *far = reader->far;
    *process = weir__view_owner(view, weir__view_hash(view, key)) / view->here;
    return *process >= far->first && *process < far->end;
}

static weir_status key_create(const weir_view *view, const void *record, weir__far_key *key)
{
    weir__pool *pool = weir__pool_create();
    *key = (weir__far_key){ .record = record };
    if (!pool)
        return WEIR_NO_MEMORY;
    key->bytes = weir__key_bytes(view, record, pool, &key->size);
    weir__pool_close(pool);
    if (!key->bytes)
        return WEIR_NO_MEMORY;
    return key->size <= WEIR__ASK_BODY_MAX ? WEIR_OK : WEIR_TOO_LARGE;
}

weir_status weir__far_lookup(weir_view_reader *reader, const void *record, weir_view_row_fn *fn,
                             void *ctx)
{
    unsigned process;
    weir__far_key key;
    if (weir__far_begin_call(reader->far) != WEIR_OK)
        return reader->far->error.status;
    if (!find_process(reader, record, &process))
        return WEIR_INVALID;
    if (weir__far_is_ours(reader->far, process))
        return weir__reader_lookup_here(reader, record, fn, ctx);
    weir_status status = key_create(reader->view, record, &key);
    if (status == WEIR_OK)
        status = lookup_there(reader, process, &key, fn, ctx);
    weir_free(key.bytes, key.size);
    return status;
}

/* ---- scans ---- */

/* A scan on its way through the processes, whose ranges of hashes follow one another. */
typedef struct scan {
    weir_view_reader *reader;
    weir_view_place *place;
    size_t left;
    bool go_on;
    weir_view_row_fn *fn;
    void *ctx;
} scan;

static bool pass_on(const weir_view_row *row, void *ctx)
{
    scan *s = ctx;
    s->go_on = s->fn(row, s->ctx) && --s->left > 0;
    return s->go_on;
}

/* False: rows are not in the order of a scan. */
static bool pass_page(scan *s, weir__far_page *p)
{
    while (s->go_on && p->rows && p->next < p->rows->count) {
        if (!p->rows->hashes || p->rows->hashes[p->next] < s->place->hash)
            return false;
        uint64_t hash = p->rows->hashes[p->next];
        s->place->ordinal = hash == s->place->hash ? s->place->ordinal + 1 : 1;
        s->place->hash = hash;
        weir_view_row row = row_of(s->reader, p, false);
        p->next++;
        (void)pass_on(&row, s);
    }
    return true;
}

/* What was left of the last page, if the scan goes on there; else another page. */
static weir_status next_page(scan *s, unsigned process, weir__far_page *p)
{
    weir__far *far = s->reader->far;
    bool fits = far->rest.rows && far->rest_of == process &&
                far->rest_place.hash == s->place->hash &&
                far->rest_place.ordinal == s->place->ordinal;
    if (fits) {
        *p = far->rest;
        far->rest = (weir__far_page){ .ended = false };
        return WEIR_OK;
    }
    weir__far_drop_page(&far->rest);
    weir__ask ask = { .kind = WEIR__ASK_SCAN, .time = s->reader->time, .from = s->place->hash,
                      .ordinal = s->place->ordinal, .limit = s->left };
    weir__far_begin(far, process, &ask, NULL);
    return weir__far_finish_page(s->reader, process, p);
}

static weir_status scan_there(scan *s, unsigned process)
{
    weir__far *far = s->reader->far;
    for (bool ended = false; s->go_on && !ended;) {
        weir__far_page p;
        weir_status status = next_page(s, process, &p);
        if (status != WEIR_OK)
            return status;
        if (!pass_page(s, &p)) {
            weir__far_drop_page(&p);
            return weir__far_refuse(far, process);
        }
        ended = p.ended;
        if (p.rows && p.next < p.rows->count) {
            far->rest = p;
            far->rest_of = process;
            far->rest_place = *s->place;
        } else {
            weir__far_drop_page(&p);
        }
    }
    return WEIR_OK;
}

weir_status weir__far_scan(weir_view_reader *reader, weir_view_place *place, size_t limit,
                           weir_view_row_fn *fn, void *ctx)
{
    weir__far *far = reader->far;
    scan s = { .reader = reader, .place = place, .left = limit ? limit : SIZE_MAX,
               .go_on = !place->ended, .fn = fn, .ctx = ctx };
    weir_status status = weir__far_begin_call(far);
    if (status == WEIR_OK && far->end - far->first < far->asker->processes)
        return WEIR_INVALID;
    unsigned p = weir__view_owner(reader->view, place->hash) / reader->view->here;
    for (; p < far->end && s.go_on && status == WEIR_OK; p++) {
        if (!weir__far_is_ours(far, p)) {
            status = scan_there(&s, p);
            continue;
        }
        place->ended = false;
        status = weir__reader_scan_here(reader, place, 0, pass_on, &s);
    }
    if (status == WEIR_OK)
        place->ended = s.go_on;
    return status;
}

/* ---- changes ---- */

/* What one process has: the row at hand, and how it goes on. */
typedef struct source {
    bool has, asked; /* asked: a page is under way */
    weir_view_row row;
    weir__far_page page;
    uint64_t passed;
} source;

/* The lists of all processes, each in order, on their way to being one. */
typedef struct merge {
    weir_view_reader *reader;
    weir__ask ask;
    weir__far_key key; /* bytes NULL: of all keys */
    unsigned first, end; /* processes */
    weir__changes *ours;
    source *of; /* by process */
} merge;

static void ask_more(merge *m, unsigned process)
{
    source *s = &m->of[process];
    m->ask.ordinal = s->passed;
    weir__far_begin(m->reader->far, process, &m->ask, &m->key);
    s->asked = true;
}

static bool keep_row(const weir_view_row *row, void *ctx)
{
    source *s = ctx;
    s->row = *row;
    s->has = true;
    return false;
}

/* The next row of a process becomes the one at hand. */
static weir_status advance(merge *m, unsigned process)
{
    source *s = &m->of[process];
    s->has = false;
    if (weir__far_is_ours(m->reader->far, process))
        return weir__changes_report(m->reader, m->ours, keep_row, s);
    while (!s->page.rows || s->page.next == s->page.rows->count) {
        bool over = s->page.ended && !s->asked;
        weir__far_drop_page(&s->page);
        s->page.ended = over;
        if (over)
            return WEIR_OK;
        if (!s->asked)
            ask_more(m, process);
        s->asked = false;
        weir_status status = weir__far_finish_page(m->reader, process, &s->page);
        if (status != WEIR_OK)
            return status;
    }
    s->row = row_of(m->reader, &s->page, true);
    s->page.next++;
    s->passed++;
    s->has = true;
    return WEIR_OK;
}

static bool is_in(const merge *m, unsigned process)
{
    return process >= m->first && process < m->end;
}

static weir_status begin_merge(merge *m)
{
    const weir__far *far = m->reader->far;
    weir_status status = WEIR_OK;
    for (unsigned p = m->first; p < m->end; p++)
        if (!weir__far_is_ours(far, p))
            ask_more(m, p);
    if (is_in(m, far->asker->process))
        status = weir__changes_find(m->reader, m->ask.from, m->key.record, &m->ours);
    for (unsigned p = m->first; p < m->end && status == WEIR_OK; p++)
        status = advance(m, p);
    return status;
}

/* Of one time, the rows of an earlier process come first. */
static weir_status run_merge(merge *m, weir_view_row_fn *fn, void *ctx)
{
    weir_status status = begin_merge(m);
    while (status == WEIR_OK) {
        unsigned least = m->end;
        for (unsigned p = m->first; p < m->end; p++)
            if (m->of[p].has && (least == m->end || m->of[p].row.time < m->of[least].row.time))
                least = p;
        if (least == m->end || !fn(&m->of[least].row, ctx))
            break;
        status = advance(m, least);
    }
    return status;
}

static void end_merge(merge *m)
{
    for (unsigned p = m->first; p < m->end; p++) {
        source *s = &m->of[p];
        weir__far_page late;
        if (s->asked && weir__far_finish_page(m->reader, p, &late) == WEIR_OK)
            weir__far_drop_page(&late);
        weir__far_drop_page(&s->page);
    }
    weir__changes_free(m->ours);
}

weir_status weir__far_changes(weir_view_reader *reader, uint64_t since, const void *record,
                              weir_view_row_fn *fn, void *ctx)
{
    weir__far *far = reader->far;
    merge m = { .reader = reader,
                .ask = { .kind = WEIR__ASK_CHANGES, .time = reader->time, .from = since },
                .first = far->first, .end = far->end };
    weir_status status = weir__far_begin_call(far);
    if (status != WEIR_OK)
        return status;
    if (record ? !find_process(reader, record, &m.first)
               : far->end - far->first < far->asker->processes)
        return WEIR_INVALID;
    if (since < far->since)
        return WEIR_GONE;
    if (record) {
        m.end = m.first + 1;
        status = key_create(reader->view, record, &m.key);
    }
    m.of = weir_alloc_zero(far->asker->processes * sizeof *m.of);
    if (!m.of)
        status = WEIR_NO_MEMORY;
    if (status == WEIR_OK)
        status = run_merge(&m, fn, ctx);
    if (m.of)
        end_merge(&m);
    weir_free(m.of, far->asker->processes * sizeof *m.of);
    weir_free(m.key.bytes, m.key.size);
    return status;
}
