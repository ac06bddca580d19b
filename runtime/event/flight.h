/* SPDX-License-Identifier: Apache-2.0
 *
 * The flight recorder's file: its layout, and writing it. Numbers are the machine's own.
 *
 *   header │ live block of each worker │ names │ ring of each worker
 *
 * A ring belongs to its worker; names are appended under a lock. Whoever reads may come at any
 * moment, also after the process was killed: an entry says by its own number and check that it is
 * whole, and what a worker is doing now is single words.
 */
#ifndef WEIR_EVENT_FLIGHT_H
#define WEIR_EVENT_FLIGHT_H

#include <string.h>

#include <weir/flight.h>

#define WEIR__FLIGHT_MAGIC "WEIRFLT"
enum {
    WEIR__FLIGHT_VERSION = 1,
    WEIR__FLIGHT_HEADER = 4096,
    WEIR__FLIGHT_NAMES = 256 << 10,
    WEIR__FLIGHT_RING = 8192,  /* entries, a power of two */
    WEIR__FLIGHT_SLOT_NS = 1000 * 1000,
};

typedef struct weir__flight_header {
    char magic[8];
    uint32_t version, header_size, entry_size, workers;
    uint32_t pid, ring_entries;
    uint64_t file_size, names_size;
    uint64_t started_ns;
    int64_t started_wall_us;
    char program[64];
    uint64_t check;      /* of all before it */
    uint64_t names_used; /* atomic; of the names */
    uint32_t names_full;
} weir__flight_header;

/* What a worker is doing: one line of the cache, written by its thread with plain stores. */
typedef struct weir__live {
    _Alignas(64) uint64_t in_step; /* (dataflow + 1) << 32 | node; 0: in none */
    uint64_t steps, sent_batches, sent_bytes, received_batches, frontiers;
    uint64_t turn_ns;              /* of the last turn that was written down */
    uint64_t parked;               /* 0, or since when */
} weir__live;

/* An event as it is kept: in rings, and in the queues of readers. */
typedef struct weir__event {
    uint64_t mark; /* in a ring: its number, from 1, in 48 bits, and a check; in a queue: a text */
    uint64_t at_ns;
    uint32_t dataflow, node, peer;
    uint16_t kind, depth, port, to_worker;
    uint32_t pad;
    uint64_t t[4];
    uint64_t records, bytes, ns;
} weir__event;
_Static_assert(sizeof(weir__event) == 96, "the file's entries have no holes");

/* Names: each this, then the text, up to a multiple of 8 bytes. */
typedef struct weir__flight_name {
    uint32_t dataflow, node; /* UINT32_MAX: the dataflow's own */
    uint32_t length, check;
} weir__flight_name;

typedef struct weir__flight_ring {
    weir__event *entries;
    uint64_t next; /* number of the next entry, from 1 */
} weir__flight_ring;

typedef struct weir__flight weir__flight;

typedef struct weir__flight_options {
    const char *dir; /* NULL: $XDG_RUNTIME_DIR, else the system's folder for temporary files */
    unsigned workers;
    uint64_t now_ns;
    int64_t wall_us;
} weir__flight_options;

/* Makes DIR/weir-PID-N.flight, which nobody else may read, after removing what killed processes of
 * this user have left there over a day ago. NULL and *error: the place does not take it. */
weir__flight *weir__flight_create(const weir__flight_options *options, weir_error *error);
/* Removes the file. NULL is ignored. */
void weir__flight_destroy(weir__flight *flight);
const char *weir__flight_path(const weir__flight *flight);
weir__live *weir__flight_live(weir__flight *flight, unsigned worker);
weir__flight_ring weir__flight_ring_of(weir__flight *flight, unsigned worker);
/* Any thread. node UINT32_MAX: the dataflow's own name. */
void weir__flight_add_name(weir__flight *flight, uint32_t dataflow, uint32_t node,
                           const char *name);
void weir__flight_put(weir__flight_ring *ring, const weir__event *event);

/* As users see it, but for worker and name. */
void weir__event_unpack(const weir__event *from, weir_event *to);

/* ---- layout ---- */

static inline size_t weir__flight_names_at(unsigned workers)
{
    return WEIR__FLIGHT_HEADER + workers * sizeof(weir__live);
}
static inline size_t weir__flight_ring_at(unsigned workers, unsigned worker)
{
    return weir__flight_names_at(workers) + WEIR__FLIGHT_NAMES +
           (size_t)worker * WEIR__FLIGHT_RING * sizeof(weir__event);
}

/* Over whole words; good against what is torn or overwritten, not against malice. */
static inline uint64_t weir__flight_check(const void *data, size_t size)
{
    uint64_t sum = 0x9e3779b97f4a7c15u, word;
    for (size_t i = 0; i + sizeof word <= size; i += sizeof word) {
        memcpy(&word, (const char *)data + i, sizeof word);
        sum = (sum ^ word) * 0xd6e8feb86659fd93u;
        sum ^= sum >> 32;
    }
    return sum;
}
/* An entry's mark: what it is whole with. */
static inline uint64_t weir__flight_mark(const weir__event *event, uint64_t number)
{
    uint64_t check = weir__flight_check((const char *)event + sizeof event->mark,
                                        sizeof *event - sizeof event->mark);
    number &= (1ull << 48) - 1;
    return number | (check ^ number) << 48;
}

#endif
