/* SPDX-License-Identifier: Apache-2.0
 *
 * The queries of TPC-H, with the parameters by which the specification validates answers: each a
 * function from the tables to the answer, a collection that is kept right while rows of all tables
 * come and go.
 *
 * Answers have the columns of the specification, in order; money is a decimal, exact to the last
 * digit; where the specification divides, an answer is rounded half up (an average to hundredths, a
 * share to 1/10000), once, from exact sums. Where it sums over nothing at all, there is no record.
 */
#ifndef TPCH_QUERIES_H
#define TPCH_QUERIES_H

#include "tables.h"

enum { TPCH_QUERY_COUNT = 22, TPCH_ORDER_MAX = 4 };

typedef struct tpch_query {
    const char *title;                               /* the specification's */
    weir_port *(*answer)(const tpch_tables *tables); /* adds the query to the tables' graph */
    unsigned reads;                                  /* bit t: table t */
    /* Fields by which an answer is put in order, "-revenue" from the greatest down; NULL behind
     * the last. Ties go by all fields. */
    const char *order[TPCH_ORDER_MAX + 1];
} tpch_query;

/* Query 1 is the first. */
extern const tpch_query tpch_queries[TPCH_QUERY_COUNT];

weir_port *tpch_q1(const tpch_tables *t);
weir_port *tpch_q2(const tpch_tables *t);
weir_port *tpch_q3(const tpch_tables *t);
weir_port *tpch_q4(const tpch_tables *t);
weir_port *tpch_q5(const tpch_tables *t);
weir_port *tpch_q6(const tpch_tables *t);
weir_port *tpch_q7(const tpch_tables *t);
weir_port *tpch_q8(const tpch_tables *t);
weir_port *tpch_q9(const tpch_tables *t);
weir_port *tpch_q10(const tpch_tables *t);
weir_port *tpch_q11(const tpch_tables *t);
weir_port *tpch_q12(const tpch_tables *t);
weir_port *tpch_q13(const tpch_tables *t);
weir_port *tpch_q14(const tpch_tables *t);
weir_port *tpch_q15(const tpch_tables *t);
weir_port *tpch_q16(const tpch_tables *t);
weir_port *tpch_q17(const tpch_tables *t);
weir_port *tpch_q18(const tpch_tables *t);
weir_port *tpch_q19(const tpch_tables *t);
weir_port *tpch_q20(const tpch_tables *t);
weir_port *tpch_q21(const tpch_tables *t);
weir_port *tpch_q22(const tpch_tables *t);

#endif
