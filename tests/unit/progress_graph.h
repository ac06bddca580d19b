/* SPDX-License-Identifier: Apache-2.0
 *
 * A progress graph that an example makes port by port, one at a time.
 */
#ifndef WEIR_TESTS_UNIT_PROGRESS_GRAPH_H
#define WEIR_TESTS_UNIT_PROGRESS_GRAPH_H

#include <string.h>

#include "progress_oracle.h"

static const weir__interest NEVER = WEIR__INTEREST_NEVER, ALWAYS = WEIR__INTEREST_ALWAYS;

static oracle_graph g;

static void graph_clear(void)
{
    memset(&g, 0, sizeof g);
}

static uint32_t port(unsigned depth, weir__interest interest)
{
    return oracle_port(&g, depth, interest);
}

static void same(uint32_t from, uint32_t to)
{
    oracle_arc(&g, from, to, weir_summary_identity(g.ports[from].depth));
}

static weir__topology *finish(unsigned flags)
{
    weir_error error;
    weir__topology *topology = oracle_topology(&g, flags, &error);
    ck_assert_msg(topology != NULL, "%s: %s", error.what, error.detail);
    return topology;
}

#endif
