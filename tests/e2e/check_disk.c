/* SPDX-License-Identifier: Apache-2.0
 *
 * A state of four times the memory that a process may have: its data is limited (RLIMIT_DATA, which
 * mapped files are no part of), its large runs lie in files. Every row is read again at the end.
 * Without a state directory the same program does not come to its end. Nor does what is in flight
 * take more than there is.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/connectors/main.h>
#include <weir/observe.h>
#include <weir/weir.h>

#include "support.h"

#define ROW(F) F(u64, id) F(str, text)
WEIR_RECORD(row, ROW)

enum { LIMIT = 96 << 20, TEXT = 240, ROWS = 4 * LIMIT / TEXT };

/* A sanitizer's own memory would not fit: there the rows are fewer, and nothing is limited. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { LIMITED = 0, MADE = ROWS / 16 };
#else
enum { LIMITED = 1, MADE = ROWS };
#endif

typedef struct job {
    weir_arrangement *rows;
    uint64_t most, sent, read, sum, disk_bytes;
    weir_trace_reader *reader;
    bool checked, full; /* full: no more may be under way */
    const char *cut; /* the files there are cut when all has been read, and it is read again */
} job;

static void text_of(uint64_t id, char text[TEXT])
{
    uint64_t random = id;
    for (int i = 0; i < TEXT; i += 8) {
        uint64_t word = test_random(&random);
        memcpy(text + i, &word, 8);
    }
}

static weir_status make(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)step;
    (void)error;
    *state = ctx;
    return WEIR_OK;
}

static void end(void *state)
{
    (void)state;
}

/* An epoch each 100,000 rows. */
static void send(weir_step *step, void *state)
{
    job *j = state;
    char text[TEXT];
    while (j->sent < j->most && !(j->full = weir_step_full(step))) {
        if (weir_step_spent(step)) {
            weir_step_again(step);
            return;
        }
        weir_time time = weir_time_1(j->sent / 100000);
        weir_cap_downgrade(step, 0, &time);
        weir_out(row) out = { weir_step_output(step, 0, &time) };
        for (int i = 0; i < 100 && j->sent < j->most; i++, j->sent++) {
            text_of(j->sent, text);
            row_emit(out, (row){ j->sent, weir_builder_str(out.builder, text, TEXT) });
        }
    }
    if (j->sent == j->most)
        weir_step_finish(step);
}

static void note_disk(const weir_trace_shown *shown, void *ctx)
{
    ((job *)ctx)->disk_bytes += shown->disk_bytes;
}

static void read_all(job *j)
{
    char text[TEXT];
    weir_trace_runs *runs = weir_trace_reader_list(j->reader);
    weir_cursor *c = weir_cursor_create(runs->runs, runs->count);
    while (weir_cursor_next_key(c))
        while (weir_cursor_next_value(c)) {
            const row *r = weir_cursor_record(c);
            text_of(r->id, text);
            if (r->text.len == TEXT && memcmp(weir_str_data(&r->text), text, TEXT) == 0)
                j->sum += r->id + 1;
            j->read++;
        }
    weir_cursor_destroy(c);
    weir_trace_runs_release(runs);
}

static void cut_all(const char *dir)
{
    DIR *all = opendir(dir);
    for (const struct dirent *entry; (entry = readdir(all));) {
        int file = strstr(entry->d_name, ".run") ? openat(dirfd(all), entry->d_name, O_RDWR) : -1;
        if (file >= 0 && ftruncate(file, 1))
            _exit(3);
        (void)close(file);
    }
    closedir(all);
}

static void keep(weir_step *step, void *state)
{
    job *j = state;
    if (!j->reader)
        j->reader = weir_trace_reader_open(weir_arrangement_trace(j->rows, step),
                                           &(weir_trace_reader_spec){ .owner = "keep" });
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        for (size_t i = 0; i < batch->count; i++) {
            const weir_run_ref *ref = weir_batch_record(batch, i);
            weir_trace_reader_deliver(j->reader, ref->number);
        }
    if (weir_trace_work(weir_trace_reader_trace(j->reader), 4096)) {
        weir_step_again(step);
    } else if (weir_frontier_is_empty(weir_step_frontier(step, 0)) && !j->checked) {
        j->checked = true;
        weir_traces_each(weir_runtime_traces(weir_step_runtime(step)), note_disk, j);
        read_all(j);
        if (j->cut) {
            cut_all(j->cut);
            read_all(j);
        }
    }
}

static weir_status keep_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    job *j = ctx;
    j->reader = weir_trace_reader_open(weir_arrangement_trace(j->rows, step),
                                       &(weir_trace_reader_spec){ .owner = "keep" });
    return make(step, ctx, state, error);
}

static void keep_end(void *state)
{
    weir_trace_reader_close(((job *)state)->reader);
}

static void build(weir_graph *g, void *ctx)
{
    job *j = ctx;
    weir_node_output output = { .type = row_type() };
    weir_node *source = weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "send", .output_count = 1,
        .outputs = &output, .initial_capabilities = true, .ctx = j, .init = make, .step = send,
        .fini = end }, NULL);
    weir_port *rows = weir_port_as_collection(weir_node_output_port(source, 0));
    weir_arrange_spec by = { .struct_size = sizeof by, .key = { .count = 1 } };
    j->rows = weir_arrange_erased(rows, &by);
    weir_port *runs = weir_arrangement_port(j->rows);
    weir_node_input input = { .type = weir_run_ref_type(), .interest = WEIR_ALWAYS };
    weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "keep", .input_count = 1,
        .inputs = &input, .ctx = j, .init = keep_init, .step = keep, .fini = keep_end }, &runs);
}

/* Takes nothing until as much is under way as may be. */
static void hold(weir_step *step, void *state)
{
    job *j = state;
    const weir_batch *batch;
    bool wait = !j->full && j->sent < j->most;
    while (!wait && (batch = weir_step_take(step, 0)))
        for (size_t i = 0; i < batch->count; i++, j->read++)
            j->sum += ((const row *)weir_batch_record(batch, i))->id + 1;
    j->full &= wait;
    if (weir_step_waiting(step, 0) > 0)
        weir_step_again(step);
}

static void build_held(weir_graph *g, void *ctx)
{
    weir_node_output output = { .type = row_type() };
    weir_node *source = weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "send", .output_count = 1,
        .outputs = &output, .initial_capabilities = true, .ctx = ctx, .init = make, .step = send,
        .fini = end }, NULL);
    weir_port *rows = weir_node_output_port(source, 0);
    weir_node_input input = { .type = row_type() };
    weir_node_add(g, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "hold", .input_count = 1,
        .inputs = &input, .ctx = ctx, .init = make, .step = hold, .fini = end }, &rows);
}

/* With little memory. The status that the process ends with, or 128 and the signal. */
static int run_limited(int (*run)(job *, const char *), const char *state_dir)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        job j = { .most = MADE };
        struct rlimit limit = { LIMIT, LIMIT };
        if (LIMITED && setrlimit(RLIMIT_DATA, &limit))
            _exit(3);
        _exit(run(&j, state_dir));
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool has_all(const job *j)
{
    return j->read == MADE && j->sum == (uint64_t)MADE * (MADE + 1) / 2;
}

static int arranged(job *j, const char *state_dir)
{
    weir_error error = { .status = WEIR_OK };
    weir_config config = { .struct_size = sizeof config, .budget_bytes = 4 << 20,
                           .state_dir = state_dir, .flight = WEIR_FLIGHT_OFF };
    if (weir_run(&config, build, j, &error) != WEIR_OK) {
        (void)fprintf(stderr, "%s\n", error.what);
        return 1;
    }
    bool on_disk = j->disk_bytes > (uint64_t)MADE * TEXT * 9 / 10;
    (void)fprintf(stderr, "%llu rows, %llu bytes on disk\n", (unsigned long long)j->read,
                  (unsigned long long)j->disk_bytes);
    return has_all(j) && on_disk ? 0 : 2;
}

static int held(job *j, const char *state_dir)
{
    weir_error error = { .status = WEIR_OK };
    weir_config config = { .struct_size = sizeof config, .state_dir = state_dir,
                           .flight = WEIR_FLIGHT_OFF };
    if (weir_run(&config, build_held, j, &error) != WEIR_OK)
        (void)fprintf(stderr, "%s\n", error.what);
    return has_all(j) ? 0 : 2;
}

START_TEST(more_state_than_memory)
{
    char dir[] = "/tmp/weir-state-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(run_limited(arranged, dir), 0);
    ck_assert_int_eq(rmdir(dir), 0); /* nothing is left in it */
}
END_TEST

/* The default is 256 MiB, which would be used up here, but less where there is less memory. */
START_TEST(with_the_default_budget)
{
    ck_assert_int_eq(run_limited(held, NULL), 0);
}
END_TEST

START_TEST(memory_alone_does_not_do)
{
    int status = run_limited(arranged, NULL);
    if (LIMITED)
        ck_assert_msg(status == 1 || status >= 128, "it ended with %d", status);
    else
        ck_assert_int_eq(status, 2); /* all is there, and nothing on disk */
}
END_TEST

/* A file that was read and checked, and is short afterwards, ends a program of weir_main with its
 * name. */
START_TEST(a_file_that_becomes_shorter_is_named)
{
    char dir[] = "/tmp/weir-state-XXXXXX", text[4096];
    int ends[2], status;
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        char *words[] = { (char *)"disk", (char *)"--state", dir, (char *)"--workers", (char *)"1",
                          (char *)"--http", (char *)"off", (char *)"--flight", (char *)"off",
                          NULL };
        job j = { .most = 100000, .cut = dir };
        (void)alarm(240); /* then it hangs */
        dup2(ends[1], STDERR_FILENO);
        _exit(weir_main(9, words, build, &j) + 10); /* not where it should end */
    }
    close(ends[1]);
    test_read_all(ends[0], text, sizeof text);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 1, "status %d: %s", status, text);
    ck_assert_ptr_nonnull(strstr(text, dir));
    ck_assert_ptr_nonnull(strstr(text, ".run cannot be read any more"));
    char command[100];
    (void)snprintf(command, sizeof command, "rm -r %s", dir);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

/* ---- views ---- */

enum { SHOWN = 5000 };

static void build_view(weir_graph *g, void *ctx)
{
    row *rows = ctx;
    weir_stream(row) all = weir_as_collection(weir_to_stream(g, row, rows, SHOWN));
    weir_view(all, "rows", WEIR_KEY(row, id));
}

static bool count_row(const weir_view_row *shown, void *ctx)
{
    const row *r = shown->record;
    uint64_t *sum = ctx;
    *sum += r->text.len == 40 ? r->id + 1 : 0;
    return true;
}

static unsigned files_in(const char *dir)
{
    unsigned files = 0;
    DIR *all = opendir(dir);
    for (const struct dirent *entry; (entry = readdir(all));)
        files += strstr(entry->d_name, ".run") != NULL;
    closedir(all);
    return files;
}

START_TEST(views_lie_there_too)
{
    static row rows[SHOWN];
    static char texts[SHOWN][41];
    char dir[] = "/tmp/weir-state-XXXXXX";
    weir_error error;
    ck_assert_ptr_nonnull(mkdtemp(dir));
    for (uint64_t i = 0; i < SHOWN; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "%040llu", (unsigned long long)i);
        rows[i] = (row){ i, weir_str_of(texts[i]) };
    }
    weir_config config = { .struct_size = sizeof config, .workers = 2, .state_dir = dir,
                           .segment_bytes = 1000, .flight = WEIR_FLIGHT_OFF };
    weir_runtime *runtime = weir_runtime_create(&config, &error);
    ck_assert_ptr_nonnull(runtime);
    ck_assert_ptr_null(weir_runtime_create(&config, &error));
    ck_assert_ptr_nonnull(strstr(error.what, "another process has it"));
    ck_assert_int_eq(weir_runtime_build(runtime, "rows", build_view, rows, &error), WEIR_OK);
    ck_assert_int_eq(weir_runtime_start(runtime, &error), WEIR_OK);
    ck_assert_int_eq(weir_runtime_wait(runtime, &error), WEIR_OK);
    ck_assert_uint_gt(files_in(dir), 1);
    weir_view *view = weir_views_find(weir_runtime_views(runtime), "rows");
    weir_view_reader *reader;
    weir_view_place place = { 0 };
    uint64_t sum = 0;
    ck_assert_int_eq(weir_view_reader_open(view, "test", &reader, &error), WEIR_OK);
    ck_assert_int_eq(weir_view_reader_scan(reader, &place, 0, count_row, &sum), WEIR_OK);
    ck_assert_uint_eq(sum, (uint64_t)SHOWN * (SHOWN + 1) / 2);
    weir_view_reader_close(reader);
    weir_view_release(view);
    weir_runtime_destroy(runtime);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { more_state_than_memory, with_the_default_budget,
                                   memory_alone_does_not_do, a_file_that_becomes_shorter_is_named,
                                   views_lie_there_too, NULL };
    return test_run(test_suite("disk", tests));
}
