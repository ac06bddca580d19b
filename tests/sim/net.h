/* SPDX-License-Identifier: Apache-2.0
 *
 * The streams of one simulated process: those of the network in memory, which are late besides, by
 * the clock of the process's first worker.
 */
#ifndef WEIR_TESTS_SIM_NET_H
#define WEIR_TESTS_SIM_NET_H

#include "harness/net.h"
#include "sim.h"

typedef struct sim_net sim_net;

sim_net *sim_net_create(weir__test_hub *hub, sim_world *world);
void sim_net_destroy(sim_net *net);
weir_net *sim_net_table(sim_net *net);
/* When something can be taken or written that is waited for; UINT64_MAX: nothing. */
uint64_t sim_net_ready_ns(const sim_net *net);
/* All its streams end: with what was written before (like that of a process that is killed), or
 * without (like that of a machine that is lost). */
void sim_net_cut(sim_net *net, bool loses);

#endif
