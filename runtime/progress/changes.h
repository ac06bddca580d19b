/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes: a small accumulating set of (port, time, diff), in which what sums to zero vanishes. One
 * step of a node yields one; a worker's unpublished ones are one sum; their encoded form is what
 * workers send each other. Knows nothing of graphs: ports are numbers with a depth.
 */
#ifndef WEIR_PROGRESS_CHANGES_H
#define WEIR_PROGRESS_CHANGES_H

#include <weir/time.h>

/* Coordinates of `time` at and beyond the port's depth are 0, always. */
typedef struct weir__change {
    weir_time time;
    int64_t diff;
    uint32_t port;
} weir__change;

/* A zeroed one is valid and empty. May be moved as bytes; not shared between threads. Memory:
 * weir_alloc_must. Cheap for a handful of pairs; any number works. */
typedef struct weir__changes {
    weir__change *entries; /* read them by weir__changes_entries: some may have become 0 */
    uint32_t *index;       /* hash table of positions + 1, once there are more than a handful */
    uint32_t count;        /* entries in use, those that became 0 included */
    uint32_t live;         /* entries whose diff is not 0 */
    uint32_t capacity;
    uint32_t index_size; /* slots in use, a power of two; slots there are */
    uint32_t index_capacity;
} weir__changes;

/* Gives the memory back; the set is empty and usable afterwards. */
void weir__changes_fini(weir__changes *changes);
/* Empties; keeps the memory. */
void weir__changes_clear(weir__changes *changes);

/* Adds diff (0 is allowed and does nothing) to the count of (port, time). */
void weir__changes_add(weir__changes *changes, uint32_t port, const weir_time *time, int64_t diff);
/* Adds everything in `from`, which stays as it is. They are not the same set. */
void weir__changes_merge(weir__changes *changes, const weir__changes *from);
/* The same; what is left in `from` is to be cleared. */
void weir__changes_move(weir__changes *changes, weir__changes *from);

/* Exact: true if and only if everything has cancelled out. */
static inline bool weir__changes_is_empty(const weir__changes *changes)
{
    return changes->live == 0;
}
/* The pairs whose diff is not 0, each once, in no particular order; valid until the next change of
 * the set. Compacts, hence not const. */
const weir__change *weir__changes_entries(weir__changes *changes, uint32_t *count);

/* What encoding and decoding need to know: depth[port] for each port below `count`. */
typedef struct weir__depths {
    const uint8_t *of;
    uint32_t count;
} weir__depths;

/* The flat form: for each pair its port, its diff, and depth(port) coordinates, each less what it
 * was in the pair before (at first 0). All are numbers in groups of 7 bits, the lowest first, with
 * the highest bit of a byte set where more follow; those with a sign have it in their lowest bit.
 * An empty set is 0 bytes. A diff beyond 32 bits takes several pairs. */
size_t weir__changes_encoded_size(const weir__changes *changes, weir__depths depths);
/* That or more: sooner known where there are few. */
size_t weir__changes_encoded_most(const weir__changes *changes, weir__depths depths);
/* Writes exactly that many bytes, and returns how many; out may have any alignment. Every port is
 * below depths.count. */
size_t weir__changes_encode(const weir__changes *changes, weir__depths depths, void *out);
/* Adds what the block holds. data may have any alignment and hold anything: WEIR_BAD_DATA (unknown
 * port, no diff of 32 bits, cut short) leaves `changes` as it was. */
WEIR_MUST_USE weir_status weir__changes_decode(weir__changes *changes, weir__depths depths,
                                               const void *data, size_t size, weir_error *error);
/* The same into an empty set that is only gone through, then cleared: pairs that come twice are two
 * entries. After WEIR_BAD_DATA it is empty. */
WEIR_MUST_USE weir_status weir__changes_read(weir__changes *changes, weir__depths depths,
                                             const void *data, size_t size, weir_error *error);

#endif
