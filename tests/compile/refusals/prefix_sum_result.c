/* expect: weir_prefix_sum\(.*must have the kinds of the key, in order, then that of the field */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/prefix_sum.h>

#define ENTRY(F) F(str, account) F(date, day) F(i64, cents)
#define BALANCE(F) F(str, account) F(date, day) F(i64, cents)
#define OTHER(F) F(str, account) F(i64, cents)
WEIR_RECORD(entry, ENTRY)
WEIR_RECORD(balance, BALANCE)
WEIR_RECORD(other, OTHER)

weir_port *build(weir_stream(entry) e);
weir_port *build(weir_stream(entry) e)
{
#ifdef WRONG
    return weir_prefix_sum(e, other, WEIR_KEY(entry, account), day, cents).port;
#else
    return weir_prefix_sum(e, balance, WEIR_KEY(entry, account), day, cents).port;
#endif
}
