/* expect: WEIR_RECORD\(large\): over 64 fields */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/record.h>

#define EIGHT(F, a) F(u8, a##1) F(u8, a##2) F(u8, a##3) F(u8, a##4) F(u8, a##5) F(u8, a##6)        \
    F(u8, a##7) F(u8, a##8)
#define SIXTY_FOUR(F) EIGHT(F, a) EIGHT(F, b) EIGHT(F, c) EIGHT(F, d) EIGHT(F, e) EIGHT(F, f)      \
    EIGHT(F, g) EIGHT(F, h)
#ifdef WRONG
#define LARGE(F) SIXTY_FOUR(F) F(u8, last)
#else
#define LARGE(F) SIXTY_FOUR(F)
#endif
WEIR_RECORD(large, LARGE)
