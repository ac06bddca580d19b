/* SPDX-License-Identifier: Apache-2.0
 *
 * Text in memory, split into words, exchanged by word, counted. The text enters as lines: pieces of
 * about 16 KiB that end after a blank, 64 an epoch, no more than four epochs open, as on the peer's
 * side. Each change of a count is added up as it comes, by the rank of its word; the words are
 * hashed after the time is taken, as on the peer's side.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "text.h"

enum { PIECE = 16 << 10, PIECES = 64, OPEN = 4, STEP_PIECES = 32, AHEAD = 64 };

#define LINE(F) F(str, text)
#define WORD(F) F(str, text)
#define WORD_COUNT(F) F(str, word) F(i64, count)
WEIR_RECORD(line, LINE)
WEIR_RECORD(word, WORD)
WEIR_RECORD(word_count, WORD_COUNT)

static void split_words(const line *in, weir_out(word) out)
{
    weir_split words = weir_split_of(&in->text, ' ');
    for (weir_str token; weir_split_next(&words, &token);)
        word_emit(out, (word){ .text = token });
}
WEIR_FLAT_MAP(split_words, line, word)

/* A source of pieces: the texts outlive the run, so records just point into them. */
typedef struct source {
    char **blocks;
    uint64_t block_count, block, at, epoch;
    int pieces; /* of the open epoch */
    uint64_t ordered; /* epochs that may be sent */
    weir_waker *waker;
} source;

static source sources[WEIR_WORKERS_MAX];

static weir_status source_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)ctx;
    (void)error;
    source *s = &sources[weir_step_worker(step)];
    s->waker = weir_step_waker(step);
    *state = s;
    return WEIR_OK;
}

static uint64_t piece_end(const char *block, uint64_t at)
{
    uint64_t least = at + PIECE;
    if (least >= BENCH_TEXT_BLOCK)
        return BENCH_TEXT_BLOCK;
    const char *blank = memchr(block + least - 1, ' ', BENCH_TEXT_BLOCK - least + 1);
    return blank ? (uint64_t)(blank - block) + 1 : BENCH_TEXT_BLOCK;
}

static void source_step(weir_step *step, void *state)
{
    source *s = state;
    if (!weir_cap_held(step, 0) || !s->ordered)
        return;
    /* A part of an epoch a step: the words are counted before they leave the cache. */
    if (s->epoch < s->ordered && s->block < s->block_count) {
        weir_time now = weir_time_1(s->epoch);
        weir_out(line) out = { .builder = weir_step_output(step, 0, &now) };
        const char *block = s->blocks[s->block];
        for (int i = 0; i < STEP_PIECES && s->at < BENCH_TEXT_BLOCK && s->pieces < PIECES; i++) {
            uint64_t end = piece_end(block, s->at);
            line_emit(out, (line){ weir_str_view(block + s->at, end - s->at) });
            s->at = end;
            s->pieces++;
        }
        if (s->pieces == PIECES || s->at == BENCH_TEXT_BLOCK) {
            s->pieces = 0;
            weir_time next = weir_time_1(++s->epoch);
            weir_cap_downgrade(step, 0, &next);
        }
        if (s->at == BENCH_TEXT_BLOCK) {
            s->at = 0;
            s->block++;
        }
        weir_step_again(step);
    }
    if (s->block == s->block_count)
        weir_cap_drop(step, 0);
}

/* What a worker was told of each word's count, by rank. */
static int32_t *told[WEIR_WORKERS_MAX];

static void sum_step(weir_step *step, void *state)
{
    int32_t *counts = state;
    for (const weir_batch *batch; (batch = weir_step_take(step, 0));) {
        const word_count *records = batch->records;
        for (size_t from = 0, n; from < batch->count; from += n) {
            int32_t *at[AHEAD]; /* asked for together: each lies somewhere else */
            n = batch->count - from < AHEAD ? batch->count - from : AHEAD;
            for (size_t i = 0; i < n; i++) {
                const weir_str *text = &records[from + i].word;
                at[i] = &counts[bench_text_rank(weir_str_data(text), text->len)];
                __builtin_prefetch(at[i], 1);
            }
            for (size_t i = 0; i < n; i++)
                *at[i] += (int32_t)(records[from + i].count * weir_batch_diff(batch, from + i));
        }
    }
}

static weir_status sum_init(weir_step *step, void *ctx, void **state, weir_error *error)
{
    (void)ctx;
    (void)error;
    *state = told[weir_step_worker(step)] = calloc(BENCH_TEXT_WORDS, sizeof(int32_t));
    return *state ? WEIR_OK : WEIR_NO_MEMORY;
}

/* The answer's share: words, and the sum of hash × count. */
static void sum_end(const bench_text *text, bench_share *share, int32_t *counts)
{
    for (uint32_t rank = 0; rank < BENCH_TEXT_WORDS; rank++) {
        size_t length;
        const char *letters = bench_text_word(text, rank, &length);
        share->answer[0] += (uint64_t)counts[rank];
        share->answer[1] +=
            (uint64_t)counts[rank] * bench_fnv1a(BENCH_FNV_START, letters, length);
    }
    free(counts);
}

static void build(weir_graph *graph, void *ctx)
{
    bench_case *c = ctx;
    weir_node_output lines_out = { .type = line_type() };
    weir_node *node = weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "text", .output_count = 1,
        .outputs = &lines_out, .initial_capabilities = true, .init = source_init,
        .step = source_step }, NULL);
    weir_stream(line) lines = { .port = weir_node_output_port(node, 0) };
    weir_stream(word) words = weir_flat_map(lines, split_words);
    weir_stream(word_count) counts = weir_count(words, word_count, WEIR_KEY(word, text));
    weir_node_input in = { .type = word_count_type(), .takes_diffs = true };
    weir_node_output out = { .type = word_count_type() };
    weir_node *sum = weir_node_add(graph, &(weir_node_spec){
        .struct_size = sizeof(weir_node_spec), .kind = "sum", .input_count = 1, .inputs = &in,
        .output_count = 1, .outputs = &out,
        .init = sum_init, .step = sum_step },
        &counts.port);
    c->probe = weir_probe_add(weir_node_output_port(sum, 0), "counted");
}

static void run(weir_worker *worker, void *ctx)
{
    bench_case *c = ctx;
    unsigned index = weir_worker_index(worker);
    bench_share *share = &c->shares[index];
    source *s = &sources[index];
    bench_text *text = bench_text_create();
    uint64_t blocks = c->options.mib / (BENCH_TEXT_BLOCK >> 20);
    s->blocks = calloc(blocks + 1, sizeof *s->blocks);
    for (uint64_t b = index; b < blocks; b += weir_worker_count(worker)) {
        s->blocks[s->block_count] = malloc(BENCH_TEXT_BLOCK);
        bench_text_fill(text, b, s->blocks[s->block_count++]);
    }
    weir_worker_step(worker);
    bench_meet(c, worker);
    double start = bench_seconds();
    s->ordered = OPEN;
    weir_wake(s->waker);
    for (uint64_t done = 0; !weir_probe_done(c->probe, worker);) {
        weir_time next = weir_time_1(done + 1);
        if (!weir_probe_less_than(c->probe, worker, &next)) {
            done++;
            s->ordered = done + OPEN;
            weir_wake(s->waker);
            continue;
        }
        if (!weir_worker_step_or_park(worker, UINT64_MAX))
            break;
    }
    share->seconds = bench_seconds() - start;
    sum_end(text, share, told[index]);
    bench_text_destroy(text);
    for (uint64_t b = 0; b < s->block_count; b++)
        free(s->blocks[b]);
    free(s->blocks);
}

int main(int argc, char **argv)
{
    static bench_case c;
    c.options = bench_options_read(argc, argv, 1);
    bench_run(&c, build, run);
    uint64_t words = bench_total(&c, 0);
    bench_answer("%llu", (unsigned long long)bench_total(&c, 1));
    if (c.options.processes > 1)
        printf("of %llu\n", (unsigned long long)words);
    bench_cost(bench_slowest(&c) * 1e9 / (double)words, "ns/word");
    return 0;
}
