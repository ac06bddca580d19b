/* SPDX-License-Identifier: Apache-2.0
 *
 * What is shown of traces: which there are, their readers and what these hold, read by another
 * thread while it changes; names that something is published under.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <weir/record.h>
#include <weir/trace.h>

#include "support.h"

#define ROW(F) F(u64, id) F(i64, value)
WEIR_RECORD(row, ROW)

typedef struct fixture {
    weir_traces *traces;
    weir_shape *shape;
    weir_trace *trace;
    weir_trace_builder *builder;
} fixture;

static fixture start(unsigned depth)
{
    fixture f = { .traces = weir_traces_create() };
    weir_shape_spec spec = { .type = row_type(), .key = { .count = 1 }, .depth = depth };
    ck_assert_int_eq(weir_shape_create(&f.shape, &spec, NULL), WEIR_OK);
    f.trace = weir_trace_create(f.shape, NULL, "rows");
    f.builder = weir_trace_builder_create(f.shape, NULL);
    ck_assert_int_eq(weir_traces_show(f.traces, f.trace,
                                      &(weir_trace_place){ "main", "arrange-1", 3, 1 }),
                     WEIR_OK);
    return f;
}

static void end(fixture *f)
{
    weir_trace_release(f->trace);
    weir_trace_builder_destroy(f->builder);
    weir_shape_release(f->shape);
    weir_traces_destroy(f->traces);
}

static uint64_t append(const fixture *f, uint64_t id, weir_time time)
{
    row r = { id, 1 };
    weir_trace_run *run;
    uint64_t number;
    weir_updates u = { .records = &r, .count = 1, .time = time };
    ck_assert_int_eq(weir_trace_builder_add(f->builder, &u), WEIR_OK);
    ck_assert_int_eq(weir_trace_builder_build(f->builder, &run), WEIR_OK);
    ck_assert_int_eq(weir_trace_append(f->trace, run, &number), WEIR_OK);
    return number;
}

typedef struct text_out {
    char text[2000];
    size_t used;
} text_out;

__attribute__((format(printf, 2, 3))) static void put(text_out *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    out->used += (size_t)vsnprintf(out->text + out->used, sizeof out->text - out->used, format,
                                   args);
    va_end(args);
}

static void look(const weir_trace_shown *shown, void *ctx)
{
    text_out *out = ctx;
    ck_assert_str_eq(shown->place.dataflow, "main");
    ck_assert_str_eq(shown->place.node, "arrange-1");
    ck_assert_uint_eq(shown->place.dataflow_id, 3);
    ck_assert_uint_eq(shown->place.worker, 1);
    ck_assert_uint_eq(shown->readers, shown->hold_count);
    put(out, "%llu updates, %llu of %llu runs, since %s",
        (unsigned long long)shown->updates, (unsigned long long)shown->runs,
        (unsigned long long)shown->appended, shown->since);
    for (size_t i = 0; i < shown->hold_count; i++)
        put(out, "; %s %s behind %llu at %llu", shown->holds[i].owner, shown->holds[i].since,
            (unsigned long long)shown->holds[i].undelivered,
            (unsigned long long)shown->holds[i].opened_ns);
}

static const char *text_of(const fixture *f)
{
    static text_out out;
    out = (text_out){ .used = 0 };
    weir_traces_each(f->traces, look, &out);
    return out.text;
}

static weir_trace_reader *open(const fixture *f, const char *owner, unsigned depth)
{
    weir_trace_reader_spec spec = { .owner = owner, .depth = depth, .now_ns = 7 };
    return weir_trace_reader_open(f->trace, &spec);
}

static void advance(weir_trace_reader *reader, unsigned depth, const weir_time *times,
                    size_t count)
{
    weir_frontier f;
    weir_frontier_init(&f, depth);
    for (size_t i = 0; i < count; i++)
        weir_frontier_insert(&f, &times[i]);
    weir_trace_reader_advance(reader, &f);
    weir_frontier_fini(&f);
}

START_TEST(traces_and_readers)
{
    fixture f = start(2);
    ck_assert_str_eq(text_of(&f), "0 updates, 0 of 0 runs, since {(0, 0)}");
    weir_trace_reader *a = open(&f, "a", 0), *b = open(&f, "b", 3);
    (void)append(&f, 1, (weir_time){ { 1, 2 } });
    (void)append(&f, 2, (weir_time){ { 1, 3 } });
    weir_trace_reader_deliver(a, 0);
    advance(a, 2, (weir_time[]){ { { 1, 2 } }, { { 2, 0 } } }, 2);
    (void)weir_trace_work(f.trace, 100);
    ck_assert_str_eq(text_of(&f), "2 updates, 2 of 2 runs, since {(0, 0)}; b {(0, 0)} behind 2 at "
                                  "7; a {(1, 2), (2, 0)} behind 1 at 7");
    weir_trace_reader_close(b);
    (void)weir_trace_work(f.trace, 100);
    ck_assert_str_eq(text_of(&f), "2 updates, 2 of 2 runs, since {(1, 2), (2, 0)}; a {(1, 2), "
                                  "(2, 0)} behind 1 at 7");
    advance(a, 2, (weir_time[]){ { { 3, 9 } }, { { 4, 8 } }, { { 5, 7 } }, { { 6, 6 } },
                                 { { 7, 5 } } }, 5);
    ck_assert_ptr_nonnull(strstr(text_of(&f), "a {(3, 9), (4, 8), (5, 7), (6, 6), …} behind"));
    advance(a, 2, NULL, 0);
    ck_assert_ptr_nonnull(strstr(text_of(&f), "a {} behind"));
    weir_trace_reader_close(a);
    end(&f);
}
END_TEST

static void look_at_most(const weir_trace_shown *shown, void *ctx)
{
    ck_assert_uint_eq(shown->readers, *(unsigned *)ctx);
    ck_assert_uint_eq(shown->hold_count, 64);
    for (size_t i = 0; i < shown->hold_count; i++)
        ck_assert_uint_eq(shown->holds[i].opened_ns, shown->readers - i);
}

/* Of more readers than are shown, all are counted, and the newest are shown. */
START_TEST(many_readers)
{
    enum { SHOWN = 64, READERS = SHOWN + 1 };
    fixture f = start(1);
    weir_trace_reader *readers[READERS];
    for (unsigned i = 0; i < READERS; i++) {
        weir_trace_reader_spec spec = { .owner = "one of many", .now_ns = i + 1 };
        readers[i] = weir_trace_reader_open(f.trace, &spec);
        unsigned count = i + 1;
        if (count >= SHOWN)
            weir_traces_each(f.traces, look_at_most, &count);
    }
    for (unsigned i = 0; i < READERS; i++)
        weir_trace_reader_close(readers[i]);
    end(&f);
}
END_TEST

enum { ROUNDS = 3000 };

/* Both coordinates are always equal: a mixture of two moments is not. */
static void whole(const weir_trace_shown *shown, void *ctx)
{
    unsigned long long x = 0, y = 1;
    for (size_t i = 0; i < shown->hold_count; i++)
        if (strcmp(shown->holds[i].since, "?") != 0) {
            ck_assert_int_eq(sscanf(shown->holds[i].since, "{(%llu, %llu)}", &x, &y), 2);
            ck_assert_uint_eq(x, y);
        }
    *(unsigned long long *)ctx = x;
}

static void *watch(void *ctx)
{
    unsigned long long last = 0;
    while (last < ROUNDS)
        weir_traces_each(ctx, whole, &last);
    return NULL;
}

START_TEST(read_while_it_changes)
{
    fixture f = start(2);
    weir_trace_reader *a = open(&f, "a", 0);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, watch, f.traces), 0);
    for (uint64_t i = 1; i <= ROUNDS; i++) {
        weir_trace_reader_deliver(a, append(&f, i % 7, (weir_time){ { i, i } }));
        advance(a, 2, &(weir_time){ { i, i } }, 1);
        if (i % 16 == 0)
            weir_trace_reader_close(open(&f, "for a while", 0));
        (void)weir_trace_work(f.trace, 100);
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    weir_trace_reader_close(a);
    end(&f);
}
END_TEST

static void retain(void *what)
{
    ++*(int *)what;
}

static const weir_traces_kind one = { .retain = retain }, another = { .retain = retain };

START_TEST(names)
{
    weir_traces *traces = weir_traces_create();
    weir_error error;
    int a = 0, b = 0;
    ck_assert_ptr_null(weir_traces_find(traces, "a", &one));
    ck_assert_int_eq(weir_traces_publish(traces, "a", &one, &a, &error), WEIR_OK);
    ck_assert_int_eq(weir_traces_publish(traces, "b", &one, &b, &error), WEIR_OK);
    ck_assert_int_eq(weir_traces_publish(traces, "a", &another, &b, &error), WEIR_EXISTS);
    ck_assert_str_eq(error.what, "there is a published arrangement 'a' already");
    ck_assert_ptr_eq(weir_traces_find(traces, "a", &one), &a);
    ck_assert_int_eq(a, 1);
    ck_assert_ptr_null(weir_traces_find(traces, "a", &another));
    ck_assert_int_eq(a, 1);
    weir_traces_withdraw(traces, "a");
    weir_traces_withdraw(traces, "a");
    ck_assert_ptr_null(weir_traces_find(traces, "a", &one));
    ck_assert_ptr_eq(weir_traces_find(traces, "b", &one), &b);
    weir_traces_withdraw(traces, "b");
    weir_traces_destroy(traces);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { traces_and_readers, many_readers, read_while_it_changes, names,
                                   NULL };
    return test_run(test_suite("shown", tests));
}
