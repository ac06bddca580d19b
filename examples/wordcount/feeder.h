/* SPDX-License-Identifier: Apache-2.0
 *
 * Real text into a topic, at a steady pace: a second dataflow, on a thread of its own. It also
 * sends single words on demand, by which the demonstration measures how long one takes to be
 * counted.
 */
#ifndef FEEDER_H
#define FEEDER_H

#include <weir/base.h>

typedef struct feeder feeder;

/* Reads the text: the files named (ended by NULL), or, without any, the machine's licences and
 * documentation. Starts writing `rate` lines a second, over and over. */
feeder *feeder_start(const char *brokers, const char *topic, const char *const *files, double rate,
                     weir_error *error);
/* Sends a line that is this word. False: the feeder has ended. Any one thread. */
bool feeder_send(feeder *f, const char *word);
/* Ends it, and says on standard error if it failed. */
void feeder_stop(feeder *f);

#endif
