/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of TPC-H tables in files, as records: TABLE.tbl, a line a row with a | behind each column,
 * or TABLE.csv, with a first line of names and quotes around texts. Both have all columns of the
 * specification; those that a record lacks are passed over.
 */
#ifndef TPCH_ROWS_H
#define TPCH_ROWS_H

#include "tables.h"

/* A table's file, in memory. */
typedef struct tpch_rows tpch_rows;

/* The .tbl file of the folder, or else the .csv file. NULL: the error says why. */
tpch_rows *tpch_rows_open(const char *folder, tpch_table table, weir_error *error);
/* NULL is ignored. */
void tpch_rows_close(tpch_rows *rows);
size_t tpch_rows_count(const tpch_rows *rows);
/* Row i, counted from 0. Strings are views that live as long as the rows. BAD_DATA: the error names
 * file, line and column. */
weir_status tpch_rows_read(const tpch_rows *rows, size_t i, void *record, weir_error *error);

/* "lineitem" */
const char *tpch_table_name(tpch_table table);
const weir_type *tpch_table_type(tpch_table table);

#endif
