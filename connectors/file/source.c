/* SPDX-License-Identifier: Apache-2.0
 *
 * A source of lines. Regular files are read in parts of equal size, one a worker: a line belongs to
 * the part that its first byte lies in. Anything else is read by one worker when it is readable.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include <weir/connectors/file.h>
#include <weir/memory.h>
#include <weir/node.h>
#include <weir/observe.h>

#include "file/lines.h"
#include "file/uses.h"

enum { LINE_MAX_DEFAULT = 16 << 20, LINE_MAX_LIMIT = 1 << 30 };

/* One path, described once for all workers. */
typedef struct input {
    const char *path;
    bool regular;
    uint64_t size;
} input;

typedef struct source {
    input *inputs;
    size_t count, line_max;
    weir_field field;
} source;

/* Watches a descriptor that cannot be read yet. Lives until the loop has let go of it. */
typedef struct watch {
    uv_poll_t poll;
    weir_waker *waker;
    bool readable;
} watch;

typedef struct state {
    const source *source;
    size_t next;        /* input to open */
    const input *input; /* open, or NULL */
    int fd;
    uint64_t position; /* of the file: to be read */
    watch *watch;
    weir__lines lines;
    bool ended; /* the open input has no more bytes */
    weir_metric *skipped;
} state;

/* ---- opening and closing ---- */

static void free_watch(uv_handle_t *handle)
{
    weir_free(handle->data, sizeof(watch));
}

static void close_input(state *s)
{
    if (s->watch)
        uv_close((uv_handle_t *)&s->watch->poll, free_watch);
    s->watch = NULL;
    if (s->fd >= 0)
        (void)close(s->fd);
    s->fd = -1;
    s->input = NULL;
    weir__lines_fini(&s->lines);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    watch *w = poll->data;
    (void)status;
    (void)events;
    w->readable = true; /* an error, too, is told by read */
    (void)uv_poll_stop(poll);
    weir_wake(w->waker);
}

/* Reads what epoll cannot watch (/dev/null) without waiting for it. */
static void start_watch(weir_step *step, state *s)
{
    struct uv_loop_s *loop = weir_step_loop(step);
    watch *w = loop ? weir_alloc_zero(sizeof *w) : NULL;
    if (!w)
        return;
    w->waker = weir_step_waker(step);
    w->poll.data = w;
    if (uv_poll_init(loop, &w->poll, s->fd)) {
        weir_free(w, sizeof *w);
        return;
    }
    s->watch = w;
    (void)uv_poll_start(&w->poll, UV_READABLE, on_readable);
}

/* The standard input is opened anew, so that others that share it do not find it non-blocking. */
static int open_path(const input *in)
{
    int flags = O_RDONLY | O_CLOEXEC | (in->regular ? 0 : O_NONBLOCK);
    if (strcmp(in->path, "-") != 0)
        return open(in->path, flags);
    int fd = open("/dev/stdin", flags);
    return fd >= 0 ? fd : fcntl(0, F_DUPFD_CLOEXEC, 3);
}

static void fail(weir_step *step, const char *path, const char *what)
{
    weir_step_fail(step, WEIR_IO, "'%.200s' cannot be %s: %s", path, what, strerror(errno));
}

/* Where part w of n parts begins. */
static uint64_t part(uint64_t size, unsigned w, unsigned n)
{
    return size / n * w + size % n * w / n;
}

/* Opens the next input that has a part for this worker. False: there is none, or it failed. */
static bool open_next(weir_step *step, state *s)
{
    unsigned w = weir_step_worker(step), n = weir_step_workers(step);
    for (; s->next < s->source->count; s->next++) {
        const input *in = &s->source->inputs[s->next];
        uint64_t begin = part(in->size, w, n), end = part(in->size, w + 1, n);
        if (in->regular ? begin == end : s->next % n != w)
            continue;
        s->next++;
        s->fd = open_path(in);
        if (s->fd < 0) {
            fail(step, in->path, "opened");
            return false;
        }
        s->input = in;
        s->ended = false;
        s->lines.end = in->regular ? end : UINT64_MAX;
        /* the byte before the part tells whether a line begins with it */
        s->lines.skipping = in->regular && begin > 0;
        s->lines.base = s->position = s->lines.skipping ? begin - 1 : 0;
        if (!in->regular)
            start_watch(step, s);
        return true;
    }
    return false;
}

/* ---- reading ---- */

static void emit(weir_step *step, const state *s, const weir_time *now, const char *line,
                 size_t len)
{
    const weir_field *field = &s->source->field;
    weir_builder *out = weir_step_output(step, 0, now);
    weir_str text = weir_str_view(line, len);
    size_t size = out->type->size;
    char *record = weir_builder_next(out, size);
    memset(record, 0, size);
    memcpy(record + field->offset, &text, sizeof text);
    if (field->optional)
        record[field->set_offset] = 1;
    if (!weir_str_is_inline(&text))
        weir_builder_pin(out, &s->lines.block->pin);
}

/* Sends on what has been read. False: the budget of the step or of the dataflow is used up. */
static bool drain(weir_step *step, state *s)
{
    weir_time now = weir_step_epoch(step);
    const char *line;
    size_t len;
    while (weir__lines_next(&s->lines, &line, &len)) {
        emit(step, s, &now, line, len);
        if (weir_step_spent(step)) {
            weir_step_again(step);
            return false;
        }
    }
    if (s->ended && weir__lines_rest(&s->lines, &line, &len))
        emit(step, s, &now, line, len);
    return true;
}

static ssize_t read_into(state *s, char *room, size_t size)
{
    if (!s->input->regular)
        return read(s->fd, room, size);
    ssize_t got = pread(s->fd, room, size, (off_t)s->position);
    if (got > 0)
        s->position += (uint64_t)got;
    return got;
}

/* Reads once. False: there is nothing now, or it failed. */
static bool fill(weir_step *step, state *s)
{
    size_t size;
    char *room = weir__lines_room(&s->lines, &size);
    if (!room) {
        weir_step_fail(step, WEIR_NO_MEMORY, "no memory for a line of '%.200s'", s->input->path);
        return false;
    }
    if (s->watch && !s->watch->readable)
        return false;
    ssize_t got = read_into(s, room, size);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        if (s->watch) {
            s->watch->readable = false;
            (void)uv_poll_start(&s->watch->poll, UV_READABLE, on_readable);
        }
        return errno == EINTR;
    }
    if (got < 0) {
        fail(step, s->input->path, "read");
        return false;
    }
    s->ended = got == 0;
    weir__lines_fill(&s->lines, (size_t)got);
    return true;
}

static void tell_skipped(state *s)
{
    if (s->lines.skipped == 0)
        return;
    weir_metric_add(s->skipped, (int64_t)s->lines.skipped);
    weir_log(WEIR_LOG_WARN, "%llu lines of '%s' are longer than %zu bytes and were skipped",
             (unsigned long long)s->lines.skipped, s->input->path, s->lines.line_max);
}

static void step_source(weir_step *step, void *made)
{
    state *s = made;
    while (s->input || open_next(step, s)) {
        if (!drain(step, s))
            return;
        if (s->ended || weir__lines_over(&s->lines)) {
            tell_skipped(s);
            close_input(s);
            continue;
        }
        if (weir_step_full(step))
            return; /* called again when there is room */
        if (!fill(step, s))
            return;
    }
    if (s->next >= s->source->count)
        weir_step_finish(step);
}

static weir_status init(weir_step *step, void *ctx, void **made, weir_error *error)
{
    state *s = weir_alloc_zero(sizeof *s);
    if (!s)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a source of lines");
    s->source = ctx;
    s->fd = -1;
    s->lines.line_max = s->source->line_max;
    s->skipped =
        weir_step_metric(step, &(weir_metric_spec){ .name = "weir_file_lines_skipped_total",
                                                    .help = "Lines that were longer than allowed.",
                                                    .kind = WEIR_COUNTER });
    *made = s;
    return WEIR_OK;
}

static void fini(void *made)
{
    state *s = made;
    close_input(s);
    weir_free(s, sizeof *s);
}

/* ---- building ---- */

static bool describe(weir_graph *graph, input *in, const char *where)
{
    struct stat found;
    bool standard = strcmp(in->path, "-") == 0;
    if (standard ? fstat(0, &found) : stat(in->path, &found)) {
        weir_graph_fail(graph, errno == ENOENT ? WEIR_NOT_FOUND : WEIR_IO, where,
                        "name files that are there and may be read", "'%.200s': %s", in->path,
                        strerror(errno));
        return false;
    }
    if (S_ISDIR(found.st_mode)) {
        weir_graph_fail(graph, WEIR_INVALID, where, "name the files in it",
                        "'%.200s' is a directory", in->path);
        return false;
    }
    in->regular = S_ISREG(found.st_mode) && !standard;
    in->size = in->regular ? (uint64_t)found.st_size : 0;
    return standard || weir__file_used(graph, in->path, WEIR__FILE_READ, where);
}

static source *make_source(weir_graph *graph, const weir_type *type,
                           const weir_file_source_options *options, const char *where)
{
    const weir_field *field = type->fields;
    if (type->field_count != 1 ||
        (field->kind != WEIR_KIND_str && field->kind != WEIR_KIND_bytes)) {
        weir_graph_fail(graph, WEIR_TYPE_MISMATCH, where, "give it a record of one str or bytes",
                        "a line cannot be put into the record %s", type->name);
        return NULL;
    }
    if (!options->paths || !options->paths[0]) {
        weir_graph_fail(graph, WEIR_INVALID, where, "name one in .paths, \"-\" for standard input",
                        "there is no file to read");
        return NULL;
    }
    source *made = weir_graph_alloc(graph, sizeof *made);
    made->field = *field;
    made->line_max = options->line_bytes_max ? options->line_bytes_max : LINE_MAX_DEFAULT;
    if (made->line_max > LINE_MAX_LIMIT)
        made->line_max = LINE_MAX_LIMIT;
    while (options->paths[made->count])
        made->count++;
    made->inputs = weir_graph_alloc(graph, made->count * sizeof *made->inputs);
    for (size_t i = 0; i < made->count; i++) {
        made->inputs[i].path = weir_graph_text(graph, options->paths[i]);
        if (!describe(graph, &made->inputs[i], where))
            return NULL;
    }
    return made;
}

weir_port *weir_file_source_add(weir_graph *graph, const weir_type *type,
                                const weir_file_source_options *options)
{
    const char *where = options->name ? options->name : "file_source";
    source *made = weir_graph_failed(graph) ? NULL : make_source(graph, type, options, where);
    if (!made)
        return NULL;
    weir_node_output output = { .type = type };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = "file_source",
                            .name = options->name,
                            .output_count = 1,
                            .outputs = &output,
                            .follows_clock = true,
                            .state_kind = WEIR_STATE_PER_PARTITION,
                            .ctx = made,
                            .init = init,
                            .step = step_source,
                            .fini = fini };
    return weir_node_output_port(weir_node_add(graph, &spec, NULL), 0);
}
