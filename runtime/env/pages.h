/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages of a block that is not freed yet.
 */
#ifndef WEIR_ENV_PAGES_H
#define WEIR_ENV_PAGES_H

#include <stddef.h>

/* What these bytes held is needed no more: the system gets back the pages that lie in them as a
 * whole, and whoever touches them again finds zeros, or what was there. Large blocks are given back
 * in pieces so, since freeing one takes as long as it has pages. */
void weir__pages_give_back(void *at, size_t size);

#endif
