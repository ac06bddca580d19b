/* SPDX-License-Identifier: Apache-2.0
 *
 * An open hash table by word, of a fixed size that is far more than the words of the cases.
 */
#include "counts.h"

#include <stdlib.h>
#include <string.h>

#include "../bench.h"

#define SLOTS (1u << 18)
#define WORD_SIZE 48

typedef struct entry {
    char word[WORD_SIZE];
    uint32_t length;      /* 0: free */
    int32_t partition;
    uint64_t hash, count;
} entry;

struct counts {
    size_t used;
    entry slots[SLOTS];
};

counts *counts_create(void)
{
    counts *table = calloc(1, sizeof(*table));
    if (!table)
        bench_fail("no memory for the counts");
    return table;
}

void counts_destroy(counts *table)
{
    free(table);
}

static uint64_t count_of(const rd_kafka_message_t *m)
{
    static const char field[] = "\"count\":";
    const char *at = m->len ? memmem(m->payload, m->len, field, sizeof(field) - 1) : NULL;
    if (!at)
        bench_fail("a value without \"count\": %.*s", (int)m->len, (const char *)m->payload);
    const char *end = (const char *)m->payload + m->len;
    uint64_t count = 0;
    for (at += sizeof(field) - 1; at < end && (*at == ' ' || (*at >= '0' && *at <= '9')); at++)
        count = *at == ' ' ? count : count * 10 + (uint64_t)(*at - '0');
    return count;
}

void counts_put(counts *table, const rd_kafka_message_t *m)
{
    if (m->key_len == 0 || m->key_len > WORD_SIZE)
        bench_fail("a key of %zu bytes is no word", m->key_len);
    uint64_t hash = bench_fnv1a(BENCH_FNV_START, m->key, m->key_len);
    size_t slot = hash % SLOTS;
    while (table->slots[slot].length && (table->slots[slot].hash != hash ||
                                         table->slots[slot].length != m->key_len ||
                                         memcmp(table->slots[slot].word, m->key, m->key_len) != 0))
        slot = (slot + 1) % SLOTS;
    entry *e = &table->slots[slot];
    if (e->length == 0) {
        if (++table->used > SLOTS / 2)
            bench_fail("more than %u words", SLOTS / 2);
        memcpy(e->word, m->key, m->key_len);
        e->length = (uint32_t)m->key_len;
        e->hash = hash;
        e->partition = m->partition;
    } else if (e->partition != m->partition) {
        bench_fail("%.*s is in partitions %d and %d", (int)e->length, e->word, e->partition,
                   m->partition);
    }
    e->count = count_of(m);
}

size_t counts_distinct(const counts *table)
{
    return table->used;
}

uint64_t counts_answer(const counts *table)
{
    uint64_t answer = 0;
    for (size_t i = 0; i < SLOTS; i++)
        answer += table->slots[i].hash * table->slots[i].count;
    return answer;
}
