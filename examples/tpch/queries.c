/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of the queries: what each reads, and the order of its answer.
 */
#include "queries.h"

#define R(table) (1u << tpch_##table)

/* clang-format off */
const tpch_query tpch_queries[TPCH_QUERY_COUNT] = {
    { "Pricing Summary Report", tpch_q1, R(lineitem), { "l_returnflag", "l_linestatus" } },
    { "Minimum Cost Supplier", tpch_q2,
      R(region) | R(nation) | R(supplier) | R(part) | R(partsupp),
      { "-s_acctbal", "n_name", "s_name", "p_partkey" } },
    { "Shipping Priority", tpch_q3, R(customer) | R(orders) | R(lineitem),
      { "-revenue", "o_orderdate" } },
    { "Order Priority Checking", tpch_q4, R(orders) | R(lineitem), { "o_orderpriority" } },
    { "Local Supplier Volume", tpch_q5,
      R(region) | R(nation) | R(supplier) | R(customer) | R(orders) | R(lineitem),
      { "-revenue" } },
    { "Forecasting Revenue Change", tpch_q6, R(lineitem), { NULL } },
    { "Volume Shipping", tpch_q7,
      R(nation) | R(supplier) | R(customer) | R(orders) | R(lineitem),
      { "supp_nation", "cust_nation", "l_year" } },
    { "National Market Share", tpch_q8,
      R(region) | R(nation) | R(supplier) | R(customer) | R(part) | R(orders) | R(lineitem),
      { "o_year" } },
    { "Product Type Profit Measure", tpch_q9,
      R(nation) | R(supplier) | R(part) | R(partsupp) | R(orders) | R(lineitem),
      { "nation", "-o_year" } },
    { "Returned Item Reporting", tpch_q10,
      R(nation) | R(customer) | R(orders) | R(lineitem), { "-revenue" } },
    { "Important Stock Identification", tpch_q11, R(nation) | R(supplier) | R(partsupp),
      { "-value" } },
    { "Shipping Modes and Order Priority", tpch_q12, R(orders) | R(lineitem), { "l_shipmode" } },
    { "Customer Distribution", tpch_q13, R(customer) | R(orders), { "-custdist", "-c_count" } },
    { "Promotion Effect", tpch_q14, R(part) | R(lineitem), { NULL } },
    { "Top Supplier", tpch_q15, R(supplier) | R(lineitem), { "s_suppkey" } },
    { "Parts/Supplier Relationship", tpch_q16, R(supplier) | R(part) | R(partsupp),
      { "-supplier_cnt", "p_brand", "p_type", "p_size" } },
    { "Small-Quantity-Order Revenue", tpch_q17, R(part) | R(lineitem), { NULL } },
    { "Large Volume Customer", tpch_q18, R(customer) | R(orders) | R(lineitem),
      { "-o_totalprice", "o_orderdate" } },
    { "Discounted Revenue", tpch_q19, R(part) | R(lineitem), { NULL } },
    { "Potential Part Promotion", tpch_q20,
      R(nation) | R(supplier) | R(part) | R(partsupp) | R(lineitem), { "s_name" } },
    { "Suppliers Who Kept Orders Waiting", tpch_q21,
      R(nation) | R(supplier) | R(orders) | R(lineitem), { "-numwait", "s_name" } },
    { "Global Sales Opportunity", tpch_q22, R(customer) | R(orders), { "cntrycode" } },
};
/* clang-format on */
