/* SPDX-License-Identifier: Apache-2.0
 *
 * A process as part of a cluster: what frames of the mesh mean for dataflows, and what dataflows
 * have to say to other processes. Belongs to the process's first worker, its owner, whose thread
 * all calls are made by, unless they say otherwise.
 *
 * Changes. The owner reads the logs of the process's other workers anyway: what it applies to its
 * own view it adds to one sum a process, together with its own, and sends the sum when its turn
 * ends: a sum of prefixes of the logs, whole and in order. What arrives is applied to the owner's
 * view, and appended to the owner's log as it is, for the others. While a connection is behind, its
 * sum goes on growing and is sent later: the bytes that wait stay bounded.
 *
 * Batches for other processes reach the owner by mail; what arrives leaves by mail.
 */
#ifndef WEIR_WORKER_CLUSTER_H
#define WEIR_WORKER_CLUSTER_H

#include "comm/mesh.h"
#include "worker/runtime.h"

/* Any thread, before the workers start. *cluster is NULL where the config names one process. */
weir_status weir__cluster_create(weir_runtime *runtime, weir__cluster **cluster,
                                 weir_error *error);
void weir__cluster_destroy(weir__cluster *cluster);

/* Any worker's thread: all processes are here and agree; workers know the hash seed. */
bool weir__cluster_ready(const weir__cluster *cluster);
/* Any worker's thread, of one that is to end and has not begun: whether no worker of the process
 * will begin. False: all are here, so each has its part in what the others wait for. */
bool weir__cluster_gives_up(weir__cluster *cluster);
/* Takes what has come; whether something had. */
bool weir__cluster_receive(weir__cluster *cluster);
/* Adds changes: of the owner, or of another worker of this process as its log has them. */
void weir__cluster_publish(weir__cluster *cluster, weir__dataflow *dataflow,
                           const weir__changes *changes);
void weir__cluster_relay(weir__cluster *cluster, weir__dataflow *dataflow, const void *data,
                         size_t size);
/* The owner has built a dataflow, or could not (instance NULL); it is about to free it; all that it
 * had to say of it is put. */
/* The owner has made its instance; is about to free it; all that it had to say of it is put. */
void weir__cluster_add(weir__cluster *cluster, weir__dataflow *dataflow);
void weir__cluster_forget(weir__cluster *cluster, weir__dataflow *dataflow);
bool weir__cluster_has_told(const weir__cluster *cluster, const weir__dataflow *dataflow);
/* Tells the others how it was described, or why it could not be; before anything else of it. */
void weir__cluster_built(weir__cluster *cluster, const weir_dataflow *shared);
/* What was kept for it. */
weir_status weir__cluster_take_early(weir__cluster *cluster, const weir__early *early,
                                     weir_error *error);
/* Any worker's thread: others are to hear of this dataflow, credits or that it is freed. */
void weir__cluster_news(weir__cluster *cluster, weir_dataflow *shared);
/* In the middle of a turn: sums, which somebody may be waiting for. */
void weir__cluster_tell(weir__cluster *cluster);
/* At the end of a turn: sums, credits, and whatever waits. */
void weir__cluster_flush(weir__cluster *cluster);
/* Whether a turn would send something that no mail of a worker has brought. */
bool weir__cluster_has_work(const weir__cluster *cluster);
/* This process was asked to end. */
void weir__cluster_stop(weir__cluster *cluster);

/* The owner has nothing more to do: says goodbye; true once all have. Tells why, if the run has
 * failed. */
bool weir__cluster_is_over(weir__cluster *cluster);
/* For tests. */
weir__mesh *weir__cluster_mesh(const weir__cluster *cluster);
struct weir__answers *weir__cluster_answers(const weir__cluster *cluster);
/* Descriptor that is readable while something may be there; -1: none. */
int weir__cluster_fd(const weir__cluster *cluster);
uint64_t weir__cluster_due_ns(const weir__cluster *cluster);

#endif
