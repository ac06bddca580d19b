/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of every kind, macros of records used in several ways, with every warning on.
 */
#include <weir/record.h>

#define ALL(F)                                                                                     \
    F(flag, a) F(i8, b) F(i16, c) F(i32, d) F(i64, e) F(u8, f) F(u16, g) F(u32, h) F(u64, i)       \
    F(f32, j) F(f64, k) F(str, l) F(bytes, m) F(decimal(2), n) F(date, o) F(instant, p)
#define NULLS(F)                                                                                   \
    F(opt_flag, a) F(opt_i8, b) F(opt_i16, c) F(opt_i32, d) F(opt_i64, e) F(opt_u8, f)             \
    F(opt_u16, g) F(opt_u32, h) F(opt_u64, i) F(opt_f32, j) F(opt_f64, k) F(opt_str, l)            \
    F(opt_bytes, m) F(opt_decimal(2), n) F(opt_date, o) F(opt_instant, p)
WEIR_RECORD(all, ALL)
WEIR_RECORD(nulls, NULLS)

/* A record's and a field's name may be those of the macros' own parameters. */
#define T_LIST(F) F(str, T) F(i64, K) F(i64, s) F(i64, out) F(i64, value) F(i64, fields)
WEIR_RECORD(T, T_LIST)

void emit(weir_out(all) to_all, weir_out(nulls) to_nulls, weir_out(T) to_t);
void emit(weir_out(all) to_all, weir_out(nulls) to_nulls, weir_out(T) to_t)
{
    all_emit(to_all, (all){ .l = weir_str_copy(to_all, weir_str_of("text")), .n = { 5 } });
    nulls_emit(to_nulls, (nulls){ .e = { true, 5 }, .n = { true, { 5 } } });
    T_emit(to_t, (T){ .T = weir_str_format(to_t, "%d", 5), .K = 1 });
}

weir_order order(void);
weir_order order(void)
{
    weir_stream(T) stream = { .port = NULL };
    return (WEIR_CHECK_(WEIR_KEY_FITS_(stream, WEIR_KEY(T, T, K, s)), "nested"),
            weir_order_then(WEIR_ASC(T, T), WEIR_DESC(T, value, fields)));
}
