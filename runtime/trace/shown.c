/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the registry of a process's traces: which are shown, by what name some were published, and
 * how their numbers are read while they change. What they are is trace.c's.
 */
#include "trace/shown.h"

#include <string.h>

#include "base/assert.h"

typedef struct published {
    struct published *next;
    char *name;
    const weir_traces_kind *kind;
    void *what;
} published;

struct weir_traces {
    pthread_mutex_t lock;
    weir__shown *first;
    published *names;
};

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(weir_alloc_must(size), text, size);
}

static void free_text(const char *text)
{
    weir_free((char *)(uintptr_t)text, strlen(text) + 1);
}

/* ---- the registry ---- */

weir_traces *weir_traces_create(void)
{
    weir_traces *traces = weir_alloc_zero(sizeof *traces);
    if (traces)
        pthread_mutex_init(&traces->lock, NULL);
    return traces;
}

void weir_traces_destroy(weir_traces *traces)
{
    if (!traces)
        return;
    WEIR_ASSERT(!traces->first, "the registry of traces is destroyed before the trace of '%s'",
                traces->first->place.node);
    WEIR_ASSERT(!traces->names, "the registry of traces is destroyed before '%s' was withdrawn",
                traces->names->name);
    pthread_mutex_destroy(&traces->lock);
    weir_free(traces, sizeof *traces);
}

/* ---- names ---- */

static published **find(weir_traces *traces, const char *name)
{
    published **at = &traces->names;
    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    return at;
}

weir_status weir_traces_publish(weir_traces *traces, const char *name,
                                const weir_traces_kind *kind, void *what, weir_error *error)
{
    pthread_mutex_lock(&traces->lock);
    published **at = find(traces, name);
    bool taken = *at;
    if (!taken) {
        *at = weir_alloc_must(sizeof **at);
        **at = (published){ .name = copy_text(name), .kind = kind, .what = what };
    }
    pthread_mutex_unlock(&traces->lock);
    return taken ? weir_error_set(error, WEIR_EXISTS,
                                  "there is a published arrangement '%s' already", name)
                 : WEIR_OK;
}

void weir_traces_withdraw(weir_traces *traces, const char *name)
{
    pthread_mutex_lock(&traces->lock);
    published **at = find(traces, name), *gone = *at;
    if (gone) {
        *at = gone->next;
        free_text(gone->name);
        weir_free(gone, sizeof *gone);
    }
    pthread_mutex_unlock(&traces->lock);
}

void *weir_traces_find(weir_traces *traces, const char *name, const weir_traces_kind *kind)
{
    pthread_mutex_lock(&traces->lock);
    const published *there = *find(traces, name);
    void *what = there && there->kind == kind ? there->what : NULL;
    if (what)
        kind->retain(what);
    pthread_mutex_unlock(&traces->lock);
    return what;
}

/* ---- frontiers that are read while they change ---- */

/* What is stored last is seen last: who reads any of the new words sees that they were being
 * written. */
void weir__shown_set_frontier(weir__shown_frontier *to, const weir_frontier *from)
{
    const weir_time *times = weir_frontier_times(from);
    uint64_t changes = to->changes;
    weir__shown_set(&to->changes, changes + 1);
    __atomic_store_n(&to->count, from->count, __ATOMIC_RELEASE);
    __atomic_store_n(&to->depth, from->depth, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < from->count && i < WEIR__SHOWN_TIMES; i++)
        for (uint32_t c = 0; c < from->depth; c++)
            __atomic_store_n(&to->at[i * WEIR_TIME_COORDS + c], times[i].at[c], __ATOMIC_RELEASE);
    __atomic_store_n(&to->changes, changes + 2, __ATOMIC_RELEASE);
}

/* False: it has changed meanwhile. */
static bool read_once(const weir__shown_frontier *from, weir__shown_frontier *read)
{
    read->changes = __atomic_load_n(&from->changes, __ATOMIC_ACQUIRE);
    read->count = __atomic_load_n(&from->count, __ATOMIC_ACQUIRE);
    read->depth = __atomic_load_n(&from->depth, __ATOMIC_ACQUIRE);
    for (size_t i = 0; i < sizeof read->at / sizeof *read->at; i++)
        read->at[i] = __atomic_load_n(&from->at[i], __ATOMIC_ACQUIRE);
    return read->changes % 2 == 0 &&
           __atomic_load_n(&from->changes, __ATOMIC_RELAXED) == read->changes;
}

static const char *text_of(const weir__shown_frontier *from, char *text, size_t size)
{
    enum { TRIES = 1000 };
    weir__shown_frontier read;
    weir_frontier f;
    int tries = 0;
    while (!read_once(from, &read))
        if (++tries == TRIES)
            return "?";
    weir_frontier_init(&f, (unsigned)read.depth);
    for (uint64_t i = 0; i < read.count && i < WEIR__SHOWN_TIMES; i++) {
        weir_time t = { { 0 } };
        memcpy(t.at, &read.at[i * WEIR_TIME_COORDS], read.depth * sizeof *t.at);
        weir_frontier_insert(&f, &t);
    }
    weir_frontier_text(&f, text, size);
    weir_frontier_fini(&f);
    char *end = strrchr(text, '}');
    if (read.count > WEIR__SHOWN_TIMES && end && (size_t)(end - text) + sizeof ", …}" <= size)
        memcpy(end, ", …}", sizeof ", …}");
    return text;
}

/* ---- traces ---- */

weir__shown *weir__shown_create(weir_traces *traces, const weir_trace_place *place)
{
    weir__shown *shown = weir_alloc_zero(sizeof *shown);
    if (!shown)
        return NULL;
    shown->traces = traces;
    shown->place = *place;
    shown->place.dataflow = copy_text(place->dataflow);
    shown->place.node = copy_text(place->node);
    pthread_mutex_lock(&traces->lock);
    weir__shown **at = &traces->first;
    while (*at)
        at = &(*at)->next;
    *at = shown;
    pthread_mutex_unlock(&traces->lock);
    return shown;
}

void weir__shown_destroy(weir__shown *shown)
{
    if (!shown)
        return;
    pthread_mutex_lock(&shown->traces->lock);
    weir__shown **at = &shown->traces->first;
    while (*at != shown)
        at = &(*at)->next;
    *at = shown->next;
    pthread_mutex_unlock(&shown->traces->lock);
    free_text(shown->place.dataflow);
    free_text(shown->place.node);
    weir_free(shown, sizeof *shown);
}

void weir__shown_add_hold(weir__shown *shown, weir__shown_hold *hold)
{
    pthread_mutex_lock(&shown->traces->lock);
    hold->next = shown->holds;
    shown->holds = hold;
    pthread_mutex_unlock(&shown->traces->lock);
}

void weir__shown_remove_hold(weir__shown *shown, weir__shown_hold *hold)
{
    pthread_mutex_lock(&shown->traces->lock);
    weir__shown_hold **at = &shown->holds;
    while (*at != hold)
        at = &(*at)->next;
    *at = hold->next;
    pthread_mutex_unlock(&shown->traces->lock);
}

static uint64_t get(const uint64_t *number)
{
    return __atomic_load_n(number, __ATOMIC_RELAXED);
}

enum { TEXT = 400, HOLDS = 64 };

static size_t holds_of(const weir__shown *shown, uint64_t appended, weir_trace_hold_info *infos,
                       char (*texts)[TEXT])
{
    size_t count = 0;
    for (const weir__shown_hold *h = shown->holds; h && count < HOLDS; h = h->next, count++) {
        uint64_t delivered = get(&h->delivered);
        infos[count] = (weir_trace_hold_info){
            .owner = h->owner,
            .since = text_of(&h->since, texts[count], TEXT),
            .undelivered = delivered < appended ? appended - delivered : 0,
            .opened_ns = h->opened_ns
        };
    }
    return count;
}

void weir_traces_each(weir_traces *traces, void (*fn)(const weir_trace_shown *shown, void *ctx),
                      void *ctx)
{
    weir_trace_hold_info infos[HOLDS];
    char texts[HOLDS][TEXT], since[TEXT];
    pthread_mutex_lock(&traces->lock);
    for (const weir__shown *s = traces->first; s; s = s->next) {
        weir_trace_shown shown = { .place = s->place,
                                   .since = text_of(&s->since, since, sizeof since),
                                   .updates = get(&s->updates),
                                   .bytes = get(&s->bytes),
                                   .runs = get(&s->runs),
                                   .appended = get(&s->appended),
                                   .disk_bytes = get(&s->disk_bytes),
                                   .holds = infos };
        for (const weir__shown_hold *h = s->holds; h; h = h->next)
            shown.readers++;
        shown.hold_count = holds_of(s, shown.appended, infos, texts);
        fn(&shown, ctx);
    }
    pthread_mutex_unlock(&traces->lock);
}
