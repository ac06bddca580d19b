/* expect: weir_interval_join\(.*the first stream does not carry */
/* SPDX-License-Identifier: Apache-2.0 */
#include <weir/operators/interval_join.h>

#define CLICK(F) F(u32, user) F(i64, at)
#define VIEW(F) F(i64, at) F(u32, user)
WEIR_RECORD(click, CLICK)
WEIR_RECORD(view, VIEW)

static void first(const click *c, const view *v, weir_out(click) out)
{
    (void)v;
    click_emit(out, *c);
}
WEIR_JOIN(first, click, view, click)

weir_port *build(weir_stream(click) c, weir_stream(view) v);
weir_port *build(weir_stream(click) c, weir_stream(view) v)
{
#ifdef WRONG
    return weir_interval_join(v, WEIR_KEY(view, user), at, v, WEIR_KEY(view, user), at, first).port;
#else
    return weir_interval_join(c, WEIR_KEY(click, user), at, v, WEIR_KEY(view, user), at, first,
                              .high = 5).port;
#endif
}
