/* SPDX-License-Identifier: Apache-2.0
 *
 * Views as workers and their hosts see them: the registry, what is published, holds, watches. Readers'
 * questions are answered in view_reader.c.
 */
#include "trace/view.h"

#include <string.h>

#include <weir/memory.h>

#include "base/assert.h"

struct weir_views {
    pthread_mutex_t lock;
    weir_view *first;
};

static char *duplicate(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = weir_alloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

static void free_text(char *text)
{
    if (text)
        weir_free(text, strlen(text) + 1);
}

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
    WEIR_ASSERT(!views->first, "a registry is destroyed while view '%s' is in it",
                views->first->name);
    pthread_mutex_destroy(&views->lock);
    weir_free(views, sizeof *views);
}

weir_view *weir_views_find(weir_views *views, const char *name)
{
    pthread_mutex_lock(&views->lock);
    weir_view *view = views->first;
    while (view && strcmp(view->name, name) != 0)
        view = view->next;
    pthread_mutex_unlock(&views->lock);
    return view;
}

void weir_views_each(weir_views *views, void (*fn)(weir_view *view, void *ctx), void *ctx)
{
    pthread_mutex_lock(&views->lock);
    weir_view *view = views->first;
    pthread_mutex_unlock(&views->lock);
    for (; view; view = view->next)
        fn(view, ctx);
}

static weir_status check_name(const char *name, weir_error *error)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    if (name && *name && name[strspn(name, allowed)] == 0)
        return WEIR_OK;
    weir_error_set(error, WEIR_INVALID, "'%s' is no name for a view", name ? name : "");
    weir_error_hint(error, "use letters, digits, '-', '_' and '.'");
    return WEIR_INVALID;
}

static weir_view *view_create(const weir_view_spec *spec)
{
    weir_view *view = weir_alloc_zero(sizeof *view);
    if (!view)
        return NULL;
    view->name = duplicate(spec->name);
    view->parts = weir_alloc_zero(spec->workers * sizeof *view->parts);
    view->type = spec->type;
    view->key = spec->key;
    view->workers = spec->workers;
    view->retention_ms = spec->retention_ms;
    pthread_mutex_init(&view->lock, NULL);
    pthread_mutex_init(&view->watch_lock, NULL);
    if (view->name && view->parts)
        return view;
    weir_views_remove(view);
    return NULL;
}

weir_status weir_views_add(weir_views *views, const weir_view_spec *spec, weir_view **result,
                           weir_error *error)
{
    *result = NULL;
    weir_status status = check_name(spec->name, error);
    if (status != WEIR_OK)
        return status;
    weir_view *view = view_create(spec);
    if (!view)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for view '%s'", spec->name);
    pthread_mutex_lock(&views->lock);
    weir_view **at = &views->first;
    while (*at && strcmp((*at)->name, spec->name) < 0)
        at = &(*at)->next;
    bool taken = *at && strcmp((*at)->name, spec->name) == 0;
    if (!taken) {
        view->next = *at;
        view->views = views;
        *at = view;
    }
    pthread_mutex_unlock(&views->lock);
    if (taken) {
        weir_views_remove(view);
        weir_error_set(error, WEIR_EXISTS, "there is a view '%s' already", spec->name);
        weir_error_hint(error, "give each view a name of its own");
        return WEIR_EXISTS;
    }
    *result = view;
    return WEIR_OK;
}

void weir_views_remove(weir_view *view)
{
    if (view->views) {
        pthread_mutex_lock(&view->views->lock);
        weir_view **at = &view->views->first;
        while (*at != view)
            at = &(*at)->next;
        *at = view->next;
        pthread_mutex_unlock(&view->views->lock);
    }
    WEIR_ASSERT(!view->readers, "view '%s' ends while '%s' reads it", view->name,
                view->readers->owner);
    for (unsigned w = 0; view->parts && w < view->workers; w++)
        if (view->parts[w].runs)
            weir_trace_runs_release(view->parts[w].runs);
    weir_free(view->parts, view->workers * sizeof *view->parts);
    free_text(view->name);
    pthread_mutex_destroy(&view->lock);
    pthread_mutex_destroy(&view->watch_lock);
    weir_free(view, sizeof *view);
}

const char *weir_view_name(const weir_view *view) { return view->name; }
const weir_type *weir_view_type(const weir_view *view) { return view->type; }
const weir_key *weir_view_key(const weir_view *view) { return &view->key; }

uint64_t weir_view_upper(const weir_view *view)
{
    return __atomic_load_n(&view->upper, __ATOMIC_ACQUIRE);
}

void weir_view_get_info(const weir_view *constant, weir_view_info *info)
{
    weir_view *view = (weir_view *)constant; /* the lock is no part of what is constant */
    *info = (weir_view_info){ .retention_ms = view->retention_ms, .workers = view->workers };
    pthread_mutex_lock(&view->lock);
    info->upper = view->upper;
    for (unsigned w = 0; w < view->workers; w++) {
        const weir__view_part *part = &view->parts[w];
        info->since = part->since > info->since ? part->since : info->since;
        info->records += part->records;
        info->updates += part->updates;
        info->bytes += part->bytes;
        info->runs += part->runs ? part->runs->count : 0;
    }
    for (const weir_view_reader *r = view->readers; r; r = r->next)
        info->readers++;
    pthread_mutex_unlock(&view->lock);
}

void weir_view_each_hold(const weir_view *constant,
                         void (*fn)(const weir_view_hold *hold, void *ctx), void *ctx)
{
    weir_view *view = (weir_view *)constant;
    pthread_mutex_lock(&view->lock);
    for (const weir_view_reader *r = view->readers; r; r = r->next)
        fn(&(weir_view_hold){ r->owner, r->time, r->opened_ns }, ctx);
    pthread_mutex_unlock(&view->lock);
}

/* ---- publishing ---- */

static uint64_t least_upper(const weir_view *view)
{
    uint64_t least = UINT64_MAX;
    for (unsigned w = 0; w < view->workers; w++)
        least = view->parts[w].upper < least ? view->parts[w].upper : least;
    return least;
}

static void tell_watches(weir_view *view)
{
    pthread_mutex_lock(&view->watch_lock);
    for (weir_view_watch *watch = view->watches, *next; watch; watch = next) {
        next = watch->next;
        watch->fn(view, watch->ctx);
    }
    pthread_mutex_unlock(&view->watch_lock);
}

void weir_view_publish(weir_view *view, unsigned worker, const weir_view_part *from)
{
    weir__view_part *part = &view->parts[worker];
    weir_trace_runs *runs = weir_trace_runs_retain(from->runs);
    pthread_mutex_lock(&view->lock);
    weir_trace_runs *old = part->runs;
    part->runs = runs;
    part->upper = from->upper;
    part->seed = from->seed;
    part->records = from->records;
    part->updates = from->updates;
    part->bytes = from->bytes;
    uint64_t before = view->upper, now = least_upper(view);
    view->now_ns = from->now_ns;
    __atomic_store_n(&view->upper, now, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&view->lock);
    if (old)
        weir_trace_runs_release(old);
    if (now > before)
        tell_watches(view);
}

uint64_t weir_view_grant_since(weir_view *view, unsigned worker, uint64_t wanted)
{
    pthread_mutex_lock(&view->lock);
    weir__view_part *part = &view->parts[worker];
    uint64_t limit = view->upper ? view->upper - 1 : 0;
    limit = wanted < limit ? wanted : limit;
    for (const weir_view_reader *r = view->readers; r; r = r->next)
        limit = r->time < limit ? r->time : limit;
    if (limit > part->since)
        part->since = limit;
    limit = part->since;
    pthread_mutex_unlock(&view->lock);
    return limit;
}

/* ---- watches ---- */

void weir_view_watch_add(weir_view *view, weir_view_watch *watch)
{
    pthread_mutex_lock(&view->watch_lock);
    watch->view = view;
    watch->next = view->watches;
    view->watches = watch;
    pthread_mutex_unlock(&view->watch_lock);
}

void weir_view_watch_remove(weir_view_watch *watch)
{
    weir_view *view = watch->view;
    pthread_mutex_lock(&view->watch_lock);
    weir_view_watch **at = &view->watches;
    while (*at != watch)
        at = &(*at)->next;
    *at = watch->next;
    pthread_mutex_unlock(&view->watch_lock);
}
