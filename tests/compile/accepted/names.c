/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions and records may have any names: those that the macros' own code might have used, too.
 */
#include <weir/connectors/generator.h>
#include <weir/weir.h>

#define FIELDS(F) F(i64, key) F(i64, count) F(instant, at)
WEIR_RECORD(record, FIELDS)
WEIR_RECORD(state, FIELDS)
WEIR_RECORD(type, FIELDS)
WEIR_RECORD(fields, FIELDS)
WEIR_RECORD(value, FIELDS)
WEIR_RECORD(batch, FIELDS)
WEIR_RECORD(result, FIELDS)
WEIR_RECORD(error, FIELDS)

static type to(const record *r) { return (type){ r->key, r->count, r->at }; }
WEIR_MAP(to, record, type)
static type from(state *s, const record *r) { return (type){ s->key, r->count, r->at }; }
WEIR_MAP_CTX(from, state, record, type)
static bool kept(const record *r) { return r->key > 0; }
WEIR_FILTER(kept, record)
static bool keep(state *s, const record *r) { return r->key > s->key; }
WEIR_FILTER_CTX(keep, state, record)
static void in(const record *r, weir_out(batch) b)
{
    batch_emit(b, (batch){ .key = r->key });
}
WEIR_FLAT_MAP(in, record, batch)
static void builder(state *s, const record *r, weir_out(batch) b)
{
    batch_emit(b, (batch){ .key = s->key + r->key });
}
WEIR_FLAT_MAP_CTX(builder, state, record, batch)
static bool place(const record *r, state *at, weir_out(value) b)
{
    value_emit(b, (value){ .key = r->key });
    return at->count++ < r->count;
}
WEIR_FLAT_MAP_RESUMABLE(place, record, state, value)
static bool ctx(state *s, const record *r, state *at, weir_out(value) b)
{
    value_emit(b, (value){ .key = r->key });
    return at->count++ < s->count;
}
WEIR_FLAT_MAP_RESUMABLE_CTX(ctx, state, record, state, value)
static void i(const record *r) { (void)r; }
WEIR_INSPECT(i, record)
static void options(state *s, const record *r) { s->count += r->count; }
WEIR_INSPECT_CTX(options, state, record)
static uint64_t out(const record *r) { return (uint64_t)r->key; }
WEIR_ROUTE(out, record)
static weir_time times(const record *r, weir_time now)
{
    now.at[0] += (uint64_t)r->count;
    return now;
}
WEIR_DELAY(times, record)
static uint64_t count(const record *r) { return (uint64_t)r->count; }
WEIR_ENTER_AT(count, record)

static void timers(const record *r, state *s, weir_timers *at, weir_out(value) b)
{
    weir_timer_set(at, (weir_instant){ r->at.us + s->count });
    value_emit(b, (value){ .key = r->key });
}
static void when(weir_instant due, state *s, weir_timers *at, weir_out(value) b)
{
    weir_timer_cancel(at, due);
    value_emit(b, (value){ .key = s->key });
}
WEIR_PROCESS(timers, when, record, state, value)
static void rule(const record *r, state *s, weir_timers *at, weir_out(value) b)
{
    (void)at;
    value_emit(b, (value){ .key = r->key + s->key });
}
WEIR_PROCESS_UNTIMED(rule, record, state, value)
static bool key(const record *r, state *s, weir_out(value) b)
{
    value_emit(b, (value){ .key = r->key + s->key });
    return s->count++ < 3;
}
WEIR_STATE_MACHINE(key, record, state, value)
static bool results(const record *r, result *good, error *bad)
{
    good->key = bad->key = r->key;
    return r->key > 0;
}
WEIR_TRY(results, record, result, error)

static void pairs(const record *a, const state *b, weir_out(value) c)
{
    value_emit(c, (value){ .key = a->key + b->count });
}
WEIR_JOIN(pairs, record, state, value)
static void sides(const record *a, const state *b, weir_out(value) c)
{
    value_emit(c, (value){ .key = (a ? a->key : 0) + (b ? b->count : 0) });
}
WEIR_OUTER_JOIN(sides, record, state, value)
static void spec(const record *a, const state *b, weir_out(value) c)
{
    value_emit(c, (value){ .key = a->key + (b ? b->count : 0) });
}
WEIR_ASOF_JOIN(spec, record, state, value)
static void of(const record *a, const state *b, const type *c, weir_out(value) d)
{
    value_emit(d, (value){ .key = a->key + b->key + c->key });
}
WEIR_DELTA_JOIN3(of, record, state, type, value)
static void values(const record *r, weir_group(record) g, weir_out(value) b)
{
    value_emit(b, (value){ .key = r->key, .count = (int64_t)g.count });
}
WEIR_REDUCE(values, record, value)
static weir_more graph(state *s, weir_out(value) b)
{
    value_emit(b, (value){ .key = s->key });
    return WEIR_SOURCE_END;
}
WEIR_SOURCE(graph, state, value)
static void weir(uint64_t n, weir_out(value) b) { value_emit(b, (value){ .key = (int64_t)n }); }
WEIR_GENERATE(weir, value)
static void record_of(const record *r, weir_out(value) b)
{
    value_emit(b, (value){ .key = r->key });
}
WEIR_EXPLODE(record_of, record, value)

/* With the underscore that parameters of macros often have. */
#define MAPPED(fn)                                                                                 \
    static type fn(const record *r) { return (type){ r->key, r->count, r->at }; }                  \
    WEIR_MAP(fn, record, type)
MAPPED(in_)
MAPPED(out_)
MAPPED(from_)
MAPPED(to_)
MAPPED(i_)
MAPPED(ctx_)
MAPPED(fn)
MAPPED(length)
static bool kept_(const record *r) { return r->key > 0; }
WEIR_FILTER(kept_, record)
static bool keep_(state *s, const record *r) { return r->key > s->key; }
WEIR_FILTER_CTX(keep_, state, record)
static int64_t counts(const record *r, int64_t n) { return r->key > 0 ? n : 0; }
WEIR_THRESHOLD(counts, record)
#define MANY(fn, REGISTER)                                                                         \
    static void fn(const record *r, weir_out(value) b)                                             \
    {                                                                                              \
        value_emit(b, (value){ .key = r->key });                                                   \
    }                                                                                              \
    REGISTER(fn, record, value)
MANY(builder_, WEIR_FLAT_MAP)
MANY(record_, WEIR_EXPLODE)
static void batch_(state *s, const record *r, weir_out(value) b)
{
    value_emit(b, (value){ .key = r->key + s->key });
}
WEIR_FLAT_MAP_CTX(batch_, state, record, value)
static bool place_(const record *r, state *at, weir_out(value) b)
{
    value_emit(b, (value){ .key = r->key });
    return at->count++ < r->count;
}
WEIR_FLAT_MAP_RESUMABLE(place_, record, state, value)
static void o_(state *s, const record *r) { s->count += r->count; }
WEIR_INSPECT_CTX(o_, state, record)
static uint64_t count_(const record *r) { return (uint64_t)r->count; }
WEIR_ROUTE(count_, record)
static weir_time batches(const record *r, weir_time now)
{
    now.at[0] += (uint64_t)r->count;
    return now;
}
WEIR_DELAY(batches, record)
static void timers_(const record *r, state *s, weir_timers *at, weir_out(value) b)
{
    weir_timer_set(at, (weir_instant){ r->at.us + s->count });
    value_emit(b, (value){ .key = r->key });
}
static void when_(weir_instant due, state *s, weir_timers *at, weir_out(value) b)
{
    weir_timer_cancel(at, due);
    value_emit(b, (value){ .key = s->key });
}
WEIR_PROCESS(timers_, when_, record, state, value)
static bool state_(const record *r, state *s, weir_out(value) b)
{
    value_emit(b, (value){ .key = r->key + s->key });
    return s->count++ < 3;
}
WEIR_STATE_MACHINE(state_, record, state, value)
static bool error_(const record *r, result *good, error *bad)
{
    good->key = bad->key = r->key;
    return r->key > 0;
}
WEIR_TRY(error_, record, result, error)
static bool result_(const record *r, value *v)
{
    v->key = r->key;
    return true;
}
WEIR_UPSERT(result_, record, value)
#define PAIRED(fn, REGISTER)                                                                       \
    static void fn(const record *a, const state *b, weir_out(value) c)                             \
    {                                                                                              \
        value_emit(c, (value){ .key = (a ? a->key : 0) + (b ? b->count : 0) });                    \
    }                                                                                              \
    REGISTER(fn, record, state, value)
PAIRED(pairs_, WEIR_JOIN)
PAIRED(records_, WEIR_OUTER_JOIN)
PAIRED(a_, WEIR_ASOF_JOIN)
PAIRED(b_, WEIR_ASOF_JOIN)
static void of_(const record *a, const state *b, const type *c, weir_out(value) d)
{
    value_emit(d, (value){ .key = a->key + b->key + c->key });
}
WEIR_DELTA_JOIN3(of_, record, state, type, value)
static void values_(const record *r, weir_group(record) g, weir_out(value) b)
{
    value_emit(b, (value){ .key = r->key, .count = (int64_t)g.count });
}
WEIR_REDUCE(values_, record, value)
static weir_more options_(state *s, weir_out(value) b)
{
    value_emit(b, (value){ .key = s->key });
    return WEIR_SOURCE_END;
}
WEIR_SOURCE(options_, state, value)
static void folded(const record *r, state *s) { s->count += r->count; }
static value key_(const record *r, const state *s)
{
    return (value){ .key = r->key, .count = s->count };
}
WEIR_AGGREGATE(folded, key_, record, state, value)

void build(weir_graph *g, weir_stream(record) s, weir_stream(state) t, weir_scope *inside);
void build(weir_graph *g, weir_stream(record) s, weir_stream(state) t, weir_scope *inside)
{
    static state own;
    weir_stream(result) good;
    weir_stream(error) bad;
    (void)weir_map(s, to);
    (void)weir_map_ctx(s, from, .ctx = &own);
    (void)weir_filter(weir_filter_ctx(s, keep, .ctx = &own), kept);
    (void)weir_flat_map(s, in);
    (void)weir_flat_map_ctx(s, builder, .ctx = &own);
    (void)weir_flat_map_resumable(s, place);
    (void)weir_flat_map_resumable_ctx(s, ctx, .ctx = &own);
    (void)weir_inspect(weir_inspect_ctx(s, options, .ctx = &own), i);
    (void)weir_delay(weir_exchange_by(s, out), times);
    (void)weir_enter_at(s, inside, count);
    (void)weir_process(s, WEIR_KEY(record, key), timers, .order = WEIR_ASC(record, at));
    (void)weir_process(s, WEIR_KEY(record, key), rule);
    (void)weir_state_machine(s, WEIR_KEY(record, key), key);
    weir_try(s, results, &good, &bad);
    (void)weir_join(s, WEIR_KEY(record, key), t, WEIR_KEY(state, key), pairs);
    (void)weir_full_join(s, WEIR_KEY(record, key), t, WEIR_KEY(state, key), sides);
    (void)weir_asof_join(s, WEIR_KEY(record, key), at, t, WEIR_KEY(state, key), at, spec);
    (void)weir_reduce(s, WEIR_KEY(record, key), values);
    (void)weir_explode(s, record_of);
    (void)weir_source(g, value, graph, .ctx = &own);
    (void)weir_map(s, in_);
    (void)weir_map(s, out_);
    (void)weir_map(s, from_);
    (void)weir_map(s, to_);
    (void)weir_map(s, i_);
    (void)weir_map(s, ctx_);
    (void)weir_map(s, fn);
    (void)weir_map(s, length);
    (void)weir_filter(weir_filter_ctx(s, keep_, .ctx = &own), kept_);
    (void)weir_threshold(s, counts);
    (void)weir_flat_map(s, builder_);
    (void)weir_explode(s, record_);
    (void)weir_flat_map_ctx(s, batch_, .ctx = &own);
    (void)weir_flat_map_resumable(s, place_);
    (void)weir_inspect_ctx(s, o_, .ctx = &own);
    (void)weir_delay(weir_exchange_by(s, count_), batches);
    (void)weir_process(s, WEIR_KEY(record, key), timers_, .order = WEIR_ASC(record, at));
    (void)weir_state_machine(s, WEIR_KEY(record, key), state_);
    weir_try(s, error_, &good, &bad);
    (void)weir_upsert(s, WEIR_KEY(record, key), result_, .order = WEIR_ASC(record, at));
    (void)weir_join(s, WEIR_KEY(record, key), t, WEIR_KEY(state, key), pairs_);
    (void)weir_full_join(s, WEIR_KEY(record, key), t, WEIR_KEY(state, key), records_);
    (void)weir_asof_join(s, WEIR_KEY(record, key), at, t, WEIR_KEY(state, key), at, a_);
    (void)weir_asof_join(s, WEIR_KEY(record, key), at, t, WEIR_KEY(state, key), at, b_);
    (void)weir_reduce(s, WEIR_KEY(record, key), values_);
    (void)weir_source(g, value, options_, .ctx = &own);
    (void)weir_aggregate(s, WEIR_KEY(record, key), folded);
    (void)weir_generator(g, value, weir);
}
