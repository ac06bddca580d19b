/* SPDX-License-Identifier: Apache-2.0
 *
 * Graph algorithms on a graph that changes: links between the pages of a small web come and go, and
 * after each change the program shows the rank of each page, and which pages lie on a ring: one can
 * click from each of them to each other. Both are corrected, not computed anew; whole numbers and
 * fixed points make them the same on any number of workers.
 *
 *     $ links
 *     epoch 0: the reference and the shop lead home
 *       home       rank 4.729639, in the ring of home
 *       guide      rank 2.970682, in the ring of home
 *       …
 */
#include <inttypes.h>
#include <stdio.h>

#include <weir/weir.h>

#include "../no_options.h"

enum { PAGES = 5, EPOCHS = 3 };

static const char *const names[PAGES] = { "home", "guide", "reference", "blog", "shop" };
static const char *const titles[EPOCHS] = {
    "the reference and the shop lead home",
    "the blog links to the shop",
    "the reference no longer leads back",
};

typedef struct program {
    weir_input(weir_edge) links;
    weir_captured *ranks, *rings;
} program;

static void build(weir_graph *g, void *ctx)
{
    program *p = ctx;
    weir_stream(weir_edge) links =
        weir_input_add(g, weir_edge, &p->links, .manual = true, .collection = true);
    weir_capture(weir_pagerank(links), p->ranks);
    weir_capture(weir_strongly_connected_components(links), p->rings);
}

static void feed(weir_worker *worker, void *ctx)
{
    enum { HOME, GUIDE, REFERENCE, BLOG, SHOP };
    static const struct {
        uint64_t epoch;
        weir_edge link;
        int64_t diff;
    } changes[] = {
        { 0, { HOME, GUIDE }, +1 }, { 0, { GUIDE, REFERENCE }, +1 }, { 0, { REFERENCE, HOME }, +1 },
        { 0, { HOME, BLOG }, +1 },  { 0, { SHOP, HOME }, +1 },       { 1, { BLOG, SHOP }, +1 },
        { 2, { REFERENCE, HOME }, -1 },
    };
    program *p = ctx;
    weir_input_handle(weir_edge) links = weir_input_open(p->links, weir_worker_index(worker));
    size_t count = weir_worker_index(worker) == 0 ? sizeof changes / sizeof *changes : 0;
    for (size_t i = 0; i < count; i++) {
        weir_time epoch = weir_time_1(changes[i].epoch);
        weir_input_advance_to(links, &epoch);
        while (weir_input_change(links, weir_edge, changes[i].link, changes[i].diff) == WEIR_FULL)
            if (!weir_worker_step(worker)) /* it makes room */
                return;
    }
    weir_input_close(links);
}

/* A page has one rank and one label at a time, so what was added and taken away sums to it. */
static void print(const program *p)
{
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        int64_t ranks[PAGES] = { 0 };
        uint64_t rings[PAGES] = { 0 };
        for (unsigned w = 0; w < weir_captured_workers(p->ranks); w++)
            for (size_t k = 0; k < weir_captured_count(p->ranks, w); k++) {
                weir_capture_entry e = weir_captured_at(p->ranks, w, k);
                const weir_rank *r = e.record;
                if (e.time.at[0] <= epoch)
                    ranks[r->node] += e.diff * r->rank;
            }
        for (unsigned w = 0; w < weir_captured_workers(p->rings); w++)
            for (size_t k = 0; k < weir_captured_count(p->rings, w); k++) {
                weir_capture_entry e = weir_captured_at(p->rings, w, k);
                const weir_label *l = e.record;
                if (e.time.at[0] <= epoch)
                    rings[l->node] += (uint64_t)e.diff * l->label;
            }
        printf("epoch %" PRIu64 ": %s\n", epoch, titles[epoch]);
        for (int i = 0; i < PAGES; i++)
            printf("  %-9s  rank %.6f, in the ring of %s\n", names[i], (double)ranks[i] / 1e6,
                   names[rings[i]]);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return no_options(argv, "links");
    weir_error error = { .status = WEIR_OK };
    char text[1600];
    program p = { .ranks = weir_captured_create(), .rings = weir_captured_create() };
    weir_config config = { .struct_size = sizeof config, .workers = 2, .worker_main = feed,
                           .ctx = &p };
    if (!p.ranks || !p.rings || weir_run(&config, build, &p, &error) != WEIR_OK) {
        fprintf(stderr, "links: %s\n", weir_error_text(&error, text, sizeof text));
        return 1;
    }
    print(&p);
    weir_captured_destroy(p.ranks);
    weir_captured_destroy(p.rings);
    return fflush(stdout) == 0 ? 0 : 1;
}
