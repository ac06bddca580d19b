/* SPDX-License-Identifier: Apache-2.0
 *
 * Every operator's macro, nested, with and without options, with every warning on.
 */
#include <weir/test.h>
#include <weir/weir.h>

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
#define WORD_COUNT(F) F(str, text) F(i64, count)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)
WEIR_RECORD(word_count, WORD_COUNT)

static word whole(const line *l) { return (word){ l->text }; }
WEIR_MAP(whole, line, word)
static word whole_ctx(const int *n, const line *l) { return *n ? whole(l) : (word){ { 0 } }; }
WEIR_MAP_CTX(whole_ctx, const int, line, word)
size_t elsewhere(const line *l);
static word of_another_file(const line *l) { return (word){ { .len = (uint32_t)elsewhere(l) } }; }
WEIR_MAP(of_another_file, line, word)
static bool is_long(const word *w) { return w->text.len > 5; }
WEIR_FILTER(is_long, word)
static bool is_longer(int *n, const word *w) { return (int)w->text.len > *n; }
WEIR_FILTER_CTX(is_longer, int, word)
static void split(const line *l, weir_out(word) out) { word_emit(out, (word){ l->text }); }
WEIR_FLAT_MAP(split, line, word)
static void split_ctx(int *n, const line *l, weir_out(word) out)
{
    ++*n;
    word_emit(out, (word){ weir_str_copy(out, l->text) });
}
WEIR_FLAT_MAP_CTX(split_ctx, int, line, word)
static void show(const word *w) { (void)w; }
WEIR_INSPECT(show, word)
static void show_ctx(int *n, const word *w) { *n += (int)w->text.len; }
WEIR_INSPECT_CTX(show_ctx, int, word)
static uint64_t length(const word *w) { return w->text.len; }
WEIR_ROUTE(length, word)

static int number = 3;
static int *make(void *ctx, unsigned worker)
{
    (void)worker;
    return ctx;
}
static void end(int *made) { *made = 0; }
static void look(const weir_batch *batch, void *ctx) { *(int *)ctx += (int)batch->count; }
static void step_it(weir_step *step, void *state)
{
    (void)state;
    while (weir_step_take(step, 0))
        ;
}

static weir_input(line) lines_in, more_in;
static weir_captured *captured;
static weir_probe *probe;

static weir_time later(const word *w, weir_time now)
{
    now.at[0] += w->text.len;
    return now;
}
WEIR_DELAY(later, word)
static weir_time next(weir_time now)
{
    now.at[0]++;
    return now;
}
static uint64_t round_of(const word *w) { return w->text.len; }
WEIR_ENTER_AT(round_of, word)
static bool is_late(weir_time now) { return now.at[0] > 4; }

static void build_loop(weir_graph *g, weir_stream(word) words)
{
    weir_scope *rounds = weir_scope_add(g, NULL, "rounds");
    weir_stream(word) again, late, early;
    weir_loop(word) loop = weir_loop_variable(g, word, rounds, &again, .limit = 9, .step = 2);
    weir_stream(word) all = weir_concat(weir_enter_at(words, rounds, round_of),
                                        weir_enter(weir_delay(words, later), rounds), again);
    weir_branch_when(all, is_late, &late, &early);
    weir_loop_connect(loop, early);
    weir_loop(word) outside = weir_loop_variable(g, word, NULL, &again);
    weir_loop_connect(outside, weir_reclock(weir_delay_batch(words, next), weir_leave(late)));
}

static void rule(const word *w, word_count *c, weir_timers *at, weir_out(word) out)
{
    c->count++;
    weir_timer_set(at, (weir_instant){ weir_timer_now(at).us + 1 });
    word_emit(out, *w);
}
static void due(weir_instant when, word_count *c, weir_timers *at, weir_out(word) out)
{
    (void)when;
    weir_timer_cancel_all(at);
    word_emit(out, (word){ weir_str_copy(out, c->text) });
}
WEIR_PROCESS(rule, due, word, word_count, word)
static void plain_rule(const word *w, word_count *c, weir_timers *at, weir_out(word) out)
{
    (void)c;
    (void)at;
    word_emit(out, *w);
}
WEIR_PROCESS_UNTIMED(plain_rule, word, word_count, word)
static bool visit(const word *w, word_count *c, weir_out(word) out)
{
    word_emit(out, *w);
    return ++c->count == 3;
}
WEIR_STATE_MACHINE(visit, word, word_count, word)
static void add(const word *w, word_count *c) { c->count += w->text.len; }
static word sum(const word *key, const word_count *c)
{
    return c->count > 1 ? *key : (word){ .text = c->text };
}
WEIR_AGGREGATE(add, sum, word, word_count, word)
static bool parse(const word *w, line *l, word_count *bad)
{
    *bad = (word_count){ w->text, 1 };
    *l = (line){ w->text };
    return w->text.len > 1;
}
WEIR_TRY(parse, word, line, word_count)

static void build_keyed(weir_stream(word) words)
{
    weir_stream(word) a = weir_process(words, WEIR_KEY(word, text), rule, .by_clock = true);
    weir_stream(word) b = weir_process(a, WEIR_KEY(word, text), plain_rule,
                                       .order = WEIR_ASC(word, text), .name = "plain");
    weir_stream(word) c = weir_state_machine(b, WEIR_KEY(word, text), visit);
    weir_stream(word) d = weir_aggregate(c, WEIR_KEY(word, text), add);
    weir_stream(line) lines, more;
    weir_stream(word_count) bad;
    weir_try(d, parse, &lines, &bad);
    weir_and_then(words, parse, &more, &bad);
}

static weir_more more(line *l, weir_out(word) out)
{
    word_emit(out, (word){ weir_str_copy(out, l->text) });
    return WEIR_SOURCE_WAIT;
}
WEIR_SOURCE(more, line, word)
static line *begin(const weir_source_start *start) { return (line *)start->ctx; }
static void finish(line *l) { (void)l; }

static void build_sources(weir_graph *g)
{
    static weir_input(word) in;
    static const word words[2];
    weir_stream(word) a = weir_source(g, word, more, .init = begin, .fini = finish, .ctx = words,
                                      .wait_ms = 5, .name = "more");
    weir_stream(word) b = weir_rebalance(weir_to_stream(g, word, words, 2));
    weir_stream(word) c = weir_input_add(g, word, &in, .manual = true,
                                         .scope = weir_scope_add(g, NULL, "two times"));
    weir_stream(word) d = weir_replay(weir_capture_events(a), word);
    weir_stream(word) e = weir_replay_collection(weir_capture_events(weir_as_collection(b)), word);
    (void)weir_concat(a, b, weir_leave(c), d, weir_captured_collection(g, word, captured),
                      weir_captured_stream(g, word, captured), e);
}

#define MEAN(F) F(str, text) F(f64, mean)
#define TOTAL(F) F(str, text) F(i64, count) F(i64, total)
WEIR_RECORD(mean, MEAN)
WEIR_RECORD(total, TOTAL)

static int64_t often(const word *w, int64_t count) { return w->text.len > 0 ? count > 1 : 0; }
WEIR_THRESHOLD(often, word)
static void gather(const word_count *w, int64_t n, word_count *sum) { sum->count += n * w->count; }
static mean divide(const word_count *key, const word_count *sum)
{
    return (mean){ key->text, (double)sum->count };
}
WEIR_ACCUMULATE(gather, divide, word_count, word_count, mean)

static void longest(const word *key, weir_group(word) words, weir_out(word) out)
{
    (void)key;
    for (size_t i = 0; i < words.count; i++)
        if (words.counts[i] > 0)
            word_emit(out, *words.records[i]);
}
WEIR_REDUCE(longest, word, word)

static void build_variables(weir_graph *g, weir_stream(word) words)
{
    weir_scope *rounds = weir_scope_add(g, NULL, "repeated");
    weir_stream(word) a, b;
    weir_variable(word) va = weir_variable_from(words, rounds, &a, .limit = 10);
    weir_variable(word) vb = weir_variable_new(g, word, rounds, &b);
    weir_stream(word) next = weir_reduce(weir_concat(a, b), WEIR_KEY(word, text), longest,
                                         .order = WEIR_DESC(word, text));
    weir_variable_set(va, next);
    weir_variable_set(vb, a);
    (void)weir_leave(next);
}

static void by_length(const word *w, weir_out(word) out) { word_emit_n(out, *w, w->text.len); }
WEIR_EXPLODE(by_length, word, word)

static void both(const word_count *a, const word_count *b, weir_out(word) out)
{
    word_emit_n(out, (word){ a->text }, b->count);
}
WEIR_JOIN(both, word_count, word_count, word)

static void last(const word_count *a, const word_count *b, weir_out(word) out)
{
    word_emit(out, (word){ b ? b->text : a->text });
}
WEIR_ASOF_JOIN(last, word_count, word_count, word)

static void three(const word_count *a, const word_count *b, const word *c, weir_out(word) out)
{
    word_emit(out, a->count > b->count ? (word){ a->text } : *c);
}
WEIR_DELTA_JOIN3(three, word_count, word_count, word, word)
static void four(const word *a, const word_count *b, const word *c, const word_count *d,
                 weir_out(word) out)
{
    word_emit(out, b->count > d->count ? *a : *c);
}
WEIR_DELTA_JOIN4(four, word, word_count, word, word_count, word)

static bool newest(const word *w, word_count *c)
{
    *c = (word_count){ w->text, 1 };
    return w->text.len > 0;
}
WEIR_UPSERT(newest, word, word_count)

static void build_aggregates(weir_stream(word) words)
{
    (void)weir_upsert(words, WEIR_KEY(word, text), newest);
    (void)weir_upsert(words, WEIR_KEY(word, text), newest, .order = WEIR_ASC(word, text));
    (void)weir_temporal_filter(words, .from = "text", .until = "text", .by_clock = true);
    weir_stream(word_count) counts =
        weir_count(weir_distinct(weir_threshold(words, often)), word_count, WEIR_KEY(word, text));
    weir_stream(word) letters = weir_explode(words, by_length);
    weir_assert_equal(letters, weir_consolidate(letters));
    weir_assert_empty(weir_concat(letters, weir_negate(letters)));
    (void)weir_min(counts, word_count, WEIR_KEY(word_count, text), count);
    (void)weir_max(counts, word_count, WEIR_KEY(word_count, text), count);
    (void)weir_quantile(counts, word_count, WEIR_KEY(word_count, text), count, 0.99);
    (void)weir_median(counts, mean, WEIR_KEY(word_count, text), count);
    (void)weir_prefix_sum(counts, total, WEIR_KEY(word_count, text), count, count);
    (void)weir_asof_join(counts, WEIR_KEY(word_count, text), count, counts,
                         WEIR_KEY(word_count, text), count, last);
    (void)weir_delta_join3(counts, counts, letters, three, WEIR_ON(1, text, 2, text),
                           WEIR_ON(2, text, 3, text));
    (void)weir_delta_join4(letters, counts, letters, counts, four, WEIR_ON(1, text, 2, text),
                           WEIR_ON(2, count, 4, count), WEIR_ON(2, text, 3, text),
                           WEIR_CHAIN(1, 2, 4, 3));
    (void)weir_interval_join(counts, WEIR_KEY(word_count, text), count, counts,
                             WEIR_KEY(word_count, text), count, both, .low = -5);
    (void)weir_count_distinct(letters, word_count, WEIR_KEY(word, text), text);
    (void)weir_sum(counts, word_count, WEIR_KEY(word_count, text), count);
    (void)weir_average(counts, mean, WEIR_KEY(word_count, text), count);
    (void)weir_accumulate(counts, WEIR_KEY(word_count, text), gather);
}

void build(weir_graph *g, void *ctx);
void build(weir_graph *g, void *ctx)
{
    weir_stream(line) lines = weir_input_add(g, line, &lines_in);
    weir_stream(line) more = weir_input_add(g, line, &more_in, .name = "more");
    weir_stream(line) all = weir_concat(lines, weir_broadcast(more), weir_concat(more));
    weir_stream(word) a = weir_filter(
        weir_concat(weir_map(all, whole), weir_map(all, of_another_file)), is_long);
    weir_stream(word) b = weir_filter_ctx(weir_map_ctx(all, whole_ctx, .ctx = &number), is_longer,
                                          .init = make, .fini = end, .ctx = ctx);
    weir_stream(word) c = weir_inspect(weir_flat_map(all, split), show);
    weir_stream(word) d = weir_inspect_ctx(weir_flat_map_ctx(all, split_ctx, .init = make),
                                           show_ctx, .name = "shown", .ctx = &number);
    weir_stream(word) parts[4], yes, no;
    weir_partition(weir_exchange(weir_exchange_by(c, length), WEIR_KEY(word, text)), length, parts,
                   4);
    weir_branch(d, is_long, &yes, &no);
    weir_inspect_batches(yes, look, &number); /* nobody uses the result */
    weir_stream(word_count) counts =
        weir_count(weir_concat(a, b, c, weir_negate(weir_as_collection(no))), word_count,
                   WEIR_KEY(word, text));
    weir_stream(word) e = weir_unary(parts[0], word, step_it);
    weir_stream(word) f = weir_binary(e, parts[1], word, step_it, .interest = WEIR_ALWAYS,
                                      .name = "both");
    weir_unary(f, word, step_it);
    weir_capture(counts, captured);
    build_aggregates(yes);
    build_variables(g, weir_as_collection(yes));
    build_loop(g, f);
    build_keyed(f);
    build_sources(g);
    probe = weir_probe(counts, NULL);
}

static void build_test(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(line) lines = weir_test_input(g, line);
    weir_test_output(weir_concat(lines, weir_test_collection(g, line)));
}

weir_status test(void);
weir_status test(void)
{
    weir_test *t = weir_test_create(build_test, NULL);
    weir_test_destroy(t);
    t = weir_test_create(build_test, &number, .workers = 2, .seed = 5);
    weir_test_push(t, 0, line, 1, +1, { weir_str_of("a") });
    weir_test_push_on(t, 1, 0, line, 1, -1, { .text = weir_str_of("a") });
    weir_status status = weir_test_run(t);
    weir_test_destroy(t);
    return status;
}
