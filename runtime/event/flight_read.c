/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a flight recorder's file, of which nothing is taken on trust: it may be of another
 * version, cut short, written over, or be written to at this moment.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/memory.h>
#include <weir/worker.h>

#include "event/flight.h"

enum { PROGRAM_MAX = 64, FILE_MAX = 1 << 30 };

typedef struct name {
    uint32_t dataflow, node;
    const char *text;
} name;

/* An entry that was whole, and its place among those of its worker. */
typedef struct entry {
    const weir__event *event;
    uint64_t number;
    uint32_t worker;
} entry;

struct weir_flight {
    char *data;
    size_t size;
    weir__flight_header header;
    char program[PROGRAM_MAX];
    entry *entries;
    size_t entry_count, entry_capacity, damaged;
    name *names;
    size_t name_count, name_capacity;
    char *texts;
    size_t texts_size;
    uint64_t end_ns;
    bool alive;
};

/* ---- the header ---- */

static weir_status bad(weir_error *error, const char *what, const char *hint)
{
    weir_error_set(error, WEIR_BAD_DATA, "%s", what);
    weir_error_hint(error, "%s", hint);
    return WEIR_BAD_DATA;
}

static bool same_layout(const weir__flight_header *h)
{
    return h->header_size == WEIR__FLIGHT_HEADER && h->entry_size == sizeof(weir__event) &&
           h->ring_entries == WEIR__FLIGHT_RING && h->names_size == WEIR__FLIGHT_NAMES;
}

static weir_status read_header(weir_flight *flight, weir_error *error)
{
    weir__flight_header *h = &flight->header;
    if (flight->size < sizeof *h || memcmp(flight->data, WEIR__FLIGHT_MAGIC, sizeof h->magic) != 0)
        return bad(error, flight->size == 0 ? "the file is empty"
                                            : "this is no file of a flight recorder",
                   "give the path of a file weir-PID-N.flight");
    memcpy(h, flight->data, sizeof *h);
    if (h->version != WEIR__FLIGHT_VERSION) {
        weir_error_set(error, WEIR_BAD_DATA,
                       "the file is of version %u of the flight recorder, this program reads "
                       "version %d", h->version, WEIR__FLIGHT_VERSION);
        weir_error_hint(error, "use the weir-inspect of the Weir that the program was built with");
        return WEIR_BAD_DATA;
    }
    if (h->check != weir__flight_check(h, offsetof(weir__flight_header, check)) ||
        !same_layout(h) || h->workers < 1 || h->workers > WEIR_WORKERS_MAX ||
        h->file_size != weir__flight_ring_at(h->workers, h->workers))
        return bad(error, "the file's header is damaged", "nothing else in it can be trusted");
    if (flight->size < h->file_size) {
        weir_error_set(error, WEIR_BAD_DATA, "the file is cut short: %zu of %" PRIu64 " bytes",
                       flight->size, h->file_size);
        weir_error_hint(error, "copy it again, whole");
        return WEIR_BAD_DATA;
    }
    memcpy(flight->program, h->program, sizeof flight->program - 1);
    return WEIR_OK;
}

/* ---- what is in it ---- */

/* Room for one more of a list; false: no memory. */
static bool room(void **list, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return true;
    size_t larger = *capacity ? *capacity * 2 : 64;
    void *grown = weir_realloc(*list, *capacity * size, larger * size);
    if (!grown)
        return false;
    *list = grown;
    *capacity = larger;
    return true;
}

/* Names are copied to be strings; control bytes in them become blanks. */
static bool add_name(weir_flight *flight, const weir__flight_name *n, const char *text,
                     size_t *used)
{
    char *to = flight->texts + *used;
    if (!room((void **)&flight->names, flight->name_count, &flight->name_capacity, sizeof(name)))
        return false;
    for (uint32_t i = 0; i < n->length; i++)
        to[i] = (unsigned char)text[i] < ' ' ? ' ' : text[i];
    to[n->length] = '\0';
    *used += n->length + 1;
    flight->names[flight->name_count++] = (name){ n->dataflow, n->node, to };
    return true;
}

static int by_place(const void *left, const void *right)
{
    const name *a = left, *b = right;
    if (a->dataflow != b->dataflow)
        return a->dataflow < b->dataflow ? -1 : 1;
    return a->node < b->node ? -1 : a->node > b->node;
}

static bool read_names(weir_flight *flight)
{
    const weir__flight_header *h = &flight->header;
    const char *from = flight->data + weir__flight_names_at(h->workers);
    uint64_t end = h->names_used < h->names_size ? h->names_used : h->names_size;
    size_t used = 0;
    flight->texts_size = h->names_size; /* a text and its end are shorter than head and text */
    flight->texts = weir_alloc(flight->texts_size);
    if (!flight->texts)
        return false;
    for (uint64_t at = 0; at + sizeof(weir__flight_name) <= end;) {
        weir__flight_name n, plain;
        memcpy(&n, from + at, sizeof n);
        uint64_t size = sizeof n + ((uint64_t)n.length + 7) / 8 * 8;
        if (size > end - at)
            break;
        char *copy = weir_alloc(size);
        if (!copy)
            return false;
        plain = n;
        plain.check = 0;
        memcpy(copy, from + at, size);
        memcpy(copy, &plain, sizeof plain);
        bool whole = (uint32_t)weir__flight_check(copy, size) == n.check;
        weir_free(copy, size);
        if (!whole) {
            flight->damaged++; /* where the next one begins cannot be known either */
            break;
        }
        if (!add_name(flight, &n, from + at + sizeof n, &used))
            return false;
        at += size;
    }
    if (flight->name_count)
        qsort(flight->names, flight->name_count, sizeof *flight->names, by_place);
    return true;
}

static int by_time(const void *left, const void *right)
{
    const entry *a = left, *b = right;
    if (a->event->at_ns != b->event->at_ns)
        return a->event->at_ns < b->event->at_ns ? -1 : 1;
    if (a->worker != b->worker)
        return a->worker < b->worker ? -1 : 1;
    return a->number < b->number ? -1 : 1;
}

static uint64_t number_of(const weir__event *event)
{
    return event->mark & ((1ull << 48) - 1);
}

static bool is_whole(const weir__event *event, uint32_t place)
{
    uint64_t number = number_of(event);
    return number && ((number - 1) & (WEIR__FLIGHT_RING - 1)) == place &&
           event->mark == weir__flight_mark(event, number) && event->kind > WEIR_EVENT_NONE &&
           event->kind < WEIR_EVENT_KIND_COUNT && event->depth <= 4;
}

static bool is_blank(const weir__event *event)
{
    static const weir__event blank;
    return memcmp(event, &blank, sizeof blank) == 0;
}

static void lived(weir_flight *flight, uint64_t ns)
{
    if (ns > flight->end_ns)
        flight->end_ns = ns;
}

static bool read_ring(weir_flight *flight, uint32_t worker)
{
    const weir__event *ring = (const weir__event *)(flight->data +
                              weir__flight_ring_at(flight->header.workers, worker));
    uint64_t newest = 0;
    for (uint32_t i = 0; i < WEIR__FLIGHT_RING; i++)
        if (is_whole(&ring[i], i) && number_of(&ring[i]) > newest)
            newest = number_of(&ring[i]);
    for (uint32_t i = 0; i < WEIR__FLIGHT_RING; i++) {
        if (is_whole(&ring[i], i)) {
            if (!room((void **)&flight->entries, flight->entry_count, &flight->entry_capacity,
                      sizeof(entry)))
                return false;
            flight->entries[flight->entry_count++] =
                (entry){ &ring[i], number_of(&ring[i]), worker };
            lived(flight, ring[i].at_ns);
        } else if (!is_blank(&ring[i]) && i != (newest & (WEIR__FLIGHT_RING - 1))) {
            flight->damaged++; /* the one behind the newest was being written */
        }
    }
    return true;
}

static weir_status read_all(weir_flight *flight, weir_error *error)
{
    weir_status status = read_header(flight, error);
    if (status != WEIR_OK)
        return status;
    bool read = read_names(flight);
    for (uint32_t w = 0; w < flight->header.workers && read; w++) {
        weir_flight_worker worker;
        read = read_ring(flight, w);
        (void)weir_flight_worker_at(flight, w, &worker);
        lived(flight, worker.turn_ns);
    }
    if (flight->entry_count)
        qsort(flight->entries, flight->entry_count, sizeof *flight->entries, by_time);
    if (!read)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for the file's events");
    return WEIR_OK;
}

/* ---- opening ---- */

/* Takes the data over, whatever comes of it. */
static weir_flight *take(char *data, size_t size, weir_error *error)
{
    weir_flight *flight = weir_alloc_zero(sizeof *flight);
    if (!flight) {
        weir_free(data, size);
        weir_error_set(error, WEIR_NO_MEMORY, "no memory for the file");
        return NULL;
    }
    flight->data = data;
    flight->size = size;
    if (read_all(flight, error) == WEIR_OK)
        return flight;
    weir_flight_close(flight);
    return NULL;
}

weir_flight *weir_flight_read(const void *data, size_t size, weir_error *error)
{
    char *copy = weir_alloc(size);
    if (size && !copy) {
        weir_error_set(error, WEIR_NO_MEMORY, "no memory for the file");
        return NULL;
    }
    if (size)
        memcpy(copy, data, size);
    return take(copy, size, error);
}

static weir_status fail_io(weir_error *error, const char *path)
{
    weir_error_set(error, WEIR_IO, "%s cannot be read: %s", path, strerror(errno));
    return WEIR_IO;
}

static weir_status read_file(int fd, const char *path, char **data, size_t *size, weir_error *error)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return fail_io(error, path);
    if (!S_ISREG(about.st_mode) || about.st_size > FILE_MAX)
        return weir_error_set(error, WEIR_BAD_DATA, "%s is no file of a flight recorder", path);
    *size = (size_t)about.st_size;
    *data = weir_alloc(*size);
    if (*size && !*data)
        return weir_error_set(error, WEIR_NO_MEMORY, "no memory for the file");
    for (size_t at = 0; at < *size;) {
        ssize_t got = pread(fd, *data + at, *size - at, (off_t)at);
        if (got <= 0) {
            weir_free(*data, *size);
            return got < 0 ? fail_io(error, path)
                           : weir_error_set(error, WEIR_IO, "%s became shorter", path);
        }
        at += (size_t)got;
    }
    return WEIR_OK;
}

weir_flight *weir_flight_open(const char *path, weir_error *error)
{
    char *data = NULL;
    size_t size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        (void)fail_io(error, path);
        return NULL;
    }
    bool alive = flock(fd, LOCK_SH | LOCK_NB) != 0;
    weir_status status = read_file(fd, path, &data, &size, error);
    (void)close(fd);
    if (status != WEIR_OK)
        return NULL;
    weir_flight *flight = take(data, size, error);
    if (flight)
        flight->alive = alive;
    return flight;
}

void weir_flight_close(weir_flight *flight)
{
    if (!flight)
        return;
    weir_free(flight->entries, flight->entry_capacity * sizeof *flight->entries);
    weir_free(flight->names, flight->name_capacity * sizeof *flight->names);
    weir_free(flight->texts, flight->texts_size);
    weir_free(flight->data, flight->size);
    weir_free(flight, sizeof *flight);
}

/* ---- questions ---- */

void weir_flight_get_info(const weir_flight *flight, weir_flight_info *info)
{
    const weir__flight_header *h = &flight->header;
    *info = (weir_flight_info){ .pid = h->pid, .workers = h->workers,
                                .started_wall_us = h->started_wall_us,
                                .started_ns = h->started_ns, .end_ns = flight->end_ns,
                                .program = flight->program, .events = flight->entry_count,
                                .damaged = flight->damaged, .names_full = h->names_full != 0,
                                .alive = flight->alive };
}

bool weir_flight_worker_at(const weir_flight *flight, uint32_t worker, weir_flight_worker *out)
{
    weir__live live;
    *out = (weir_flight_worker){ 0 };
    if (worker >= flight->header.workers)
        return false;
    memcpy(&live, flight->data + WEIR__FLIGHT_HEADER + worker * sizeof live, sizeof live);
    *out = (weir_flight_worker){ .turn_ns = live.turn_ns, .parked = live.parked != 0,
                                 .in_step = live.in_step != 0,
                                 .dataflow = live.in_step ? (uint32_t)(live.in_step >> 32) - 1 : 0,
                                 .node = (uint32_t)live.in_step, .steps = live.steps,
                                 .sent_batches = live.sent_batches,
                                 .sent_bytes = live.sent_bytes,
                                 .received_batches = live.received_batches,
                                 .frontiers = live.frontiers };
    return true;
}

const char *weir_flight_operator(const weir_flight *flight, uint32_t dataflow, uint32_t node)
{
    name key = { dataflow, node, NULL };
    const name *found = flight->name_count
                            ? bsearch(&key, flight->names, flight->name_count, sizeof key, by_place)
                            : NULL;
    return found ? found->text : NULL;
}

const char *weir_flight_dataflow(const weir_flight *flight, uint32_t dataflow)
{
    return weir_flight_operator(flight, dataflow, UINT32_MAX);
}

void weir__event_unpack(const weir__event *from, weir_event *to)
{
    *to = (weir_event){ .at_ns = from->at_ns, .kind = from->kind, .dataflow = from->dataflow,
                        .node = from->node, .port = from->port, .peer = from->peer,
                        .to_worker = from->to_worker, .depth = from->depth, .t0 = from->t[0],
                        .t1 = from->t[1], .t2 = from->t[2], .t3 = from->t[3],
                        .records = from->records, .bytes = from->bytes, .ns = from->ns };
}

bool weir_flight_at(const weir_flight *flight, size_t i, weir_event *event)
{
    if (i >= flight->entry_count)
        return false;
    const entry *e = &flight->entries[i];
    weir__event_unpack(e->event, event);
    event->worker = e->worker;
    return true;
}
