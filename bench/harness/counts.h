/* SPDX-License-Identifier: Apache-2.0
 *
 * The last count of each word in a topic that a word count has written.
 */
#ifndef BENCH_COUNTS_H
#define BENCH_COUNTS_H

#include <librdkafka/rdkafka.h>

typedef struct counts counts;

counts *counts_create(void);
void counts_destroy(counts *table);
/* Takes a message: the key is the word, the value a JSON object with the field count. Ends the
 * program if it is neither, or if a word is found in two partitions (then none is the last). */
void counts_put(counts *table, const rd_kafka_message_t *message);
size_t counts_distinct(const counts *table);
/* The sum of FNV-1a(word) x count. */
uint64_t counts_answer(const counts *table);

#endif
