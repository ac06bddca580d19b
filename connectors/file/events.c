/* SPDX-License-Identifier: Apache-2.0
 *
 * Captured events in files: a frame each, which is its size, the event's part, number and checksum,
 * all little-endian, then the payload. A file begins with eight bytes that say what it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/codec.h>
#include <weir/connectors/file.h>
#include <weir/memory.h>
#include <weir/node.h>
#include <weir/operators/replay.h>

enum { HEAD = 24, PAYLOAD_MAX = 1 << 30, WRITE_BYTES = 64 << 10, PATH_BYTES = 4096 };

static const char MAGIC[8] = { 'w', 'e', 'i', 'r', 'e', 'v', '0', '1' };

typedef struct description {
    const char *path;
} description;

static void put(char *to, uint64_t number, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (char)(number >> (8 * i));
}

static uint64_t get(const char *from, unsigned bytes)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < bytes; i++)
        number |= (uint64_t)(unsigned char)from[i] << (8 * i);
    return number;
}

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
    if (s->fd < 0 || weir_bytes_out_add(&s->out, MAGIC, sizeof MAGIC) != WEIR_OK) {
        weir_error_set(error, WEIR_IO, "'%.300s' cannot be written: %s", path, strerror(errno));
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
            const weir_captured_event *e = weir_batch_record(batch, i);
            char head[HEAD];
            put(head, e->payload.len, 4);
            put(head + 4, e->part, 4);
            put(head + 8, e->number, 8);
            put(head + 16, e->checksum, 8);
            if (weir_bytes_out_add(&s->out, head, HEAD) != WEIR_OK ||
                weir_bytes_out_add(&s->out, weir_str_data(&e->payload), e->payload.len) !=
                    WEIR_OK) {
                weir_step_fail(step, WEIR_NO_MEMORY, "no memory to write events");
                return;
            }
            if (s->out.len >= WRITE_BYTES && !write_out(step, s))
                return;
        }
    (void)write_out(step, s);
}

static description *describe(weir_graph *graph, const weir_file_event_options *options,
                             const char *where)
{
    if (!options->path || !*options->path || strlen(options->path) > PATH_BYTES - 16) {
        weir_graph_fail(graph, WEIR_INVALID, where, "name it in .path",
                        "there is no file of events to write or read");
        return NULL;
    }
    description *d = weir_graph_alloc(graph, sizeof *d);
    d->path = weir_graph_text(graph, options->path);
    return d;
}

void weir_file_event_sink_add(weir_port *events, const weir_file_event_options *options)
{
    const char *where = options->name ? options->name : "file_event_sink";
    description *d = events ? describe(weir_port_graph(events), options, where) : NULL;
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
    int fd;        /* -1: none is open */
    uint64_t at;   /* offset of the next frame */
    char *payload;
    size_t capacity;
} source;

static weir_status source_init(weir_step *step, void *ctx, void **made, weir_error *error)
{
    source *s = weir_alloc_zero(sizeof *s);
    if (!s)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for a source of events");
    *s = (source){ .d = ctx, .part = weir_step_worker(step), .fd = -1 };
    *made = s;
    return WEIR_OK;
}

static void source_fini(void *made)
{
    source *s = made;
    if (s->fd >= 0)
        (void)close(s->fd);
    weir_free(s->payload, s->capacity);
    weir_free(s, sizeof *s);
}

/* size bytes, or what there is before the end; below 0: it failed. */
static ssize_t read_all(int fd, char *to, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = read(fd, to + done, size - done);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return -1;
        done += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)done;
}

static void damaged(weir_step *step, const source *s, const char *why)
{
    char path[PATH_BYTES];
    weir_step_fail(step, WEIR_BAD_DATA, "'%.300s' is damaged at offset %llu: %s",
                   path_of(s->d, s->part, path), (unsigned long long)s->at, why);
}

/* Opens this worker's next file. False: there is none, or the step has failed. */
static bool open_next(weir_step *step, source *s)
{
    char path[PATH_BYTES], magic[sizeof MAGIC];
    s->fd = open(path_of(s->d, s->part, path), O_RDONLY | O_CLOEXEC);
    if (s->fd < 0) {
        if (errno != ENOENT || s->part == 0)
            weir_step_fail(step, errno == ENOENT ? WEIR_NOT_FOUND : WEIR_IO,
                           "'%.300s' cannot be read: %s", path, strerror(errno));
        return false;
    }
    s->at = 0;
    if (read_all(s->fd, magic, sizeof magic) != sizeof magic ||
        memcmp(magic, MAGIC, sizeof magic) != 0) {
        damaged(step, s, "it is no file of events, or of another version");
        return false;
    }
    s->at = sizeof magic;
    return true;
}

static bool reserve(source *s, size_t size)
{
    if (size <= s->capacity)
        return true;
    char *payload = weir_alloc(size);
    if (!payload)
        return false;
    weir_free(s->payload, s->capacity);
    s->payload = payload;
    s->capacity = size;
    return true;
}

/* Emits the next event of the open file. 0: its end; below 0: the step has failed. */
static int read_event(weir_step *step, source *s)
{
    char head[HEAD];
    ssize_t got = read_all(s->fd, head, HEAD);
    if (got == 0)
        return 0;
    size_t size = (size_t)get(head, 4);
    if (got != HEAD) {
        damaged(step, s, "it ends in the middle of an event");
        return -1;
    }
    struct stat stat;
    if (size > PAYLOAD_MAX || fstat(s->fd, &stat) != 0 ||
        s->at + HEAD + size > (uint64_t)stat.st_size) {
        damaged(step, s, "it ends in the middle of an event, or the event's size is wrong");
        return -1;
    }
    if (!reserve(s, size) || read_all(s->fd, s->payload, size) != (ssize_t)size) {
        damaged(step, s, "an event cannot be read");
        return -1;
    }
    weir_captured_event e = { .part = (uint32_t)get(head + 4, 4), .number = get(head + 8, 8),
                              .checksum = get(head + 16, 8),
                              .payload = weir_str_view(s->payload, size) };
    if (e.checksum != weir_captured_event_checksum(&e)) {
        damaged(step, s, "an event's checksum does not fit");
        return -1;
    }
    weir_time start = { { 0 } };
    weir_out(weir_captured_event) out = { weir_step_output(step, 0, &start) };
    e.payload = weir_str_copy(out, e.payload);
    weir_captured_event_emit(out, e);
    s->at += HEAD + size;
    return 1;
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
        if (s->fd < 0 && !open_next(step, s)) {
            weir_step_finish(step);
            return;
        }
        int more = read_event(step, s);
        if (more < 0)
            return;
        if (more == 0) {
            (void)close(s->fd);
            s->fd = -1;
            s->part += weir_step_workers(step);
        }
    }
}

weir_port *weir_file_event_source_add(weir_graph *graph, const weir_file_event_options *options)
{
    const char *where = options->name ? options->name : "file_event_source";
    description *d = weir_graph_failed(graph) ? NULL : describe(graph, options, where);
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
