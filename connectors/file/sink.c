/* SPDX-License-Identifier: Apache-2.0
 *
 * A sink that writes lines. Each worker appends whole lines by one write a step or so; the kernel
 * keeps writes to one file apart.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <weir/codec.h>
#include <weir/connectors/file.h>
#include <weir/memory.h>
#include <weir/node.h>
#include <weir/value.h>

#include "file/uses.h"

enum { WRITE_BYTES = 64 << 10 };

typedef struct sink {
    const weir_type *type;
    const char *path;
    weir_codec codec;
    bool changes; /* a collection: time and diff are told */
    bool append;
    pthread_mutex_t lock; /* of emptied */
    bool emptied;
} sink;

typedef struct state {
    sink *sink;
    int fd;
    weir_bytes_out out;
} state;

static int open_sink(sink *k)
{
    if (strcmp(k->path, "-") == 0)
        return fcntl(1, F_DUPFD_CLOEXEC, 3);
    /* the first worker empties it; the others come after that */
    (void)pthread_mutex_lock(&k->lock);
    int empty = k->append || k->emptied ? 0 : O_TRUNC;
    int fd = open(k->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | empty, 0666);
    k->emptied |= fd >= 0;
    (void)pthread_mutex_unlock(&k->lock);
    return fd;
}

static weir_status init(weir_step *step, void *ctx, void **made, weir_error *error)
{
    (void)step;
    state *s = weir_alloc_zero(sizeof *s);
    if (!s)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a sink of lines");
    s->sink = ctx;
    s->fd = open_sink(s->sink);
    if (s->fd < 0) {
        weir_error_set(error, WEIR_IO, "'%.200s' cannot be opened: %s", s->sink->path,
                       strerror(errno));
        weir_error_hint(error, "name a file that can be made and written");
        weir_free(s, sizeof *s);
        return WEIR_IO;
    }
    *made = s;
    return WEIR_OK;
}

static void fini(void *made)
{
    state *s = made;
    (void)close(s->fd);
    weir_bytes_out_fini(&s->out);
    weir_free(s, sizeof *s);
}

/* Everything, or the run fails. */
static bool write_out(weir_step *step, state *s)
{
    size_t done = 0;
    while (done < s->out.len) {
        ssize_t wrote = write(s->fd, s->out.data + done, s->out.len - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0) {
            weir_step_fail(step, WEIR_IO, "'%.200s' cannot be written: %s", s->sink->path,
                           strerror(errno));
            return false;
        }
        done += (size_t)wrote;
    }
    s->out.len = 0;
    return true;
}

/* ,"time":7,"diff":-1 in front of the brace that closes the object. */
static weir_status add_change(weir_bytes_out *out, uint64_t time, int64_t diff)
{
    char number[WEIR_INTEGER_TEXT];
    bool first = out->data[out->len - 2] == '{'; /* of its members */
    out->len--;
    weir_status status = weir_bytes_out_add(out, &",\"time\":"[first], 8 - first);
    if (status == WEIR_OK)
        status = weir_bytes_out_add(out, number, weir_u64_text(time, number));
    if (status == WEIR_OK)
        status = weir_bytes_out_add(out, ",\"diff\":", 8);
    if (status == WEIR_OK)
        status = weir_bytes_out_add(out, number, weir_i64_text(diff, number));
    return status == WEIR_OK ? weir_bytes_out_add(out, "}", 1) : status;
}

static bool write_record(weir_step *step, state *s, const weir_batch *batch, size_t i)
{
    const sink *k = s->sink;
    weir_encode_options options = { .struct_size = sizeof options,
                                    .codec = k->codec,
                                    .replace = true };
    weir_error error = { .status = WEIR_OK };
    weir_status status =
        weir_encode(k->type, &options, weir_batch_record(batch, i), &s->out, &error);
    if (status == WEIR_OK && k->changes)
        status = add_change(&s->out, weir_batch_time(batch, i).at[0], weir_batch_diff(batch, i));
    if (status == WEIR_OK)
        status = weir_bytes_out_add(&s->out, "\n", 1);
    if (status != WEIR_OK)
        weir_step_fail(step, status, "a record cannot be written: %s",
                       error.what[0] ? error.what : weir_status_text(status));
    return status == WEIR_OK;
}

static void step_sink(weir_step *step, void *made)
{
    state *s = made;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));)
        for (size_t i = 0; i < batch->count; i++) {
            if (!write_record(step, s, batch, i))
                return;
            if (s->out.len >= WRITE_BYTES && !write_out(step, s))
                return;
        }
    (void)write_out(step, s);
}

/* ---- building ---- */

static void end_sink(void *ctx)
{
    sink *k = ctx;
    (void)pthread_mutex_destroy(&k->lock);
}

static bool choose_codec(weir_graph *graph, sink *k, const char *format, const char *where)
{
    weir_error error = { .status = WEIR_OK };
    weir_encode_options options = { .struct_size = sizeof options };
    if (!format)
        k->codec = k->changes ? WEIR_CODEC_JSON : WEIR_CODEC_DEFAULT;
    else if (strcmp(format, "json") == 0)
        k->codec = WEIR_CODEC_JSON;
    else if (strcmp(format, "raw") == 0)
        k->codec = WEIR_CODEC_RAW;
    else {
        weir_graph_fail(graph, WEIR_INVALID, where, "take \"raw\" or \"json\"",
                        "a file cannot be written as '%.80s'", format);
        return false;
    }
    if (k->changes && k->codec == WEIR_CODEC_RAW) {
        weir_graph_fail(graph, WEIR_INVALID, where, "write it as \"json\"",
                        "the changes of a collection have no raw form");
        return false;
    }
    options.codec = k->codec;
    if (weir_encode_check(k->type, &options, &error) != WEIR_OK) {
        weir_graph_fail(graph, error.status, where, error.hint[0] ? error.hint : NULL, "%s",
                        error.what);
        return false;
    }
    return true;
}

void weir_file_sink_add(weir_port *port, const weir_file_sink_options *options)
{
    if (!port)
        return;
    weir_graph *graph = weir_port_graph(port);
    const char *where = options->name ? options->name : "file_sink";
    sink *k = weir_graph_alloc(graph, sizeof *k);
    k->type = weir_port_type(port);
    k->changes = weir_port_is_collection(port);
    k->append = options->append;
    if (!options->path) {
        weir_graph_fail(graph, WEIR_INVALID, where, "name one in .path, \"-\" for standard output",
                        "there is no file to write");
        return;
    }
    if (!choose_codec(graph, k, options->format, where))
        return;
    if (strcmp(options->path, "-") != 0 &&
        !weir__file_used(graph, options->path, WEIR__FILE_WRITTEN, where))
        return;
    k->path = weir_graph_text(graph, options->path);
    (void)pthread_mutex_init(&k->lock, NULL);
    weir_graph_at_end(graph, end_sink, k);
    weir_node_input input = { .type = k->type, .takes_diffs = true, .settles = true };
    weir_node_spec spec = { .struct_size = sizeof spec,
                            .kind = "file_sink",
                            .name = options->name,
                            .input_count = 1,
                            .inputs = &input,
                            .ctx = k,
                            .init = init,
                            .step = step_sink,
                            .fini = fini };
    (void)weir_node_add(graph, &spec, &port);
}
