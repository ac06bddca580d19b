/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan of a run: which rows come and go, one after the other, and when answers are asked for. A
 * line each, # for what is for people:
 *
 *     add lineitem 1..30000         rows are counted from 1, in the order of their file
 *     add orders                    all of them
 *     remove lineitem 1..30000/7    every seventh
 *     answer half                   what is right now, under this name
 */
#ifndef TPCH_PLAN_H
#define TPCH_PLAN_H

#include "rows.h"

typedef enum tpch_verb { TPCH_ADD, TPCH_REMOVE, TPCH_ANSWER } tpch_verb;

typedef struct tpch_change {
    tpch_verb verb;
    unsigned line;
    tpch_table table;         /* but of an answer; also its rows: */
    size_t first, last, step; /* counted from 1 */
    char name[32];            /* of an answer */
} tpch_change;

typedef struct tpch_plan {
    tpch_change *changes;
    size_t count, room;
} tpch_plan;

/* Reads a plan; path NULL: all rows of all tables, then the answer "all". rows: of each table, or
 * NULL, whose changes are passed over. False: the error says what is wrong in which line. The plan,
 * zeroed before, is to be ended in both cases. */
bool tpch_plan_read(tpch_plan *plan, const char *path, tpch_rows *const *rows, weir_error *error);
void tpch_plan_fini(tpch_plan *plan);

#endif
