/* expect: F\(decimal, price\): a decimal needs a scale of 0 to 38, as in decimal\(2\) */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/record.h>

#ifdef WRONG
#define SALE(F) F(str, product) F(decimal, price)
#else
#define SALE(F) F(str, product) F(decimal(2), price)
#endif
WEIR_RECORD(sale, SALE)
