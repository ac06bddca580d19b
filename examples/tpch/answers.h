/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers as text: what a query's view shows now, in the query's order, as a line of names and a
 * line a record, with a | between columns.
 */
#ifndef TPCH_ANSWERS_H
#define TPCH_ANSWERS_H

#include <stdio.h>

#include "queries.h"

/* False: the error says why the view cannot be read or the file not be written. */
bool tpch_answer_write(weir_view *view, const tpch_query *query, FILE *file, weir_error *error);

#endif
