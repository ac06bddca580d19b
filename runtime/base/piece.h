/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs of bytes that are written or read one after the other: what writev and readv take, without
 * the system's header.
 */
#ifndef WEIR_BASE_PIECE_H
#define WEIR_BASE_PIECE_H

#include <stddef.h>

typedef struct weir__piece {
    void *at;
    size_t size;
} weir__piece;

#endif
