/* SPDX-License-Identifier: Apache-2.0
 *
 * As-of joins in scopes: which part of a large group a change concerns.
 */
#ifndef WEIR_OPERATORS_ASOF_WINDOW_H
#define WEIR_OPERATORS_ASOF_WINDOW_H

#include "parts.h"
#include "window.h"

/* Of groups as asof_node.h has them; places of a window are times. `ctx` is their parts. */
void weir__asof_touch(const void *record, weir__window *window, const void *ctx);
weir_status weir__asof_read(struct weir__correct *c, weir_cursor *in, weir_cursor *out,
                            const void *ctx);

#endif
