/* SPDX-License-Identifier: Apache-2.0
 *
 * Files in, files out, on several workers; and every way in which a file can refuse.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include <weir/connectors/file.h>
#include <weir/connectors/generator.h>
#include <weir/weir.h>

#include "e2e/shell.h"

#define LINE(F) F(str, text)
WEIR_RECORD(line, LINE)
#define BLOB(F) F(opt_bytes, data)
WEIR_RECORD(blob, BLOB)
#define SQUARE(F) F(u64, root) F(u64, area)
WEIR_RECORD(square, SQUARE)

typedef struct job {
    const char *const *paths;
    const char *to, *format;
    bool append, changes;
    size_t line_bytes_max;
    uint64_t count;
    double rate;
} job;

static weir_error error;
static const unsigned worker_counts[] = { 1, 2, 3, 8 };

static weir_status run(unsigned workers, weir_build_fn *build, job *j)
{
    weir_config config = { .struct_size = sizeof config, .workers = workers };
    error = (weir_error){ .status = WEIR_OK };
    return weir_run(&config, build, j, &error);
}

static void copy(weir_graph *g, void *ctx)
{
    const job *j = ctx;
    weir_stream(line) lines =
        weir_file_source(g, line, .paths = j->paths, .line_bytes_max = j->line_bytes_max);
    if (j->changes)
        lines.port = weir_port_as_collection(lines.port);
    weir_file_sink(lines, .path = j->to, .append = j->append, .format = j->format);
}

static void copy_blobs(weir_graph *g, void *ctx)
{
    const job *j = ctx;
    weir_stream(blob) blobs = weir_file_source(g, blob, .paths = j->paths);
    weir_file_sink(blobs, .path = j->to, .format = "raw");
}

START_TEST(every_line_arrives_once)
{
    /* empty lines, long lines, no newline at the end, bytes that are no UTF-8, a 0 */
    ck_assert_int_eq(shell("seq 1 50000 > a; cat /usr/share/common-licenses/GPL-3 > b; : > empty; "
                           "printf 'x\\n\\n\\n\\377\\376\\0z\\nno end' > c; "
                           "head -c 1048576 /dev/zero | tr '\\0' w > d; "
                           "(cat a b c; echo; cat d; echo) | LC_ALL=C sort > expected"),
                     0);
    const char *paths[] = { "a", "b", "empty", "c", "d", NULL };
    for (size_t i = 0; i < 4; i++) {
        job j = { .paths = paths, .to = "out" };
        ck_assert_msg(run(worker_counts[i], copy, &j) == WEIR_OK, "%s", error.what);
        ck_assert_int_eq(shell("LC_ALL=C sort out | cmp - expected"), 0);
        ck_assert_msg(run(worker_counts[i], copy_blobs, &j) == WEIR_OK, "%s", error.what);
        ck_assert_int_eq(shell("LC_ALL=C sort out | cmp - expected"), 0);
    }
}
END_TEST

START_TEST(a_file_is_emptied_or_appended_to)
{
    const char *paths[] = { "in", NULL };
    job j = { .paths = paths, .to = "out" };
    ck_assert_int_eq(shell("seq 1 5 > in; echo old > out"), 0);
    ck_assert_int_eq(run(3, copy, &j), WEIR_OK);
    ck_assert_int_eq(shell("sort out | cmp - in"), 0);
    j.append = true;
    ck_assert_int_eq(run(1, copy, &j), WEIR_OK);
    ck_assert_int_eq(shell("test $(wc -l < out) = 10"), 0);
}
END_TEST

START_TEST(json_lines_say_all_fields)
{
    const char *paths[] = { "in", NULL };
    job j = { .paths = paths, .to = "out", .format = "json" };
    ck_assert_int_eq(shell("printf 'a\"b\\n\\377\\n' > in"), 0);
    ck_assert_int_eq(run(1, copy, &j), WEIR_OK);
    ck_assert_str_eq(file_text("out"), "{\"text\":\"a\\\"b\"}\n{\"text\":\"\xef\xbf\xbd\"}\n");
    j.changes = true;
    j.format = NULL;
    ck_assert_int_eq(run(1, copy, &j), WEIR_OK);
    ck_assert_int_eq(shell("grep -qE '^\\{\"text\":\"a..b\",\"time\":[0-9]+,\"diff\":1\\}$' out"),
                     0);
}
END_TEST

START_TEST(long_lines_are_left_out)
{
    const char *paths[] = { "in", NULL };
    job j = { .paths = paths, .to = "out", .line_bytes_max = 5 };
    ck_assert_int_eq(shell("printf '12345\\n123456\\n1\\n1234567' > in"), 0);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(run(worker_counts[i], copy, &j), WEIR_OK);
        ck_assert_int_eq(shell("sort out | tr '\\n' , | grep -qx '1,12345,'"), 0);
    }
}
END_TEST

static void *write_pipe(void *ctx)
{
    (void)ctx;
    ck_assert_int_eq(shell("(seq 1 30000; printf 'last') > pipe"), 0);
    return NULL;
}

START_TEST(a_pipe_is_read_until_it_ends)
{
    const char *paths[] = { "pipe", "/dev/null", "in", NULL };
    ck_assert_int_eq(mkfifo("pipe", 0600), 0);
    ck_assert_int_eq(shell("seq 7 9 > in; (seq 1 30000; echo last; seq 7 9) | sort > expected"), 0);
    for (size_t i = 0; i < 4; i++) {
        pthread_t thread;
        job j = { .paths = paths, .to = "out" };
        ck_assert_int_eq(pthread_create(&thread, NULL, write_pipe, NULL), 0);
        ck_assert_msg(run(worker_counts[i], copy, &j) == WEIR_OK, "%s", error.what);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert_int_eq(shell("sort out | cmp - expected"), 0);
    }
}
END_TEST

START_TEST(the_standard_streams_are_files_too)
{
    const char *paths[] = { "-", NULL };
    int pipe_fds[2], in = dup(0), out = dup(1);
    job j = { .paths = paths, .to = "-" };
    (void)fflush(stdout);
    ck_assert_int_eq(pipe(pipe_fds), 0);
    ck_assert_int_eq(write(pipe_fds[1], "one\ntwo\n", 8), 8);
    (void)close(pipe_fds[1]);
    (void)dup2(pipe_fds[0], 0);
    int file = open("out", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    (void)dup2(file, 1);
    weir_status status = run(2, copy, &j);
    (void)dup2(in, 0);
    (void)dup2(out, 1);
    ck_assert_int_eq(status, WEIR_OK);
    ck_assert_str_eq(file_text("out"), "one\ntwo\n");
    const int done[] = { pipe_fds[0], file, in, out };
    for (size_t i = 0; i < 4; i++)
        (void)close(done[i]);
}
END_TEST

static void copy_squares(weir_graph *g, void *ctx)
{
    const job *j = ctx;
    weir_stream(square) s = weir_file_source(g, square, .paths = j->paths);
    weir_file_sink(s, .path = "never");
}

static void write_then_read(weir_graph *g, void *ctx)
{
    const job *j = ctx;
    const char *other[] = { "other", NULL };
    weir_file_sink(weir_file_source(g, line, .paths = other), .path = j->to);
    (void)weir_file_source(g, line, .paths = j->paths);
}

/* What is read would be emptied. */
START_TEST(no_file_is_read_and_written)
{
    const char *in[] = { "other", "in", NULL };
    static const char *const written[] = { "in", "link", "./in" };
    ck_assert_int_eq(shell("rm -f link; echo x > in && echo y > other && ln -s in link"), 0);
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        job j = { .paths = in, .to = written[i] };
        ck_assert_int_eq(run(2, write_then_read, &j), WEIR_INVALID);
        ck_assert_str_eq(error.what, "'in' is written here, too");
        ck_assert_str_eq(error.hint, "read another file");
        ck_assert_int_eq(shell("echo x | cmp - in"), 0);
    }
    job j = { .paths = in, .to = "/dev/null" }; /* others may be both */
    ck_assert_int_eq(run(2, write_then_read, &j), WEIR_OK);
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
    const char *in[] = { "in", NULL }, *gone[] = { "gone", NULL }, *none[] = { NULL };
    const char *directory[] = { "/tmp", NULL };
    ck_assert_int_eq(shell("echo x > in && ln -sf in link"), 0);
    const struct {
        job j;
        weir_status status;
        const char *what;
    } refused[] = {
        { { .paths = gone, .to = "out" }, WEIR_NOT_FOUND, "'gone': No such file" },
        { { .paths = none, .to = "out" }, WEIR_INVALID, "there is no file to read" },
        { { .paths = NULL, .to = "out" }, WEIR_INVALID, "there is no file to read" },
        { { .paths = directory, .to = "out" }, WEIR_INVALID, "is a directory" },
        { { .paths = in, .to = NULL }, WEIR_INVALID, "there is no file to write" },
        { { .paths = in, .to = "no/where" }, WEIR_IO, "'no/where' cannot be opened" },
        { { .paths = in, .to = "/dev/full" }, WEIR_IO, "No space left on device" },
        { { .paths = in, .to = "in" }, WEIR_INVALID, "'in' is read here, too" },
        { { .paths = in, .to = "link" }, WEIR_INVALID, "'link' is read here, too" },
        { { .paths = in, .to = "link", .append = true }, WEIR_INVALID, "is read here, too" },
        { { .paths = in, .to = "out", .format = "xml" }, WEIR_INVALID, "as 'xml'" },
        { { .paths = in, .to = "out", .format = "raw", .changes = true },
          WEIR_INVALID,
          "no raw form" },
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        job j = refused[i].j;
        weir_status status = run(2, copy, &j);
        ck_assert_msg(status == refused[i].status && strstr(error.what, refused[i].what),
                      "%zu: %s, %s", i, weir_status_name(status), error.what);
    }
    ck_assert_int_eq(shell("echo x | cmp - in"), 0); /* it was not emptied */
    job j = { .paths = in };
    ck_assert_int_eq(run(1, copy_squares, &j), WEIR_TYPE_MISMATCH);
}
END_TEST

/* ---- generators ---- */

static void square_of(uint64_t n, weir_out(square) out)
{
    square_emit(out, (square){ .root = n, .area = n * n });
}
WEIR_GENERATE(square_of, square)

static void squares(weir_graph *g, void *ctx)
{
    const job *j = ctx;
    weir_stream(square) s =
        weir_generator(g, square, square_of, .count = j->count, .rate = j->rate);
    weir_file_sink(s, .path = j->to, .format = j->format);
}

START_TEST(a_generator_counts_whatever_the_workers)
{
    ck_assert_int_eq(shell("for i in $(seq 0 4999); do echo \"{\\\"root\\\":$i,\\\"area\\\":"
                           "$((i * i))}\"; done | sort > expected"),
                     0);
    for (size_t i = 0; i < 4; i++) {
        job j = { .to = "out", .count = 5000 };
        ck_assert_msg(run(worker_counts[i], squares, &j) == WEIR_OK, "%s", error.what);
        ck_assert_int_eq(shell("sort out | cmp - expected"), 0);
        j = (job){ .to = "out", .count = 3, .rate = 1000 };
        ck_assert_int_eq(run(worker_counts[i], squares, &j), WEIR_OK);
        ck_assert_int_eq(shell("test $(wc -l < out) = 3"), 0);
    }
    job j = { .to = "out", .count = 1, .rate = -1 };
    ck_assert_int_eq(run(1, squares, &j), WEIR_INVALID);
    j = (job){ .to = "out", .count = 1, .format = "raw" };
    ck_assert_int_eq(run(1, squares, &j), WEIR_TYPE_MISMATCH);
}
END_TEST

int main(void)
{
    const TTest *tests[] = { every_line_arrives_once,
                             a_file_is_emptied_or_appended_to,
                             json_lines_say_all_fields,
                             long_lines_are_left_out,
                             a_pipe_is_read_until_it_ends,
                             the_standard_streams_are_files_too,
                             no_file_is_read_and_written,
                             what_cannot_be_is_refused,
                             a_generator_counts_whatever_the_workers,
                             NULL };
    folder_make();
    int status = test_run(test_suite("file", tests));
    folder_remove();
    return status;
}
