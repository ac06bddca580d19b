/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of the queries: what each reads, and the order of its answer.
 */
#include "queries.h"

#define R(table) (1u << tpch_##table)

const tpch_query tpch_queries[TPCH_QUERY_COUNT] = {
    [0] = { "Pricing Summary Report", tpch_q1, R(lineitem), { "l_returnflag", "l_linestatus" } },
    [2] = { "Shipping Priority",
            tpch_q3,
            R(customer) | R(orders) | R(lineitem),
            { "-revenue", "o_orderdate" } },
    [3] = { "Order Priority Checking", tpch_q4, R(orders) | R(lineitem), { "o_orderpriority" } },
    [4] = { "Local Supplier Volume",
            tpch_q5,
            R(region) | R(nation) | R(supplier) | R(customer) | R(orders) | R(lineitem),
            { "-revenue" } },
    [5] = { "Forecasting Revenue Change", tpch_q6, R(lineitem), { NULL } },
};
