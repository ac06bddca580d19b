/* SPDX-License-Identifier: Apache-2.0
 *
 * Captured events into files, and out of them: the two nodes. What such a file is made of is in
 * event_file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weir/connectors/file.h>
#include <weir/memory.h>
#include <weir/node.h>

#include "file/event_file.h"
#include "file/uses.h"

enum { WRITE_BYTES = 64 << 10, PATH_BYTES = 4096 };

typedef struct description {
    const char *path;
} description;

static const char *path_of(const description *d, unsigned part, char path[PATH_BYTES])
{
    (void)snprintf(path, PATH_BYTES, "%s.%u", d->path, part);
    return path;
}

/* ---- writing ---- */

typedef struct sink {
    const description *d;
    unsigned worker;
    int fd;
    weir_bytes_out out;
} sink;

/* Parts of an earlier capture by more workers would be taken for parts of this one. */
static void remove_further(const description *d, unsigned workers)
{
    char path[PATH_BYTES];
    while (unlink(path_of(d, workers, path)) == 0)
        workers++;
}

static weir_status sink_init(weir_step *step, void *ctx, void **made, weir_error *error)
{
    char path[PATH_BYTES];
    sink *s = weir_alloc_zero(sizeof *s);
    if (!s)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a sink of events");
    s->d = ctx;
    s->worker = weir_step_worker(step);
    s->fd = open(path_of(s->d, s->worker, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (s->fd < 0 || weir__event_file_begin(&s->out) != WEIR_OK) {
        weir_error_set(error, WEIR_IO, "'%.300s' cannot be written: %s", path, strerror(errno));
        weir_error_hint(error, "name a file that can be made and written");
        if (s->fd >= 0)
            (void)close(s->fd);
        weir_free(s, sizeof *s);
        return WEIR_IO;
    }
    if (s->worker == 0)
        remove_further(s->d, weir_step_workers(step));
    *made = s;
    return WEIR_OK;
}

static void sink_fini(void *made)
{
    sink *s = made;
    (void)close(s->fd);
    weir_bytes_out_fini(&s->out);
    weir_free(s, sizeof *s);
}

static bool write_out(weir_step *step, sink *s)
{
    char path[PATH_BYTES];
    for (size_t done = 0; done < s->out.len;) {
        ssize_t wrote = write(s->fd, s->out.data + done, s->out.len - done);
        if (wrote < 0 && errno != EINTR) {
            weir_step_fail(step, WEIR_IO, "'%.300s' cannot be written: %s",
                           path_of(s->d, s->worker, path), strerror(errno));
            return false;
        }
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    s->out.len = 0;
    return true;
}

static void sink_step(weir_step *step, void *made)
{
    sink *s = made;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        for (size_t i = 0; i < batch->count; i++) {
            if (weir__event_file_put(&s->out, weir_batch_record(batch, i)) != WEIR_OK) {
                weir_step_fail(step, WEIR_NO_MEMORY, "no memory to write events");
                return;
            }
            if (s->out.len >= WRITE_BYTES && !write_out(step, s))
                return;
        }
    (void)write_out(step, s);
}

/* Whether its files may be used so: those that are there, and the first one. */
static bool may_use(weir_graph *graph, const description *d, weir__file_use use, const char *where)
{
    char path[PATH_BYTES];
    unsigned part = 0;
    do {
        if (!weir__file_used(graph, path_of(d, part, path), use, where))
            return false;
    } while (access(path_of(d, ++part, path), F_OK) == 0);
    return true;
}

static description *describe(weir_graph *graph, const weir_file_event_options *options,
                             weir__file_use use, const char *where)
{
    if (!options->path || !*options->path || strlen(options->path) > PATH_BYTES - 16) {
        weir_graph_fail(graph, WEIR_INVALID, where, "name it in .path",
                        "there is no file of events to write or read");
        return NULL;
    }
    description *d = weir_graph_alloc(graph, sizeof *d);
    d->path = weir_graph_text(graph, options->path);
    return may_use(graph, d, use, where) ? d : NULL;
}

void weir_file_event_sink_add(weir_port *events, const weir_file_event_options *options)
{
    const char *where = options->name ? options->name : "file_event_sink";
    description *d =
        events ? describe(weir_port_graph(events), options, WEIR__FILE_WRITTEN, where) : NULL;
    if (!d)
        return;
    weir_node_input input = { .type = weir_captured_event_type(), .settles = true };
    (void)weir_node_add(weir_port_graph(events), &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "file_event_sink", .name = options->name,
        .input_count = 1, .inputs = &input, .ctx = d, .init = sink_init, .step = sink_step,
        .fini = sink_fini }, &events);
}

/* ---- reading ---- */

typedef struct source {
    const description *d;
    unsigned part; /* the file that is read, or the next one */
    weir__event_reader reader;
} source;

static weir_status source_init(weir_step *step, void *ctx, void **made, weir_error *error)
{
    source *s = weir_alloc_zero(sizeof *s);
    if (!s)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a source of events");
    *s = (source){ .d = ctx, .part = weir_step_worker(step), .reader = { .fd = -1 } };
    *made = s;
    return WEIR_OK;
}

static void source_close(source *s)
{
    if (s->reader.fd >= 0)
        (void)close(s->reader.fd);
    s->reader.fd = -1;
}

static void source_fini(void *made)
{
    source *s = made;
    source_close(s);
    weir__event_reader_fini(&s->reader);
    weir_free(s, sizeof *s);
}

static void failed(weir_step *step, const source *s, weir_status status)
{
    char path[PATH_BYTES];
    weir_step_fail(step, status, "'%.300s' %s at offset %llu: %s", path_of(s->d, s->part, path),
                   status == WEIR_BAD_DATA ? "is damaged" : "cannot be read",
                   (unsigned long long)s->reader.at, s->reader.why);
}

/* Opens this worker's next file. False: there is none, or the step has failed. */
static bool open_next(weir_step *step, source *s)
{
    char path[PATH_BYTES];
    int fd = open(path_of(s->d, s->part, path), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (errno != ENOENT || s->part == 0)
            weir_step_fail(step, errno == ENOENT ? WEIR_NOT_FOUND : WEIR_IO,
                           "'%.300s' cannot be read: %s", path, strerror(errno));
        return false;
    }
    weir_status status = weir__event_reader_open(&s->reader, fd);
    if (status != WEIR_OK)
        failed(step, s, status);
    return status == WEIR_OK;
}

/* Emits the next event of the open file. Else: its end, or the step has failed. */
static weir_status read_event(weir_step *step, source *s)
{
    weir_captured_event e;
    weir_status status = weir__event_reader_next(&s->reader, &e);
    if (status == WEIR_OK) {
        weir_time start = { { 0 } };
        weir_out(weir_captured_event) out = { weir_step_output(step, 0, &start) };
        e.payload = weir_str_copy(out, e.payload);
        weir_captured_event_emit(out, e);
    } else if (status != WEIR_CLOSED) {
        failed(step, s, status);
    }
    return status;
}

static void source_step(weir_step *step, void *made)
{
    source *s = made;
    while (!weir_step_ending(step)) {
        if (weir_step_full(step))
            return; /* called again when there is room */
        if (weir_step_spent(step)) {
            weir_step_again(step);
            return;
        }
        if (s->reader.fd < 0 && !open_next(step, s)) {
            weir_step_finish(step);
            return;
        }
        weir_status status = read_event(step, s);
        if (status == WEIR_CLOSED) {
            source_close(s);
            s->part += weir_step_workers(step);
        } else if (status != WEIR_OK) {
            return;
        }
    }
}

weir_port *weir_file_event_source_add(weir_graph *graph, const weir_file_event_options *options)
{
    const char *where = options->name ? options->name : "file_event_source";
    description *d =
        weir_graph_failed(graph) ? NULL : describe(graph, options, WEIR__FILE_READ, where);
    if (!d)
        return NULL;
    weir_node_output output = { .type = weir_captured_event_type() };
    weir_node *node = weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "file_event_source",
        .name = options->name, .output_count = 1, .outputs = &output,
        .initial_capabilities = true, .at_start = true, .deterministic = true,
        .state_kind = WEIR_STATE_PER_PARTITION, .ctx = d, .init = source_init,
        .step = source_step, .fini = source_fini }, NULL);
    return weir_node_output_port(node, 0);
}
