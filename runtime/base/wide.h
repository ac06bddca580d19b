/* SPDX-License-Identifier: Apache-2.0
 *
 * An integer in which 64-bit numbers are added up, as many as there are: whether the sum fits into
 * 64 bits does not depend on their order then.
 */
#ifndef WEIR_BASE_WIDE_H
#define WEIR_BASE_WIDE_H

__extension__ typedef __int128 weir__wide;

#endif
