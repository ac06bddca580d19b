/* SPDX-License-Identifier: Apache-2.0
 *
 * A network in memory: what processes that run in one thread are connected by. Bytes of a stream
 * keep their order; with delays they come and go in pieces of random size, or not yet.
 */
#ifndef WEIR_TESTS_HARNESS_NET_H
#define WEIR_TESTS_HARNESS_NET_H

#include "env/net.h"

typedef struct weir__test_hub weir__test_hub;

weir__test_hub *weir__test_hub_create(uint64_t seed, bool delays);
void weir__test_hub_destroy(weir__test_hub *hub);
/* The table of all its processes; lives as long as the hub. */
weir_net *weir__test_hub_net(weir__test_hub *hub);
/* Streams that are open at either end. */
unsigned weir__test_hub_open(const weir__test_hub *hub);
/* Breaks the i-th stream that was opened, at both ends, with what is under way. */
void weir__test_hub_break(weir__test_hub *hub, unsigned i);
/* From now on nobody takes what is written. */
void weir__test_hub_stop(weir__test_hub *hub);
/* Ends that are watched for whether they can be written. */
unsigned weir__test_hub_wanted(const weir__test_hub *hub);
/* Ends that are watched for nothing that comes. */
unsigned weir__test_hub_unread(const weir__test_hub *hub);
/* Whether who waits for this stream or listener would be woken. */
bool weir__test_hub_ready(const weir__test_hub *hub, int stream_or_listener);
/* What the end may still read: how many bytes, and where they lie. */
size_t weir__test_hub_look(const weir__test_hub *hub, int stream, const char **bytes);
bool weir__test_hub_is_stream(int stream_or_listener);
/* The number of the other end. */
int weir__test_hub_other(int stream);
/* Breaks one stream at both ends. */
void weir__test_hub_cut(weir__test_hub *hub, int stream);

#endif
