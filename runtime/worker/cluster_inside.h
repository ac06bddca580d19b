/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of a process's part of a cluster, for cluster*.c. But for what is marked it belongs to
 * the first worker's thread.
 */
#ifndef WEIR_WORKER_CLUSTER_INSIDE_H
#define WEIR_WORKER_CLUSTER_INSIDE_H

#include "worker/answers.h"
#include "worker/asks.h"
#include "worker/cluster.h"

/* Changes of one dataflow that one process is still to be told. */
typedef struct weir__sum {
    weir__changes changes;
    bool is_open; /* in the list of its process */
} weir__sum;

/* What a process is still to be told: dataflows whose sum may have something in it. */
typedef struct weir__open_sums {
    weir__dataflow **of;
    uint32_t count, capacity;
} weir__open_sums;

/* How long others may have waited for the owner to look at its connections. */
typedef struct weir__absence {
    uint64_t seen_ns, told_ns, longest_ns, rests;
    unsigned times;
} weir__absence;

enum { WEIR__UNDECIDED, WEIR__BEGINS, WEIR__GIVEN_UP };

struct weir__cluster {
    weir_runtime *runtime;
    weir__mesh *mesh;
    weir_net *net, *own_net, *own_thread; /* used; of TCP; the one on that, or NULL */
    weir__asks *asks;
    weir__answers *answers;
    weir__open_sums *open; /* one a process; our own is not used */
    uint32_t fate;         /* atomic: what has been decided of this process's workers */
    bool ready;            /* atomic */
    weir_dataflow *news;   /* atomic: a stack of those that others are to hear of */
    bool told_stop, ended, has_polled, flushing;
    size_t *early_bytes;   /* of each process, that are kept for dataflows to come */
    uint64_t *held_ns;     /* of each process: since when it is not read because of that, or 0 */
    unsigned held;         /* how many are not */
    uint64_t silence_ns;
    uint64_t *idle_at;     /* in process 0: each is idle after so many commands, plus 1 */
    uint64_t idle_told;    /* this one has said so, plus 1 */
    weir__absence absence;
};

static inline weir_worker *weir__cluster_owner(const weir__cluster *cluster)
{
    return &cluster->runtime->workers[0];
}

static inline weir__dataflow *weir__cluster_find(const weir__cluster *cluster, uint32_t id)
{
    return weir__id_table_find(&weir__cluster_owner(cluster)->dataflows, id);
}

/* ---- cluster.c ---- */
weir_status weir__cluster_on_frame(weir__cluster *cluster, unsigned process,
                                   const weir__frame *frame, weir_error *error);
/* A status and *error: the process has sent what cannot be. */
weir_status weir__cluster_refuse(weir_error *error, unsigned process, const char *what);

/* No sum waits for a connection that is behind. */
bool weir__cluster_has_told_all(const weir__cluster *cluster);

/* ---- cluster_sums.c ---- */
/* Puts all sums for a process on its connection; NULL: it will not hear them any more. */
void weir__cluster_put_sums(weir__cluster *cluster, unsigned process, weir__wire *wire);
weir_status weir__cluster_on_progress(weir__cluster *cluster, unsigned process,
                                      const weir__frame *frame, weir_error *error);
/* The owner has not built it; then its frame is kept until it has. */
bool weir__cluster_is_early(const weir__cluster *cluster, uint32_t dataflow);
weir_status weir__cluster_keep(weir__cluster *cluster, unsigned process, uint32_t dataflow,
                               const weir__frame *frame, weir_error *error);
/* Not OK, and *error: one that is not read keeps us waiting for what nobody has ordered. */
weir_status weir__cluster_check_held(weir__cluster *cluster, weir_error *error);

/* ---- cluster_order.c ---- */
weir_status weir__cluster_on_note(weir__cluster *cluster, unsigned process,
                                  const weir__frame *frame, weir_error *error);
/* If nothing is left of it on this process's workers, and they were not told, the others are. */
void weir__cluster_put_freed(weir__cluster *cluster, weir_dataflow *shared);
/* If all of its workers have discarded it, and process 0 was not told, it is. */
void weir__cluster_put_discarded(weir__cluster *cluster, weir_dataflow *shared);
/* At the end of a turn: requests and news go their way, and process 0 hears when nothing is left to
 * do. */
void weir__cluster_put_order(weir__cluster *cluster);
/* Something was asked for that has no place yet, or process 0 is to hear that nothing was. */
bool weir__cluster_has_order(const weir__cluster *cluster);

#endif
