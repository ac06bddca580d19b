/* SPDX-License-Identifier: Apache-2.0
 *
 * See asof_gone.h.
 */
#include "asof_gone.h"

#include <string.h>

/* So many values that have gone make a range. */
enum { FEW = 16 };

/* ---- ranges ---- */

static void free_ranges(weir__asof_gone *g, weir__asof_ranges *ranges)
{
    g->count -= ranges->count;
    weir_account_add(g->account, -(int64_t)(ranges->capacity * sizeof *ranges->at));
    weir_free(ranges->at, ranges->capacity * sizeof *ranges->at);
    *ranges = (weir__asof_ranges){ .at = NULL };
}

/* Room for so many ranges instead of those from `first` to before `end`. */
static void replace(weir__asof_gone *g, weir__asof_ranges *ranges, size_t first, size_t end,
                    size_t by)
{
    size_t count = ranges->count - (end - first) + by;
    if (count > ranges->capacity) {
        size_t capacity = 2 * ranges->capacity + 2;
        ranges->at = weir_realloc_must(ranges->at, ranges->capacity * sizeof *ranges->at,
                                       capacity * sizeof *ranges->at);
        weir_account_add(g->account,
                         (int64_t)((capacity - ranges->capacity) * sizeof *ranges->at));
        ranges->capacity = capacity;
    }
    if (ranges->count > end && first + by != end)
        memmove(&ranges->at[first + by], &ranges->at[end],
                (ranges->count - end) * sizeof *ranges->at);
    g->count = g->count - ranges->count + count;
    ranges->count = count;
}

/* The first range that ends at or behind a place. */
static size_t find(const weir__asof_ranges *ranges, weir__wide at)
{
    size_t low = 0, high = ranges->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranges->at[middle].until < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The range that a place is in; NULL: none. */
static weir__asof_range *range_of(weir__asof_ranges *ranges, weir__wide at)
{
    size_t i = find(ranges, at + 1);
    return i < ranges->count && ranges->at[i].from <= at ? &ranges->at[i] : NULL;
}

/* One range takes the place of all that it meets. */
static void cover(weir__asof_gone *g, unsigned side, weir__asof_range range)
{
    if (!g->ranges)
        g->ranges = weir_table_insert(g->lists, g->key);
    if (!g->ranges)
        return; /* no memory: it will be gone through again */
    weir__asof_ranges *ranges = &g->ranges[side];
    size_t first = find(ranges, range.from), end = first;
    for (; end < ranges->count && ranges->at[end].from <= range.until; end++) {
        range.from = ranges->at[end].from < range.from ? ranges->at[end].from : range.from;
        range.until = ranges->at[end].until > range.until ? ranges->at[end].until : range.until;
    }
    replace(g, ranges, first, end, 1);
    ranges->at[first] = range;
}

weir_status weir__asof_gone_init(weir__asof_gone *g, const weir_table_options *lists,
                                 weir_error *error)
{
    weir_table_options options = *lists;
    options.value_size = WEIR__ASOF_SIDES * sizeof(weir__asof_ranges);
    *g = (weir__asof_gone){ .account = lists->account };
    return weir_table_create(&g->lists, &options, error);
}

static void forget(weir__asof_gone *g, weir__asof_ranges *ranges)
{
    for (unsigned side = 0; side < WEIR__ASOF_SIDES; side++)
        free_ranges(g, &ranges[side]);
}

static void forget_all(weir__asof_gone *g)
{
    weir_table_walk walk = weir_table_walk_range(g->lists, 0, UINT64_MAX);
    for (weir__asof_ranges *ranges; (ranges = weir_table_walk_next(&walk));)
        forget(g, ranges);
    weir_table_clear(g->lists);
}

void weir__asof_gone_trim(weir__asof_gone *g, size_t updates)
{
    if (g->count * FEW > updates)
        forget_all(g);
}

void weir__asof_gone_fini(weir__asof_gone *g)
{
    if (!g->lists)
        return;
    forget_all(g);
    weir_table_destroy(g->lists);
    *g = (weir__asof_gone){ .lists = NULL };
}

/* ---- a key ---- */

void weir__asof_gone_begin(weir__asof_gone *g, const void *key)
{
    memset(g->stretch, 0, sizeof g->stretch);
    g->key = key;
    g->ranges = weir_table_count(g->lists) ? weir_table_find(g->lists, key) : NULL;
}

void weir__asof_gone_touch(weir__asof_gone *g, unsigned side, weir__wide at)
{
    weir__asof_range *range = g->ranges ? range_of(&g->ranges[side], at) : NULL;
    if (!range)
        return;
    weir__asof_range cut[] = { { range->from, at }, { at + 2, range->until } }, left[2];
    size_t count = 0, i = (size_t)(range - g->ranges[side].at);
    for (int k = 0; k < 2; k++)
        if (cut[k].from < cut[k].until)
            left[count++] = cut[k];
    replace(g, &g->ranges[side], i, i + 1, count);
    memcpy(&g->ranges[side].at[i], left, count * sizeof *left);
}

bool weir__asof_gone_pass(weir__asof_gone *g, unsigned side, weir__wide at, weir__wide *until)
{
    weir__asof_range *range = g->ranges ? range_of(&g->ranges[side], at) : NULL;
    if (!range)
        return false;
    weir__asof_stretch *s = &g->stretch[side];
    if (s->values == 0)
        s->from = range->from;
    s->values++;
    s->last = *until = range->until;
    s->has_range = true;
    s->is_there = false;
    return true;
}

/* What has gone ends before this place. */
static void close(weir__asof_gone *g, unsigned side, weir__wide at)
{
    weir__asof_stretch *s = &g->stretch[side];
    if (s->from < at && s->values > 0 && (s->has_range || s->values >= FEW))
        cover(g, side, (weir__asof_range){ s->from, at });
    s->values = 0;
    s->has_range = false;
}

void weir__asof_gone_note(weir__asof_gone *g, unsigned side, weir__wide at, bool is_there)
{
    weir__asof_stretch *s = &g->stretch[side];
    if (is_there) {
        close(g, side, at);
        s->is_there = true;
    } else if (s->values > 0) {
        s->values++;
    } else if (!s->is_there || s->last != at) {
        s->from = at;
        s->values = 1;
        s->is_there = false;
    }
    s->last = at;
}

void weir__asof_gone_reach(weir__asof_gone *g, unsigned side, weir__wide at)
{
    close(g, side, at);
}

void weir__asof_gone_stop(weir__asof_gone *g, unsigned side)
{
    close(g, side, g->stretch[side].last);
}

void weir__asof_gone_end(weir__asof_gone *g)
{
    if (g->ranges && g->ranges[0].count + g->ranges[1].count == 0) {
        forget(g, g->ranges);
        weir_table_remove(g->lists, g->ranges);
    }
    g->ranges = NULL;
    g->key = NULL;
}
