/* SPDX-License-Identifier: Apache-2.0
 *
 * Who reads an arrangement in cases that measure nothing but it: lets go of all times but those
 * that are not complete, as the peer's do.
 */
#ifndef BENCH_KEEP_H
#define BENCH_KEEP_H

#include "changes.h"

#define BENCH_ROW(F) F(u64, key) F(u64, value)
WEIR_RECORD(row, BENCH_ROW)

/* Arranges rows by their keys, and probes what the reader has seen. */
void bench_keep_add(weir_port *rows, bench_case *c);

#endif
