/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams that a thread reads, over loopback: every byte once and in order, a sender that is faster
 * than who takes, ends after what was said before them, and word of when it can be written again.
 */
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "env/net.h"
#include "support.h"

enum { PIECE = 10007, MANY = 64 << 20 };

/* One end read by a thread, the other by hand. */
typedef struct pair {
    weir_net *below, *net, *other;
    int stream, far;
    uint64_t written, taken; /* by the far end, by ours */
    char room[1 << 16];
} pair;

static void await(const weir_net *net)
{
    test_wait_to_read(net->fd, "something in a stream");
}

static pair *create(void)
{
    static pair p;
    weir_error error = { 0 };
    char address[40];
    memset(&p, 0, sizeof p);
    test_address(address, sizeof address);
    p.below = weir__net_tcp_create(&error);
    p.net = weir__net_thread_create(p.below, &error);
    ck_assert_msg(p.net != NULL, "%s", error.what);
    p.other = weir__net_tcp_create(&error);
    int listener = p.net->listen(p.net->ctx, address, &error);
    ck_assert_int_ge(listener, 0);
    p.far = p.other->connect(p.other->ctx, address, &error);
    ck_assert_int_ge(p.far, 0);
    await(p.net); /* before the start as well */
    p.stream = p.net->accept(p.net->ctx, listener);
    ck_assert_int_ge(p.stream, 0);
    await(p.other);
    ck_assert_int_eq(p.other->state(p.other->ctx, p.far, &error), WEIR_NET_CONNECTED);
    p.other->want(p.other->ctx, p.far, true, false);
    p.net->close(p.net->ctx, listener);
    ck_assert(weir__net_thread_start(p.net));
    return &p;
}

static void destroy(pair *p)
{
    if (p->far >= 0)
        p->other->close(p->other->ctx, p->far);
    if (p->stream >= 0)
        p->net->close(p->net->ctx, p->stream);
    weir__net_thread_destroy(p->net);
    weir__net_tcp_destroy(p->below);
    weir__net_tcp_destroy(p->other);
}

/* The byte at a place of the stream. */
static char byte_at(uint64_t place) { return (char)(place * 31 + place / 251); }

/* As much of a piece as goes; how much. */
static int64_t put(weir_net *net, int number, uint64_t *written)
{
    char bytes[PIECE];
    for (unsigned i = 0; i < PIECE; i++)
        bytes[i] = byte_at(*written + i);
    weir_net_part parts[2] = { { bytes, PIECE / 3 }, { bytes + PIECE / 3, PIECE - PIECE / 3 } };
    int64_t n = net->write(net->ctx, number, parts, 2, NULL);
    if (n < 0)
        ck_abort_msg("it cannot be written");
    *written += (uint64_t)n;
    return n;
}

/* What is there, checked; -1: it has ended. */
static int64_t take(pair *p, weir_net *net, int number, weir_error *error)
{
    int64_t n = net->read(net->ctx, number, p->room, sizeof p->room, error);
    int64_t same = 0;
    while (same < n && p->room[same] == byte_at(p->taken + (uint64_t)same))
        same++;
    if (same < n)
        ck_abort_msg("another byte at %lu", (unsigned long)(p->taken + (uint64_t)same));
    p->taken += n > 0 ? (uint64_t)n : 0;
    return n;
}

static void take_all(pair *p, weir_net *net, int number, uint64_t until)
{
    while (p->taken < until) {
        await(net);
        if (take(p, net, number, NULL) < 0)
            ck_abort_msg("it has ended");
    }
}

START_TEST(every_byte_once_and_in_order)
{
    pair *p = create();
    while (p->written < 8u << 20)
        if (put(p->other, p->far, &p->written) == 0) {
            await(p->net);
            while (take(p, p->net, p->stream, NULL) > 0)
                ;
        }
    take_all(p, p->net, p->stream, p->written);
    ck_assert_int_eq(p->net->read(p->net->ctx, p->stream, p->room, 1, NULL), 0);
    destroy(p);
}
END_TEST

/* Nobody takes: the sender comes to a stand long before all memory is full. */
START_TEST(a_fast_sender_has_to_wait)
{
    pair *p = create();
    /* once is not enough: it may have been faster than the thread */
    for (unsigned stands = 0; stands < 20000 && p->written < MANY; stands++)
        if (put(p->other, p->far, &p->written) == 0)
            sched_yield();
        else
            stands = 0;
    ck_assert_uint_lt(p->written, MANY);
    take_all(p, p->net, p->stream, p->written);
    destroy(p);
}
END_TEST

START_TEST(an_end_comes_after_what_was_said)
{
    pair *p = create();
    weir_error error = { 0 };
    for (unsigned i = 0; i < 20; i++)
        put(p->other, p->far, &p->written);
    p->other->close(p->other->ctx, p->far);
    p->far = -1;
    int64_t n;
    do {
        await(p->net);
        n = take(p, p->net, p->stream, &error);
    } while (n >= 0);
    ck_assert_uint_eq(p->taken, p->written);
    ck_assert_str_eq(error.what, "its connection was closed");
    await(p->net); /* it stays so */
    ck_assert_int_eq(p->net->read(p->net->ctx, p->stream, p->room, 1, &error), -1);
    destroy(p);
}
END_TEST

START_TEST(it_is_told_when_it_can_write)
{
    pair *p = create();
    uint64_t out = 0;
    for (unsigned round = 0; round < 5; round++) {
        while (put(p->net, p->stream, &out) == PIECE)
            ;
        p->net->want(p->net->ctx, p->stream, true, true);
        take_all(p, p->other, p->far, out);
        await(p->net);
        ck_assert_int_eq(p->net->read(p->net->ctx, p->stream, p->room, 1, NULL), 0);
    }
    destroy(p);
}
END_TEST

static bool is_woken(const weir_net *net)
{
    struct pollfd p = { .fd = net->fd, .events = POLLIN };
    return poll(&p, 1, 0) == 1;
}

/* What lies in a stream that is not wanted to read wakes nobody, and is there afterwards. */
static void leave_unread(pair *p, weir_net *net, int number, uint64_t *written)
{
    weir_net *from = net == p->net ? p->other : p->net;
    int to = net == p->net ? p->far : p->stream;
    net->want(net->ctx, number, false, false);
    while (put(from, to, written) > 0) /* until there is no room */
        ;
    ck_assert(!is_woken(net));
    net->want(net->ctx, number, true, false);
    p->taken = 0;
    take_all(p, net, number, *written);
}

START_TEST(what_is_not_wanted_wakes_nobody)
{
    pair *p = create();
    uint64_t out = 0;
    leave_unread(p, p->net, p->stream, &p->written);
    leave_unread(p, p->other, p->far, &out);
    destroy(p);
}
END_TEST

/* Nor does its end, which is told as soon as it is wanted again. */
START_TEST(an_end_that_is_not_wanted_wakes_nobody)
{
    pair *p = create();
    weir_error error = { 0 };
    p->other->want(p->other->ctx, p->far, false, false);
    struct pollfd gone = { .fd = p->far }; /* its errors, which nobody has to ask for */
    while (put(p->other, p->far, &p->written) > 0) /* what is not read makes the end an error */
        ;
    p->other->want(p->other->ctx, p->far, false, false);
    p->net->close(p->net->ctx, p->stream);
    p->stream = -1;
    ck_assert_int_eq(poll(&gone, 1, TEST_PATIENCE_MS), 1);
    ck_assert(!is_woken(p->other));
    p->other->want(p->other->ctx, p->far, true, false);
    ck_assert(is_woken(p->other));
    ck_assert_int_lt(p->other->read(p->other->ctx, p->far, p->room, sizeof p->room, &error), 0);
    destroy(p);
}
END_TEST

int main(void)
{
    return test_run(test_suite("net_thread", (const TTest *const[]){
        every_byte_once_and_in_order, a_fast_sender_has_to_wait, an_end_comes_after_what_was_said,
        it_is_told_when_it_can_write, what_is_not_wanted_wakes_nobody,
        an_end_that_is_not_wanted_wakes_nobody, NULL }));
}
