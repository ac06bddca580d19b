/* SPDX-License-Identifier: Apache-2.0
 *
 * The tests of strings once more, without what the header does with vectors.
 */
#undef __SSE2__
#include "check_str.c"
