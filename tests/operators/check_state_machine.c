/* SPDX-License-Identifier: Apache-2.0
 *
 * state_machine: states across epochs, in their order; a state that is done with begins anew.
 */
#include <weir/operators/state_machine.h>

#include <weir/test.h>
#include <weir/weir.h>

#include "support.h"

#define PAGE(F) F(str, user) F(u64, id) F(flag, is_last)
#define SESSION(F) F(str, first_user) F(u64, pages) F(u64, last_id)
#define SUMMARY(F) F(str, user) F(u64, pages)
WEIR_RECORD(page, PAGE)
WEIR_RECORD(session, SESSION)
WEIR_RECORD(summary, SUMMARY)

static bool visit(const page *p, session *s, weir_out(summary) out)
{
    if (s->pages == 0)
        s->first_user = p->user;
    ck_assert(weir_str_equal(&s->first_user, &p->user));
    ck_assert_uint_ge(p->id / 100, s->last_id / 100); /* epochs in order */
    s->last_id = p->id;
    s->pages++;
    if (!p->is_last)
        return false;
    summary_emit(out, (summary){ p->user, s->pages });
    return true;
}
WEIR_STATE_MACHINE(visit, page, session, summary)

static void build(weir_graph *g, void *ctx)
{
    (void)ctx;
    weir_test_output(
        weir_state_machine(weir_test_input(g, page), WEIR_KEY(page, user), visit));
}

START_TEST(until_they_are_done)
{
    static const char *const users[] = { "a", "a user with many letters", "c" };
    for (unsigned workers = 1; workers <= 3; workers++) {
        weir_test *t = weir_test_create(build, NULL, .workers = workers, .batch_bytes = 200);
        for (uint64_t epoch = 6; epoch-- > 0;) /* the last one first */
            for (uint64_t u = 0; u < 3; u++) {
                for (uint64_t i = 0; i < u + 2; i++)
                    weir_test_push_on(t, 0, 0, page, epoch, +1,
                                      { weir_str_of(users[u]), 100 * epoch + i,
                                        epoch % 2 == 1 && i == u + 1 });
            }
        ck_assert_int_eq(weir_test_finish(t), WEIR_OK);
        ck_assert_uint_eq(weir_test_count(t, 0), 9);
        for (size_t k = 0; k < 9; k++) {
            weir_test_change c = weir_test_at(t, 0, k);
            const summary *s = c.record;
            uint64_t u = 0;
            for (weir_str user = weir_str_of(users[u]); !weir_str_equal(&user, &s->user);)
                user = weir_str_of(users[++u]);
            ck_assert_uint_eq(c.time.at[0] % 2, 1);
            ck_assert_uint_eq(s->pages, 2 * (u + 2));
        }
        weir_test_destroy(t);
    }
}
END_TEST

int main(void)
{
    return test_run(test_suite("state_machine", (const TTest *const[]){
        until_they_are_done, NULL }));
}
