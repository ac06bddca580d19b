/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the registry of views and what workers publish in them: lists of runs, how far they are
 * complete, how far they may forget, and who is told. Reading is in view_reader.c.
 */
#include "trace/view.h"

#include <string.h>

#include "base/assert.h"

struct weir_views {
    pthread_mutex_t lock;
    weir_view *first; /* by name */
};

enum { NAME_MAX_LEN = 128 };

/* ---- the registry ---- */

weir_views *weir_views_create(void)
{
    weir_views *views = weir_alloc_zero(sizeof *views);
    if (views)
        pthread_mutex_init(&views->lock, NULL);
    return views;
}

void weir_views_destroy(weir_views *views)
{
    if (!views)
        return;
    WEIR_ASSERT(!views->first, "the registry of views is destroyed before the view '%s'",
                views->first->name);
    pthread_mutex_destroy(&views->lock);
    weir_free(views, sizeof *views);
}

/* The link to the first view whose name is not before this one. */
static weir_view **find(weir_views *views, const char *name)
{
    weir_view **at = &views->first;
    while (*at && strcmp((*at)->name, name) < 0)
        at = &(*at)->next;
    return at;
}

weir_view *weir_views_find(weir_views *views, const char *name)
{
    pthread_mutex_lock(&views->lock);
    weir_view *view = *find(views, name);
    if (view && strcmp(view->name, name) != 0)
        view = NULL;
    if (view)
        (void)weir_view_retain(view);
    pthread_mutex_unlock(&views->lock);
    return view;
}

void weir_views_each(weir_views *views, void (*fn)(weir_view *view, void *ctx), void *ctx)
{
    pthread_mutex_lock(&views->lock);
    for (weir_view *view = views->first; view; view = view->next)
        fn(view, ctx);
    pthread_mutex_unlock(&views->lock);
}

static bool is_name(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t len = name ? strlen(name) : 0;
    return len > 0 && len <= NAME_MAX_LEN && strspn(name, allowed) == len;
}

static void view_free(weir_view *view)
{
    for (unsigned w = 0; w < view->workers; w++) {
        weir_trace_runs_release(view->parts[w].runs);
        pthread_mutex_destroy(&view->parts[w].lock);
    }
    pthread_mutex_destroy(&view->holds);
    pthread_mutex_destroy(&view->watching);
    weir_free(view->name, strlen(view->name) + 1);
    weir_free(view, sizeof *view + view->workers * sizeof *view->parts);
}

static weir_view *view_create(weir_views *views, const weir_view_spec *spec)
{
    weir_view *view = weir_alloc_zero(sizeof *view + spec->workers * sizeof *view->parts);
    char *name = weir_alloc(strlen(spec->name) + 1);
    if (!view || !name) {
        weir_free(view, sizeof *view + spec->workers * sizeof *view->parts);
        weir_free(name, strlen(spec->name) + 1);
        return NULL;
    }
    memcpy(name, spec->name, strlen(spec->name) + 1);
    view->refs = 1;
    view->views = views;
    view->name = name;
    view->type = spec->type;
    view->key = spec->key;
    view->workers = spec->workers;
    view->first = spec->here ? spec->first : 0;
    view->here = spec->here ? spec->here : spec->workers;
    view->asker = view->here < view->workers ? spec->asker : NULL;
    view->retention_ms = spec->retention_ms;
    pthread_mutex_init(&view->holds, NULL);
    pthread_mutex_init(&view->watching, NULL);
    for (unsigned w = 0; w < view->workers; w++)
        pthread_mutex_init(&view->parts[w].lock, NULL);
    return view;
}

weir_status weir_views_add(weir_views *views, const weir_view_spec *spec, weir_view **result,
                           weir_error *error)
{
    WEIR_ASSERT(spec->struct_size >= sizeof *spec, "a view's description needs .struct_size");
    *result = NULL;
    if (!views)
        return weir_error_set(error, WEIR_INVALID, "there is no registry to publish a view in");
    if (!is_name(spec->name))
        return weir_error_set(
            error, WEIR_INVALID,
            "'%s' is no name for a view: it needs 1 to %d letters, digits and -_.",
            spec->name ? spec->name : "", NAME_MAX_LEN);
    weir_view *view = view_create(views, spec);
    if (!view)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for the view '%s'", spec->name);
    pthread_mutex_lock(&views->lock);
    weir_view **at = find(views, view->name);
    bool taken = *at && strcmp((*at)->name, view->name) == 0;
    if (!taken) {
        view->next = *at;
        *at = view;
    }
    pthread_mutex_unlock(&views->lock);
    if (taken) {
        view_free(view);
        return weir_error_set(error, WEIR_EXISTS, "there is a view '%s' already", spec->name);
    }
    *result = view;
    return WEIR_OK;
}

weir_view *weir_view_retain(weir_view *view)
{
    __atomic_fetch_add(&view->refs, 1, __ATOMIC_RELAXED);
    return view;
}

void weir_view_release(weir_view *view)
{
    if (view && __atomic_sub_fetch(&view->refs, 1, __ATOMIC_ACQ_REL) == 0)
        view_free(view);
}

/* All workers may be here at once: each time is told of once, and none after a later one. */
static void tell(weir_view *view)
{
    uint64_t upper = weir__view_upper(view);
    if (upper <= __atomic_load_n(&view->told, __ATOMIC_RELAXED))
        return;
    pthread_mutex_lock(&view->watching);
    if (upper > view->told) {
        __atomic_store_n(&view->told, upper, __ATOMIC_RELAXED);
        for (weir_view_watch *watch = view->watches; watch; watch = watch->next)
            watch->fn(view, watch->ctx);
    }
    pthread_mutex_unlock(&view->watching);
}

/* Who reads it keeps what it has taken; nobody gets anything new. */
void weir_views_remove(weir_view *view)
{
    weir_views *views = view->views;
    pthread_mutex_lock(&views->lock);
    weir_view **at = find(views, view->name);
    *at = view->next;
    pthread_mutex_unlock(&views->lock);
    __atomic_store_n(&view->removed, true, __ATOMIC_RELEASE);
    for (unsigned w = 0; w < view->workers; w++) {
        weir__part *part = &view->parts[w];
        pthread_mutex_lock(&part->lock);
        weir_trace_runs *runs = part->runs;
        part->runs = NULL;
        __atomic_store_n(&part->upper, WEIR_VIEW_ENDED, __ATOMIC_RELEASE);
        pthread_mutex_unlock(&part->lock);
        weir_trace_runs_release(runs);
    }
    tell(view);
    weir_view_release(view);
}

bool weir__view_is_removed(const weir_view *view)
{
    return __atomic_load_n(&view->removed, __ATOMIC_ACQUIRE);
}

const char *weir_view_name(const weir_view *view)
{
    return view->name;
}

const weir_type *weir_view_type(const weir_view *view)
{
    return view->type;
}

const weir_key *weir_view_key(const weir_view *view)
{
    return &view->key;
}

bool weir_view_is_divided(const weir_view *view)
{
    return view->here < view->workers;
}

/* ---- publishing ---- */

uint64_t weir__view_upper(const weir_view *view)
{
    uint64_t least = UINT64_MAX;
    for (unsigned w = view->first; w < view->first + view->here; w++) {
        uint64_t upper = __atomic_load_n(&view->parts[w].upper, __ATOMIC_ACQUIRE);
        least = upper < least ? upper : least;
    }
    return least;
}

uint64_t weir_view_upper(const weir_view *view)
{
    return weir__view_upper(view);
}

void weir_view_publish(weir_view *view, unsigned worker, const weir_view_part *from)
{
    weir__part *part = &view->parts[worker];
    weir_trace_runs *runs = weir_trace_runs_retain(from->runs);
    __atomic_store_n(&view->seed, from->seed, __ATOMIC_RELAXED);
    __atomic_store_n(&view->dataflow, from->dataflow, __ATOMIC_RELAXED);
    pthread_mutex_lock(&part->lock);
    if (weir__view_is_removed(view)) { /* this worker has not heard of it yet */
        pthread_mutex_unlock(&part->lock);
        weir_trace_runs_release(runs);
        return;
    }
    weir_trace_runs *old = part->runs;
    bool later = from->upper > part->upper;
    part->runs = runs;
    part->records = from->records;
    part->updates = from->updates;
    part->bytes = from->bytes;
    __atomic_store_n(&part->now_ns, from->now_ns, __ATOMIC_RELAXED);
    __atomic_store_n(&part->upper, from->upper, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&part->lock);
    weir_trace_runs_release(old);
    if (later)
        tell(view);
}

uint64_t weir_view_grant_since(weir_view *view, unsigned worker, uint64_t wanted)
{
    weir__part *part = &view->parts[worker];
    pthread_mutex_lock(&view->holds);
    uint64_t upper = weir__view_upper(view);
    uint64_t granted = upper > 0 ? upper - 1 : 0;
    granted = wanted < granted ? wanted : granted;
    for (const weir_view_reader *r = view->readers; r; r = r->next)
        granted = r->time < granted ? r->time : granted;
    pthread_mutex_lock(&part->lock);
    if (granted > part->since)
        part->since = granted;
    granted = part->since;
    pthread_mutex_unlock(&part->lock);
    pthread_mutex_unlock(&view->holds);
    return granted;
}

/* ---- being told ---- */

void weir_view_watch_add(weir_view *view, weir_view_watch *watch)
{
    pthread_mutex_lock(&view->watching);
    watch->view = weir_view_retain(view);
    watch->next = view->watches;
    view->watches = watch;
    pthread_mutex_unlock(&view->watching);
}

void weir_view_watch_remove(weir_view_watch *watch)
{
    weir_view *view = watch->view;
    pthread_mutex_lock(&view->watching);
    weir_view_watch **at = &view->watches;
    while (*at != watch)
        at = &(*at)->next;
    *at = watch->next;
    pthread_mutex_unlock(&view->watching);
    weir_view_release(view);
}

/* ---- looking into it ---- */

void weir_view_get_info(const weir_view *constant, weir_view_info *info)
{
    weir_view *view = (weir_view *)constant; /* its locks change */
    *info = (weir_view_info){ .upper = weir__view_upper(view),
                              .workers = view->workers,
                              .retention_ms = view->retention_ms };
    for (unsigned w = 0; w < view->workers; w++) {
        weir__part *part = &view->parts[w];
        pthread_mutex_lock(&part->lock);
        info->since = part->since > info->since ? part->since : info->since;
        info->records += part->records;
        info->updates += part->updates;
        info->bytes += part->bytes;
        info->runs += part->runs ? part->runs->count : 0;
        pthread_mutex_unlock(&part->lock);
    }
    pthread_mutex_lock(&view->holds);
    for (const weir_view_reader *r = view->readers; r; r = r->next)
        info->readers++;
    pthread_mutex_unlock(&view->holds);
}

void weir_view_each_hold(const weir_view *constant,
                         void (*fn)(const weir_view_hold *hold, void *ctx), void *ctx)
{
    weir_view *view = (weir_view *)constant;
    pthread_mutex_lock(&view->holds);
    for (const weir_view_reader *r = view->readers; r; r = r->next) {
        weir_view_hold hold = { .owner = r->owner, .time = r->time, .since_ns = r->opened_ns };
        fn(&hold, ctx);
    }
    pthread_mutex_unlock(&view->holds);
}
