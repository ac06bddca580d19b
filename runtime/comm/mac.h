/* SPDX-License-Identifier: Apache-2.0
 *
 * BLAKE2s (RFC 7693) with a key: how processes prove to each other that they know the cluster's
 * secret without sending it. Pure.
 */
#ifndef WEIR_COMM_MAC_H
#define WEIR_COMM_MAC_H

#include <weir/base.h>

enum { WEIR__MAC_BYTES = 32, WEIR__MAC_KEY_MAX = 32 };

/* 32 bytes of the data under a key of up to 32 bytes (may be none). */
void weir__mac(const void *key, size_t key_size, const void *data, size_t size,
               unsigned char out[WEIR__MAC_BYTES]);
/* Compares without telling by its time where they differ. */
bool weir__mac_equal(const unsigned char *a, const unsigned char *b);

#endif
