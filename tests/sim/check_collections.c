/* SPDX-License-Identifier: Apache-2.0
 *
 * The seeds of collections that every change of the library has to pass, and that each operator is
 * in their plans.
 */
#include "forms.h"

enum { COLLECTIONS = 1200 };

/* Every fourth seed; under a sanitizer, where one takes four times as long, every sixth. */
#ifdef __SANITIZE_ADDRESS__
enum { EACH = 6 };
#else
enum { EACH = 4 };
#endif

START_TEST(seeds_of_collections)
{
    for (uint64_t seed = SIM_PLAIN + 1; seed <= SIM_PLAIN + COLLECTIONS; seed += EACH)
        sim_expect_pass(&(sim_limits){ .seed = seed });
}
END_TEST

enum { FORMS = 120, DEPTHS = 4 };

static void count_forms(const sim_plan *plan, unsigned (*drawn)[DEPTHS])
{
    for (unsigned i = 0; i < plan->op_count; i++)
        for (unsigned f = 0; plan->ops[i].form && sim_form_at(f); f++)
            if (sim_form_at(f) == plan->ops[i].form)
                drawn[f][sim_depth(plan, &plan->ops[i])]++;
}

/* Each operator is in some of the plans, in the root and where it may in scopes of scopes; some
 * sources are inputs, and some imports begin where nobody keeps what was. */
START_TEST(every_form_is_drawn)
{
    unsigned drawn[FORMS][DEPTHS] = { { 0 } }, inputs = 0, late = 0;
    sim_plan *plan = calloc(2, sizeof *plan);
    for (uint64_t seed = SIM_PLAIN + 1; seed <= SIM_PLAIN + COLLECTIONS; seed += 2) {
        sim_plan_draw(plan, &(sim_limits){ .seed = seed });
        count_forms(plan, drawn);
        for (unsigned i = 0; i < plan->op_count; i++)
            inputs += plan->ops[i].by_handle;
        for (unsigned flow = 1; flow < plan->flow_count; flow++) {
            sim_plan_draw_more(&plan[1], plan, flow);
            count_forms(&plan[1], drawn);
            for (unsigned i = 0; i < plan[1].op_count; i++)
                late += plan[1].ops[i].begins_late && !sim_keeps_history(plan);
        }
    }
    const sim_form *form;
    for (unsigned f = 0; (form = sim_form_at(f)); f++) {
        ck_assert_uint_lt(f, FORMS);
        ck_assert_msg(drawn[f][1] > 2, "%s: %u times in the root", form->name, drawn[f][1]);
        if (!(form->flags & (SIM_OUTSIDE | SIM_LONG)))
            ck_assert_msg(drawn[f][2] + drawn[f][3] > 0, "%s: never in a scope", form->name);
        if (!(form->flags & (SIM_OUTSIDE | SIM_LONG)) && form->rounds == 0)
            ck_assert_msg(drawn[f][2] > 0 && drawn[f][3] > 0,
                          "%s: %u times in a scope, %u in a scope of a scope", form->name,
                          drawn[f][2], drawn[f][3]);
    }
    ck_assert_uint_gt(inputs, 100);
    ck_assert_uint_gt(late, 10);
    free(plan);
}
END_TEST

static void expect_small(const sim_plan *plan, const sim_plan *first)
{
    ck_assert_msg(sim_scratch_fits(plan, first), "seed %llu: with %u records it is too much",
                  (unsigned long long)plan->seed, plan->input_count);
}

/* Also where what another dataflow has made is too much by itself, and with one record only. */
START_TEST(plans_stay_small)
{
    sim_plan *plan = calloc(2, sizeof *plan);
    for (uint64_t seed = SIM_PLAIN + 1; seed <= SIM_PLAIN + COLLECTIONS; seed += EACH)
        for (unsigned records = 0; records < 2; records++) {
            sim_plan_draw(&plan[0], &(sim_limits){ .seed = seed, .records = records });
            expect_small(&plan[0], NULL);
            for (unsigned flow = 1; flow < plan[0].flow_count; flow++) {
                sim_plan_draw_more(&plan[1], &plan[0], flow);
                expect_small(&plan[1], &plan[0]);
            }
        }
    free(plan);
}
END_TEST

/* Seeds beyond those above, which have failed once. */
START_TEST(seeds_that_have_failed)
{
    sim_expect_pass(&(sim_limits){ .seed = 1795714907671 }); /* an import was too much */
    sim_expect_pass(&(sim_limits){ .seed = 1795726003345, /* took 100,615 turns */
                                   .schedule = 6,
                                   .processes = 2,
                                   .workers = 2,
                                   .flows = 1,
                                   .nodes = 3,
                                   .records = 35 });
    sim_expect_pass(&(sim_limits){ .seed = 1795767652745 }); /* a removal made a replay fail */
}
END_TEST

/* In some of the plans runs lie in files, and small ones beside them in memory; and views are read
 * on the way. */
START_TEST(runs_lie_in_files_and_views_are_read)
{
    uint64_t segments[2] = { 0, 0 }, shown = 0;
    for (uint64_t seed = SIM_PLAIN + 1; seed <= SIM_PLAIN + 120; seed++) {
        sim_outcome outcome;
        if (seed % 2 == 0)
            continue;
        sim_run_once(&(sim_limits){ .seed = seed }, &outcome);
        ck_assert_msg(!outcome.failed, "seed %llu: %s", (unsigned long long)seed, outcome.text);
        segments[seed % 3 == 0] += outcome.segments;
        shown += outcome.shown;
    }
    ck_assert_uint_eq(segments[0], 0);
    ck_assert_uint_gt(segments[1], 100);
    ck_assert_uint_gt(shown, 100);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        seeds_of_collections, seeds_that_have_failed, runs_lie_in_files_and_views_are_read,
        plans_stay_small,     every_form_is_drawn,    NULL
    };
#ifdef __SANITIZE_ADDRESS__ /* the others only draw plans, the same as everywhere */
    tests[3] = NULL;
#endif
    return test_run(test_suite("collections", tests));
}
