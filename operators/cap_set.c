/* SPDX-License-Identifier: Apache-2.0
 *
 * See weir/operators/cap_set.h. Times are compared in all coordinates: those beyond the depth are
 * 0.
 */
#include <weir/operators/cap_set.h>

static bool is_before(const weir_step *step, weir_cap cap, const weir_time *t)
{
    weir_time at = weir_cap_time(step, cap);
    return weir_time_less_equal(&at, t, WEIR_TIME_COORDS);
}

void weir_cap_set_fini(weir_cap_set *set)
{
    weir_free(set->caps, set->capacity * sizeof *set->caps);
    *set = (weir_cap_set){ .caps = NULL };
}

bool weir_cap_set_covers(const weir_cap_set *set, const weir_step *step, const weir_time *t)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (is_before(step, set->caps[i], t))
            return true;
    return false;
}

void weir_cap_set_insert(weir_cap_set *set, weir_step *step, weir_cap cap)
{
    weir_time t = weir_cap_time(step, cap);
    if (weir_cap_set_covers(set, step, &t)) {
        weir_cap_drop(step, cap);
        return;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        weir_time at = weir_cap_time(step, set->caps[i]);
        if (weir_time_less_equal(&t, &at, WEIR_TIME_COORDS))
            weir_cap_drop(step, set->caps[i]);
        else
            set->caps[kept++] = set->caps[i];
    }
    set->count = kept;
    if (set->count == set->capacity) {
        uint32_t capacity = set->capacity ? 2 * set->capacity : 4;
        set->caps = weir_realloc_must(set->caps, set->capacity * sizeof *set->caps,
                                      capacity * sizeof *set->caps);
        set->capacity = capacity;
    }
    set->caps[set->count++] = cap;
}

weir_cap weir_cap_set_delayed(const weir_cap_set *set, weir_step *step, const weir_time *t)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (is_before(step, set->caps[i], t))
            return weir_cap_delayed(step, set->caps[i], t);
    return WEIR_CAP_NONE;
}

bool weir_cap_set_downgrade(weir_cap_set *set, weir_step *step, const weir_frontier *frontier)
{
    const weir_time *times = weir_frontier_times(frontier);
    for (uint32_t i = 0; i < frontier->count; i++)
        if (!weir_cap_set_covers(set, step, &times[i]))
            return false;
    if (frontier->count == 1 && set->count == 1) {
        weir_time at = weir_cap_time(step, set->caps[0]);
        if (!weir_time_equal(&at, times, WEIR_TIME_COORDS))
            weir_cap_downgrade(step, set->caps[0], times);
        return true;
    }
    weir_cap_set moved = { 0 };
    for (uint32_t i = 0; i < frontier->count; i++)
        weir_cap_set_insert(&moved, step, weir_cap_set_delayed(set, step, &times[i]));
    weir_cap_set_clear(set, step);
    weir_cap_set_fini(set);
    *set = moved;
    return true;
}

void weir_cap_set_clear(weir_cap_set *set, weir_step *step)
{
    for (uint32_t i = 0; i < set->count; i++)
        weir_cap_drop(step, set->caps[i]);
    set->count = 0;
}

weir_cap weir_cap_try_delayed(weir_step *step, weir_cap cap, const weir_time *t)
{
    return is_before(step, cap, t) ? weir_cap_delayed(step, cap, t) : WEIR_CAP_NONE;
}

bool weir_cap_try_downgrade(weir_step *step, weir_cap cap, const weir_time *t)
{
    if (!is_before(step, cap, t))
        return false;
    weir_cap_downgrade(step, cap, t);
    return true;
}
