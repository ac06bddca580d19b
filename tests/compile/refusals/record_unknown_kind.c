/* expect: unknown type name .weir_kind_u46. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/record.h>

#ifdef WRONG
#define EVENT(F) F(str, name) F(u46, number)
#else
#define EVENT(F) F(str, name) F(u64, number)
#endif
WEIR_RECORD(event, EVENT)
