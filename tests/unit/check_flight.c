/* SPDX-License-Identifier: Apache-2.0
 *
 * The flight recorder's file: what a run leaves in it, that it goes with the runtime, and what its
 * reader says of files that are cut, damaged, of another version or of something else.
 */
#include <dirent.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <weir/weir.h>

#include "e2e/shell.h"
#include "event/flight.h"
#include "event/sweep.h"
#include "harness/harness.h"

#define NUMBER(F) F(u64, value)
WEIR_RECORD(number, NUMBER)

static weir_input(number) input;
static uint64_t step_takes_ns;
static weir__test_env *env;

static void sink_step(weir_step *step, void *state)
{
    (void)state;
    weir__test_env_pass_time(env, step_takes_ns);
    while (weir_step_take(step, 0))
        ;
}

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_stream(number) in = weir_input_add(g, number, &input, .name = "numbers", .manual = true);
    weir_node_input takes = { .type = number_type(), .interest = WEIR_ALWAYS };
    weir_node_add(g, &(weir_node_spec){ .struct_size = sizeof(weir_node_spec), .kind = "sink",
                                        .name = "the\nsink", .input_count = 1, .inputs = &takes,
                                        .step = sink_step }, &in.port);
}

typedef struct run {
    weir_runtime *runtime;
    weir_worker *worker;
    weir_input_handle(number) handle;
} run;

static run begin(weir_flight_level level)
{
    weir_error error = { 0 };
    run r;
    step_takes_ns = 0;
    env = weir__test_env_create(1, 1, false);
    weir_config config = { .struct_size = sizeof config, .env = weir__test_env_table(env),
                           .flight = level, .flight_dir = test_folder, .no_spin = true };
    r.runtime = weir_runtime_create(&config, &error);
    ck_assert_msg(r.runtime != NULL, "%s", error.what);
    ck_assert_int_eq(weir_runtime_build(r.runtime, "numbers", build, NULL, &error), WEIR_OK);
    r.worker = weir_runtime_take_worker(r.runtime, 0, &error);
    ck_assert_int_eq(weir_runtime_start(r.runtime, &error), WEIR_OK);
    r.handle = weir_input_open(input, 0);
    weir_worker_step(r.worker);
    return r;
}

static void one(run *r, uint64_t time, uint64_t pass_ns)
{
    weir_time t = weir_time_1(time);
    ck_assert_int_eq(weir_input_send(r->handle, number, { time }), WEIR_OK);
    weir_input_advance_to(r->handle, &t);
    for (int turns = 0; turns < 3; turns++)
        weir_worker_step(r->worker);
    weir__test_env_pass_time(env, pass_ns);
}

static void end(run *r)
{
    weir_input_close(r->handle);
    while (weir_worker_step(r->worker))
        ;
    weir_runtime_destroy(r->runtime);
    weir__test_env_destroy(env);
}

static size_t files(void)
{
    size_t n = 0;
    DIR *dir = opendir(test_folder);
    for (struct dirent *e; (e = readdir(dir));)
        n += strstr(e->d_name, ".flight") != NULL;
    closedir(dir);
    return n;
}

static weir_flight *open_flight(const run *r)
{
    weir_error error = { 0 };
    weir_flight *flight = weir_flight_open(weir_runtime_flight_path(r->runtime), &error);
    ck_assert_msg(flight != NULL, "%s", error.what);
    return flight;
}

static uint64_t sum(const weir_flight *flight, weir_event_kind kind, size_t *count)
{
    weir_event event;
    uint64_t records = 0;
    *count = 0;
    for (size_t i = 0; weir_flight_at(flight, i, &event); i++)
        if (event.kind == (uint32_t)kind) {
            records += event.records;
            ++*count;
        }
    return records;
}

START_TEST(keeps_summaries_and_what_is_rare)
{
    run r = begin(WEIR_FLIGHT_COARSE);
    size_t count;
    for (uint64_t t = 1; t <= 20; t++)
        one(&r, t, 2000000);
    weir_worker_step(r.worker);
    weir_flight *flight = open_flight(&r);
    weir_flight_info info;
    weir_flight_get_info(flight, &info);
    ck_assert_uint_eq(info.pid, (uint32_t)getpid());
    ck_assert_uint_eq(info.workers, 1);
    ck_assert_str_eq(info.program, "unit_check_flight");
    ck_assert(info.alive);
    ck_assert_uint_eq(info.damaged, 0);
    ck_assert(!info.names_full);
    ck_assert_int_eq(info.started_wall_us / 1000000, 1700000001);
    ck_assert_uint_ge(info.end_ns - info.started_ns, 20 * 2000000);
    ck_assert_str_eq(weir_flight_dataflow(flight, 0), "numbers");
    ck_assert_str_eq(weir_flight_operator(flight, 0, 0), "numbers");
    ck_assert_str_eq(weir_flight_operator(flight, 0, 1), "the sink");
    ck_assert_ptr_null(weir_flight_operator(flight, 0, 2));
    ck_assert_ptr_null(weir_flight_dataflow(flight, 1));
    weir_flight_worker worker;
    ck_assert(weir_flight_worker_at(flight, 0, &worker));
    ck_assert(!weir_flight_worker_at(flight, 1, &worker));
    uint64_t steps = sum(flight, WEIR_EVENT_SUMMARY, &count);
    ck_assert_uint_ge(steps, 40);
    ck_assert(count >= 19 && count <= 22);
    (void)sum(flight, WEIR_EVENT_BUSIEST, &count);
    ck_assert_uint_ge(count, 19);
    (void)sum(flight, WEIR_EVENT_DATAFLOW, &count);
    ck_assert_uint_eq(count, 1);
    (void)sum(flight, WEIR_EVENT_FRONTIER, &count);
    ck_assert_uint_ge(count, 19); /* each had stood for 2 ms */
    (void)sum(flight, WEIR_EVENT_STEP, &count);
    ck_assert_uint_eq(count, 0);
    weir_flight_close(flight);
    ck_assert_uint_eq(files(), 1);
    end(&r);
    ck_assert_uint_eq(files(), 0);
}
END_TEST

/* A thousand rounds in a millisecond are one entry. */
START_TEST(its_size_goes_with_time_not_with_work)
{
    run r = begin(WEIR_FLIGHT_COARSE);
    size_t count;
    for (uint64_t t = 1; t <= 1000; t++)
        one(&r, t, 0);
    weir_flight *flight = open_flight(&r);
    weir_flight_info info;
    weir_flight_get_info(flight, &info);
    uint64_t ms = (info.end_ns - info.started_ns) / 1000000;
    (void)sum(flight, WEIR_EVENT_SUMMARY, &count);
    ck_assert_uint_le(count, ms + 2);
    ck_assert_uint_le(info.events, 10 * (ms + 2)); /* summary, busiest, 8 frontiers */
    weir_flight_close(flight);
    end(&r);
}
END_TEST

START_TEST(keeps_all_if_asked)
{
    run r = begin(WEIR_FLIGHT_ALL);
    for (uint64_t t = 1; t <= WEIR__FLIGHT_RING; t++)
        one(&r, t, 0);
    weir_flight *flight = open_flight(&r);
    weir_flight_info info;
    weir_event event, before = { 0 };
    size_t stepped, sent;
    weir_flight_get_info(flight, &info);
    ck_assert_uint_eq(info.events, WEIR__FLIGHT_RING); /* the newest */
    (void)sum(flight, WEIR_EVENT_STEPPED, &stepped);
    ck_assert_uint_gt(stepped, 100);
    ck_assert_uint_gt(sum(flight, WEIR_EVENT_SENT, &sent), 100);
    for (size_t i = 0; weir_flight_at(flight, i, &event); i++) {
        ck_assert_uint_ge(event.at_ns, before.at_ns);
        before = event;
    }
    ck_assert(!weir_flight_at(flight, info.events, &event));
    weir_flight_close(flight);
    end(&r);
}
END_TEST

START_TEST(two_runtimes_and_none)
{
    run r = begin(WEIR_FLIGHT_COARSE);
    weir__test_env *first = env;
    run s = begin(WEIR_FLIGHT_COARSE);
    ck_assert_uint_eq(files(), 2);
    ck_assert_str_ne(weir_runtime_flight_path(r.runtime), weir_runtime_flight_path(s.runtime));
    end(&s);
    env = first;
    end(&r);
    r = begin(WEIR_FLIGHT_OFF);
    ck_assert_ptr_null(weir_runtime_flight_path(r.runtime));
    ck_assert_uint_eq(files(), 0);
    end(&r);
}
END_TEST

START_TEST(a_place_that_is_given_must_do)
{
    weir_error error = { 0 };
    weir_config config = { .struct_size = sizeof config, .flight_dir = "/no/such/folder" };
    ck_assert_ptr_null(weir_runtime_create(&config, &error));
    ck_assert_int_eq(error.status, WEIR_IO);
    ck_assert_ptr_nonnull(strstr(error.what, "/no/such/folder/weir-"));
    ck_assert_ptr_nonnull(strstr(error.hint, "another folder"));
}
END_TEST

/* ---- files that are not what they should be ---- */

static char *image(size_t *size)
{
    run r = begin(WEIR_FLIGHT_ALL);
    for (uint64_t t = 1; t <= 40; t++)
        one(&r, t, 1000);
    FILE *file = fopen(weir_runtime_flight_path(r.runtime), "r");
    *size = weir__flight_ring_at(1, 1);
    char *data = weir_alloc(*size);
    ck_assert_uint_eq(fread(data, 1, *size, file), *size);
    fclose(file);
    end(&r);
    return data;
}

static void refuses(const char *data, size_t size, const char *what)
{
    weir_error error = { 0 };
    ck_assert_ptr_null(weir_flight_read(data, size, &error));
    ck_assert_int_eq(error.status, WEIR_BAD_DATA);
    ck_assert_msg(strstr(error.what, what) != NULL, "%s", error.what);
    ck_assert(error.hint[0]);
}

START_TEST(says_what_is_wrong_with_a_file)
{
    size_t size;
    char *data = image(&size);
    weir__flight_header *h = (weir__flight_header *)data;
    refuses(data, 0, "empty");
    refuses("hello", 5, "no file of a flight recorder");
    refuses(data, sizeof *h - 1, "no file of a flight recorder");
    refuses(data, sizeof *h, "cut short");
    refuses(data, size - 1, "cut short");
    h->version++;
    refuses(data, size, "version 2");
    h->version--;
    h->workers = 7;
    refuses(data, size, "header is damaged");
    weir_free(data, size);

    weir_error error = { 0 };
    ck_assert_ptr_null(weir_flight_open("/no/such/file", &error));
    ck_assert_int_eq(error.status, WEIR_IO);
    ck_assert_ptr_null(weir_flight_open("/dev/null", &error));
    ck_assert_int_eq(error.status, WEIR_BAD_DATA);
}
END_TEST

START_TEST(counts_what_is_damaged_and_reads_the_rest)
{
    size_t size, intact;
    char *data = image(&size);
    weir_flight_info info;
    weir__event *ring = (weir__event *)(data + weir__flight_ring_at(1, 0));
    weir_flight *flight = weir_flight_read(data, size, NULL);
    weir_flight_get_info(flight, &info);
    ck_assert(!info.alive);
    intact = info.events;
    weir_flight_close(flight);
    ring[3].records ^= 1;
    ring[5].mark += (uint64_t)WEIR__FLIGHT_RING; /* another's number */
    memset(&ring[intact], 0xff, 8); /* where the next was being written */
    data[weir__flight_names_at(1) + sizeof(weir__flight_name)] ^= 1;
    flight = weir_flight_read(data, size, NULL);
    ck_assert_ptr_nonnull(flight);
    weir_flight_get_info(flight, &info);
    ck_assert_uint_eq(info.events, intact - 2);
    ck_assert_uint_eq(info.damaged, 3);
    ck_assert_ptr_null(weir_flight_dataflow(flight, 0));
    weir_flight_close(flight);
    weir_free(data, size);
}
END_TEST

/* Names that find no room are missed, and nothing else. */
START_TEST(names_may_be_too_many)
{
    weir_error error = { 0 };
    weir_flight_info info;
    char text[1000];
    weir__flight *file = weir__flight_create(&(weir__flight_options){
        .dir = test_folder, .workers = 1, .wall_us = 1 }, &error);
    ck_assert_ptr_nonnull(file);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (uint32_t i = 0; i < 300; i++)
        weir__flight_add_name(file, 4, i, text);
    weir_flight *flight = weir_flight_open(weir__flight_path(file), &error);
    ck_assert_ptr_nonnull(flight);
    weir_flight_get_info(flight, &info);
    ck_assert(info.names_full);
    ck_assert_uint_eq(info.damaged, 0);
    ck_assert_str_eq(weir_flight_operator(flight, 4, 255), text);
    ck_assert_ptr_null(weir_flight_operator(flight, 4, 299));
    weir_flight_close(flight);
    weir__flight_destroy(file);
}
END_TEST

/* Left by a process that was killed, a day and an hour ago and just now; and what only looks so. */
START_TEST(sweeps_what_is_old)
{
    weir_error error = { 0 };
    ck_assert_int_eq(shell("cd %s && touch -d '25 hours ago' weir-1-0.flight weir-2-0.flight.gz "
                           "weir-x-0.flight && touch weir-3-0.flight", test_folder), 0);
    weir__flight *file = weir__flight_create(&(weir__flight_options){
        .dir = test_folder, .workers = 1, .wall_us = (int64_t)time(NULL) * 1000000 }, &error);
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(shell("cd %s && ! test -e weir-1-0.flight && test -e weir-2-0.flight.gz && "
                           "test -e weir-x-0.flight && test -e weir-3-0.flight", test_folder), 0);
    weir__flight_destroy(file);
    ck_assert_int_eq(shell("cd %s && rm weir-*", test_folder), 0);
}
END_TEST

/* A program that is started and killed again and again: the newest ones stay, and what a process
 * holds. */
START_TEST(sweeps_what_is_too_much)
{
    weir_error error = { 0 };
    weir__flight_options options = { .dir = test_folder, .workers = 1,
                                     .wall_us = (int64_t)time(NULL) * 1000000 };
    weir__flight *held = weir__flight_create(&options, &error);
    ck_assert_ptr_nonnull(held);
    ck_assert_int_eq(shell("touch -d '2 hours ago' %s", weir__flight_path(held)), 0);
    ck_assert_int_eq(shell("cd %s && for i in $(seq 1 100); do "
                           "touch -d \"$((3600 - i)) seconds ago\" weir-$i-0.flight; done",
                           test_folder), 0);
    weir__flight *file = weir__flight_create(&options, &error);
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(shell("cd %s && test -e weir-37-0.flight && ! test -e weir-36-0.flight && "
                           "test $(ls | grep -c '^weir-.*-0.flight$') = %d && test -e %s",
                           test_folder, WEIR__SWEEP_KEPT + 1, weir__flight_path(held)), 0);
    weir__flight_destroy(file);
    weir__flight_destroy(held);
    ck_assert_int_eq(shell("cd %s && rm weir-*", test_folder), 0);
}
END_TEST

int main(void)
{
    folder_make();
    int status = test_run(test_suite("flight", (const TTest *const[]){
        keeps_summaries_and_what_is_rare, its_size_goes_with_time_not_with_work, keeps_all_if_asked,
        two_runtimes_and_none, a_place_that_is_given_must_do, says_what_is_wrong_with_a_file,
        counts_what_is_damaged_and_reads_the_rest, names_may_be_too_many, sweeps_what_is_old,
        sweeps_what_is_too_much, NULL }));
    folder_remove();
    return status;
}
