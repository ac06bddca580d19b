/* SPDX-License-Identifier: Apache-2.0
 *
 * The eight tables of TPC-H as records: those columns that its queries read, under the names of the
 * specification. Decimals are hundredths ("0.04" is 4), an i64, or a u16 where none is above
 * 655.35; whole numbers have 32 bits (keys of orders, which are the greatest, fit up to scale 700);
 * a u8 is a column of one character.
 */
#ifndef TPCH_TABLES_H
#define TPCH_TABLES_H

#include <weir/weir.h>

#define REGION(F) F(u32, r_regionkey) F(str, r_name)

#define NATION(F) F(u32, n_nationkey) F(str, n_name) F(u32, n_regionkey)

#define SUPPLIER(F)                                                                                \
    F(u32, s_suppkey) F(u32, s_nationkey) F(i64, s_acctbal) F(str, s_name) F(str, s_address)       \
    F(str, s_phone) F(str, s_comment)

#define CUSTOMER(F)                                                                                \
    F(u32, c_custkey) F(u32, c_nationkey) F(i64, c_acctbal) F(str, c_name) F(str, c_address)       \
    F(str, c_phone) F(str, c_mktsegment) F(str, c_comment)

#define PART(F)                                                                                    \
    F(u32, p_partkey) F(i32, p_size) F(str, p_name) F(str, p_mfgr) F(str, p_brand) F(str, p_type)  \
    F(str, p_container)

#define PARTSUPP(F) F(u32, ps_partkey) F(u32, ps_suppkey) F(i32, ps_availqty) F(i64, ps_supplycost)

#define ORDERS(F)                                                                                  \
    F(u32, o_orderkey) F(u32, o_custkey) F(date, o_orderdate) F(i32, o_shippriority)               \
    F(i64, o_totalprice) F(u8, o_orderstatus) F(str, o_orderpriority) F(str, o_comment)

#define LINEITEM(F)                                                                                \
    F(u32, l_orderkey) F(u32, l_partkey) F(u32, l_suppkey) F(date, l_shipdate)                     \
    F(i64, l_extendedprice) F(u16, l_quantity) F(u16, l_discount) F(u16, l_tax)                    \
    F(u8, l_returnflag) F(u8, l_linestatus) F(date, l_commitdate) F(date, l_receiptdate)           \
    F(str, l_shipmode) F(str, l_shipinstruct)

/* Each of them: its record, and the list of its fields. */
#define TPCH_TABLES(T)                                                                             \
    T(region, REGION) T(nation, NATION) T(supplier, SUPPLIER) T(customer, CUSTOMER) T(part, PART)  \
    T(partsupp, PARTSUPP) T(orders, ORDERS) T(lineitem, LINEITEM)

#define TPCH_RECORD_(table, FIELDS) WEIR_RECORD(table, FIELDS)
TPCH_TABLES(TPCH_RECORD_)

/* tpch_lineitem is the number of lineitem, TPCH_TABLE_COUNT how many tables there are. */
typedef enum tpch_table {
#define TPCH_NUMBER_(table, FIELDS) tpch_##table,
    TPCH_TABLES(TPCH_NUMBER_)
#undef TPCH_NUMBER_
        TPCH_TABLE_COUNT
} tpch_table;

/* The tables as collections: the input of a query. Those that it does not read may be zero, and so
 * are all when they were refused. */
typedef struct tpch_tables {
    weir_graph *graph;
#define TPCH_STREAM_(table, FIELDS) weir_stream(table) table;
    TPCH_TABLES(TPCH_STREAM_)
#undef TPCH_STREAM_
    double scale; /* of the data: what query 11 takes for much depends on it */
} tpch_tables;

#endif
