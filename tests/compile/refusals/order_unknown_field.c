/* expect: no member named .taken_at. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/record.h>

#ifdef WRONG
#define AT taken_at
#else
#define AT at
#endif
#define PAYMENT(F) F(str, card) F(instant, at)
WEIR_RECORD(payment, PAYMENT)

weir_order by_time(void);
weir_order by_time(void)
{
    return WEIR_ASC(payment, AT);
}
