/* SPDX-License-Identifier: Apache-2.0
 *
 * The mesh over a network in memory, on a virtual clock: joining, each refusal with its sentence on
 * both sides, late and silent processes, goodbyes, and strangers who send what they like.
 */
#include "comm/mesh.h"

#include <stdio.h>
#include <string.h>

#include <weir/memory.h>

#include "harness/harness.h"
#include "harness/net.h"
#include "support.h"

enum { PROCESSES_MAX = 4 };
#define MS UINT64_C(1000000)

typedef struct process {
    weir__mesh *mesh;
    weir__test_env *env;
    weir__pool *pool;
    unsigned frames, stops;
    char last[100]; /* body of the last frame */
} process;

typedef struct cluster {
    weir__test_hub *hub;
    uint64_t now_ns;
    unsigned count;
    process of[PROCESSES_MAX];
} cluster;

static char logged[20000];

static void on_log(weir_log_level level, const char *text, void *ctx)
{
    (void)level;
    (void)ctx;
    size_t at = strlen(logged);
    snprintf(logged + at, sizeof logged - at, "%s\n", text);
}

static weir_status on_frame(void *ctx, unsigned from, const weir__frame *frame, weir_error *error)
{
    process *p = ctx;
    (void)from;
    if (frame->kind != WEIR__FRAME_PROGRESS)
        return weir_error_set(error, WEIR_BAD_DATA, "a frame that nobody wanted");
    p->frames++;
    snprintf(p->last, sizeof p->last, "%.*s", (int)frame->body_size, (const char *)frame->body);
    return WEIR_OK;
}

static void on_stop(void *ctx)
{
    ((process *)ctx)->stops++;
}

static cluster *cluster_create(unsigned count, uint64_t seed, bool delays)
{
    cluster *c = weir_alloc_zero(sizeof *c);
    c->hub = weir__test_hub_create(seed, delays);
    c->count = count;
    c->now_ns = 1000 * MS;
    logged[0] = 0;
    weir_log_set(on_log, NULL, WEIR_LOG_DEBUG);
    return c;
}

static weir__mesh_options options_of(cluster *c, unsigned p)
{
    static char hosts[100];
    hosts[0] = 0;
    for (unsigned i = 0; i < c->count; i++)
        snprintf(hosts + strlen(hosts), sizeof hosts - strlen(hosts), "%sh%u:21", i ? "," : "", i);
    process *me = &c->of[p];
    return (weir__mesh_options){ .net = weir__test_hub_net(c->hub), .processes = c->count,
                                 .process = p, .hosts = hosts, .connect_ns = 10000 * MS,
                                 .beat_ns = 1000 * MS, .silence_ns = 5000 * MS,
                                 .host = { me, on_frame, on_stop } };
}

static void add(cluster *c, unsigned p, weir__mesh_options options)
{
    process *me = &c->of[p];
    weir_error error = { 0 };
    me->env = weir__test_env_create(1, 17 + p + c->now_ns, false);
    me->pool = weir__pool_create();
    options.env = weir__test_env_table(me->env);
    options.pool = me->pool;
    me->mesh = weir__mesh_create(&options, &error);
    ck_assert_msg(me->mesh != NULL, "%s", error.what);
}

static void add_all(cluster *c)
{
    for (unsigned p = 0; p < c->count; p++)
        add(c, p, options_of(c, p));
}

static void away(cluster *c, unsigned p)
{
    process *me = &c->of[p];
    if (!me->mesh)
        return;
    weir__mesh_destroy(me->mesh);
    weir__pool_close(me->pool);
    weir__test_env_destroy(me->env);
    *me = (process){ 0 };
}

static void cluster_destroy(cluster *c)
{
    for (unsigned p = 0; p < c->count; p++)
        away(c, p);
    ck_assert_uint_eq(weir__test_hub_open(c->hub), 0);
    weir__test_hub_destroy(c->hub);
    weir_free(c, sizeof *c);
    weir_log_set(NULL, NULL, WEIR_LOG_OFF);
}

/* One turn of each, then time passes. */
static void turn(cluster *c, uint64_t ms)
{
    for (unsigned p = 0; p < c->count; p++)
        if (c->of[p].mesh) {
            weir__mesh_poll(c->of[p].mesh, c->now_ns);
            weir__mesh_flush(c->of[p].mesh);
        }
    c->now_ns += ms * MS;
}

static void turns(cluster *c, unsigned n, uint64_t ms)
{
    while (n--)
        turn(c, ms);
}

static bool all_joined(const cluster *c)
{
    for (unsigned p = 0; p < c->count; p++)
        if (!c->of[p].mesh || !weir__mesh_joined(c->of[p].mesh))
            return false;
    return true;
}

static void join(cluster *c)
{
    for (int i = 0; i < 2000 && !all_joined(c); i++)
        turn(c, 2);
    ck_assert_msg(all_joined(c), "%s", logged);
}

static void put(process *p, unsigned to, const char *body)
{
    weir__wire *wire = weir__mesh_wire(p->mesh, to);
    ck_assert_ptr_nonnull(wire);
    unsigned char *room = weir__wire_room(wire, WEIR__FRAME_ROOM + strlen(body));
    size_t head = weir__frame_put_plain(room, WEIR__FRAME_PROGRESS, strlen(body));
    memcpy(room + head, body, strlen(body));
    weir__wire_commit(wire, head + strlen(body));
}

static void fails_with(const cluster *c, unsigned p, const char *what)
{
    const weir_error *error = weir__mesh_failure(c->of[p].mesh);
    ck_assert_msg(error != NULL, "process %u does not fail; log: %s", p, logged);
    ck_assert_msg(strstr(error->what, what) != NULL, "process %u: '%s' is not in '%s'", p, what,
                  error->what);
}

/* ---- joining ---- */

START_TEST(all_join_and_agree)
{
    for (uint64_t seed = 1; seed < 20; seed++) {
        cluster *c = cluster_create(1 + 1 + seed % 3, seed, true);
        add_all(c);
        join(c);
        for (unsigned p = 1; p < c->count; p++)
            ck_assert_uint_eq(weir__mesh_seed(c->of[0].mesh), weir__mesh_seed(c->of[p].mesh));
        ck_assert_uint_ne(weir__mesh_seed(c->of[0].mesh), 0);
        for (unsigned p = 0; p < c->count; p++)
            for (unsigned q = 0; q < c->count; q++)
                if (p != q)
                    put(&c->of[p], q, "hello");
        turns(c, 200, 0);
        for (unsigned p = 0; p < c->count; p++) {
            ck_assert_uint_eq(c->of[p].frames, c->count - 1);
            ck_assert_str_eq(c->of[p].last, "hello");
        }
        cluster_destroy(c);
    }
}
END_TEST

/* Whether a connection can be written is asked for only while something waits for it. */
START_TEST(writing_is_watched_only_when_it_waits)
{
    static char large[20000];
    unsigned seen = 0;
    memset(large, 'x', sizeof large - 1);
    cluster *c = cluster_create(2, 3, true);
    add_all(c);
    join(c);
    for (int i = 0; i < 20; i++) {
        put(&c->of[0], 1, large);
        turns(c, 1, 0);
        seen += weir__test_hub_wanted(c->hub);
    }
    ck_assert_uint_gt(seen, 0);
    turns(c, 2000, 0);
    ck_assert_uint_eq(c->of[1].frames, 20);
    ck_assert_uint_eq(weir__test_hub_wanted(c->hub), 0);
    cluster_destroy(c);
}
END_TEST

START_TEST(they_come_in_any_order)
{
    for (unsigned first = 0; first < 3; first++) {
        cluster *c = cluster_create(3, 5, false);
        for (unsigned k = 0; k < 3; k++) {
            add(c, (first + k) % 3, options_of(c, (first + k) % 3));
            turns(c, 20, 50);
        }
        join(c);
        ck_assert_ptr_nonnull(strstr(logged, "waiting for process"));
        cluster_destroy(c);
    }
}
END_TEST

START_TEST(who_is_missing_is_named)
{
    cluster *c = cluster_create(3, 5, false);
    add(c, 1, options_of(c, 1));
    turns(c, 99, 100);
    ck_assert_ptr_null(weir__mesh_failure(c->of[1].mesh));
    turns(c, 3, 100);
    fails_with(c, 1, "processes 0 (h0:21), 2 (h2:21) did not come within 10 s");
    ck_assert_ptr_nonnull(strstr(weir__mesh_failure(c->of[1].mesh)->detail, "nobody listens"));
    cluster_destroy(c);
}
END_TEST

START_TEST(one_that_dies_while_joining_may_come_again)
{
    cluster *c = cluster_create(3, 5, false);
    add(c, 0, options_of(c, 0));
    add(c, 1, options_of(c, 1));
    turns(c, 50, 10);
    away(c, 1);
    turns(c, 50, 10);
    add(c, 1, options_of(c, 1));
    add(c, 2, options_of(c, 2));
    join(c);
    cluster_destroy(c);
}
END_TEST

/* ---- refusals ---- */

/* Process 0 and 1 of a cluster with the given options; turns until one has failed. */
static cluster *refused(const weir__mesh_options *first, const weir__mesh_options *second)
{
    cluster *c = cluster_create(2, 5, false);
    weir__mesh_options a = options_of(c, 0), b = options_of(c, 1);
    a.secret = first->secret, b.secret = second->secret;
    a.seed = first->seed, b.seed = second->seed;
    a.incarnation = first->incarnation, b.incarnation = second->incarnation;
    add(c, 0, a);
    add(c, 1, b);
    turns(c, 100, 10);
    ck_assert(!weir__mesh_joined(c->of[0].mesh) && !weir__mesh_joined(c->of[1].mesh));
    return c;
}

START_TEST(another_secret)
{
    static const char *const secrets[][2] = { { "a", "b" }, { "a", NULL }, { NULL, "b" } };
    for (int i = 0; i < 3; i++) {
        cluster *c = refused(&(weir__mesh_options){ .secret = secrets[i][0] },
                             &(weir__mesh_options){ .secret = secrets[i][1] });
        fails_with(c, 1, "another secret");
        ck_assert_ptr_null(weir__mesh_failure(c->of[0].mesh)); /* a stranger does not end it */
        ck_assert_ptr_nonnull(strstr(logged, "process 1 has another secret than process 0"));
        turns(c, 100, 100);
        fails_with(c, 0, "process 1 (h1:21) did not come");
        ck_assert_ptr_nonnull(strstr(weir__mesh_failure(c->of[0].mesh)->detail, "secret"));
        cluster_destroy(c);
    }
    cluster *c = cluster_create(2, 5, false);
    for (unsigned p = 0; p < 2; p++) {
        weir__mesh_options options = options_of(c, p);
        options.secret = "the same";
        add(c, p, options);
    }
    join(c);
    cluster_destroy(c);
}
END_TEST

START_TEST(another_seed_or_incarnation)
{
    cluster *c = refused(&(weir__mesh_options){ .seed = 1 }, &(weir__mesh_options){ .seed = 2 });
    fails_with(c, 0, "the hash seed");
    fails_with(c, 1, "the hash seed");
    cluster_destroy(c);
    c = refused(&(weir__mesh_options){ .incarnation = 1 },
                &(weir__mesh_options){ .incarnation = 2 });
    fails_with(c, 1, "another start of the cluster");
    ck_assert_ptr_nonnull(strstr(logged, "another start of the cluster"));
    cluster_destroy(c);
}
END_TEST

START_TEST(other_facts)
{
    for (int missing = 0; missing < 2; missing++) {
        cluster *c = cluster_create(2, 5, false);
        add_all(c);
        for (unsigned p = 0; p < 2; p++)
            weir__mesh_add_fact(c->of[p].mesh, "the version of Weir", "1");
        weir__mesh_add_fact(c->of[0].mesh, "the graph of dataflow 'main'", "fingerprint 12");
        if (!missing)
            weir__mesh_add_fact(c->of[1].mesh, "the graph of dataflow 'main'", "fingerprint 13");
        turns(c, 100, 10);
        for (unsigned p = 0; p < 2; p++) {
            fails_with(c, p, "the graph of dataflow 'main'");
            fails_with(c, p, missing ? "is not in both" : "fingerprint 13");
        }
        cluster_destroy(c);
    }
}
END_TEST

START_TEST(another_number_of_processes)
{
    cluster *c = cluster_create(2, 5, false);
    weir__mesh_options other = options_of(c, 1);
    other.hosts = "h0:21,h1:21,h2:21";
    other.processes = 3;
    add(c, 0, options_of(c, 0));
    add(c, 1, other);
    turns(c, 100, 10);
    fails_with(c, 1, "one of 3 processes");
    ck_assert_ptr_nonnull(strstr(logged, "one of 3 processes"));
    cluster_destroy(c);
}
END_TEST

START_TEST(hosts_that_cannot_be)
{
    static const char *const hosts[][2] = { { "h0:21", "1 hosts are given for 2" },
                                            { "h0:21,h1:21,h2:21", "3 hosts are given for 2" },
                                            { "h0:21,h1", "'h1' is no address" },
                                            { "h0:21,h1:99999", "no address" },
                                            { "h0:21,::1:21", "no address" },
                                            { "h0:21,:21", "no address" },
                                            { "h0:21,h0:21", "processes 0 and 1 have one" } };
    cluster *c = cluster_create(2, 5, false);
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        weir_error error = { 0 };
        weir__mesh_options options = options_of(c, 1); /* which draws nothing */
        options.hosts = hosts[i][0];
        ck_assert_ptr_null(weir__mesh_create(&options, &error));
        ck_assert_msg(strstr(error.what, hosts[i][1]) != NULL, "%s", error.what);
    }
    cluster_destroy(c);
}
END_TEST

/* ---- strangers ---- */

/* Bytes from somebody who has connected to process 0; whether he was answered by a closed door
 * before `patience` turns of 100 ms. */
static bool stranger(cluster *c, const void *bytes, size_t size, unsigned patience)
{
    weir_net *net = weir__test_hub_net(c->hub);
    weir_error error = { 0 };
    char room[5000];
    int stream = net->connect(net->ctx, "h0:21", &error);
    ck_assert_int_ge(stream, 0);
    for (size_t at = 0; at < size;) {
        weir_net_part part = { (const char *)bytes + at, size - at };
        int64_t put_now = net->write(net->ctx, stream, &part, 1, &error);
        if (put_now < 0)
            break;
        at += (size_t)put_now;
        turn(c, 0);
    }
    bool closed = false;
    for (unsigned i = 0; i < patience && !closed; i++) {
        turn(c, 100);
        while (!closed) {
            int64_t got = net->read(net->ctx, stream, room, sizeof room, &error);
            closed = got < 0;
            if (got == 0)
                break;
        }
    }
    net->close(net->ctx, stream);
    return closed;
}

/* A greeting of the next version's. */
static void greet_by_another_protocol(cluster *c, int stream, unsigned from)
{
    weir_net *net = weir__test_hub_net(c->hub);
    unsigned char room[WEIR__FRAME_HEAD_MAX], nonce[WEIR__NONCE_BYTES] = { 7 };
    weir__hello hello = { WEIR__PROTOCOL + 1, from, 2, nonce };
    weir_net_part part = { room, weir__frame_put_hello(room, &hello) };
    ck_assert_int_eq(net->write(net->ctx, stream, &part, 1, NULL), part.size);
    turns(c, 20, 1);
}

/* Whoever hears it says so, and is told so by the other, which would say the same. */
START_TEST(another_protocol)
{
    cluster *c = cluster_create(2, 5, false);
    weir_net *net = weir__test_hub_net(c->hub);
    unsigned char room[5000];
    add(c, 0, options_of(c, 0));
    int stream = net->connect(net->ctx, "h0:21", NULL);
    greet_by_another_protocol(c, stream, 1);
    int64_t size = net->read(net->ctx, stream, room, sizeof room, NULL), used = 0;
    weir__frame frame = { .kind = WEIR__FRAME_KINDS };
    for (int64_t n = 1; n > 0; used += n)
        n = weir__frame_read(room + used, (size_t)(size - used), sizeof room, &frame, NULL);
    weir__complaint complaint;
    ck_assert_int_eq(frame.kind, WEIR__FRAME_REFUSE);
    ck_assert(weir__frame_get_complaint(&frame, &complaint));
    const char *said = "process 0 speaks protocol 2, process 1 protocol 3";
    ck_assert_int_eq(strncmp(weir_str_data(&complaint.what), said, strlen(said)), 0);
    ck_assert_ptr_nonnull(strstr(logged, said));
    ck_assert_ptr_null(weir__mesh_failure(c->of[0].mesh)); /* a stranger does not end it */
    net->close(net->ctx, stream);
    away(c, 0);

    int listener = net->listen(net->ctx, "h0:21", NULL);
    add(c, 1, options_of(c, 1));
    turns(c, 5, 1);
    stream = net->accept(net->ctx, listener);
    ck_assert_int_ge(stream, 0);
    greet_by_another_protocol(c, stream, 0);
    fails_with(c, 1, "process 1 speaks protocol 2, process 0 protocol 3");
    net->close(net->ctx, stream);
    net->close(net->ctx, listener);
    cluster_destroy(c);
}
END_TEST

START_TEST(garbage_is_turned_away)
{
    uint64_t random = test_seed(7);
    cluster *c = cluster_create(2, 5, false);
    weir__mesh_options options = options_of(c, 0);
    options.connect_ns = 1000000 * MS;
    options.secret = "secret";
    add(c, 0, options);
    turn(c, 1);
    size_t before = weir_memory_used();
    for (int round = 0; round < 200; round++) {
        unsigned char bytes[600];
        size_t size = 8 + test_below(&random, sizeof bytes - 8);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (unsigned char)test_random(&random);
        if (round % 2) { /* looks like a frame, and says that 1 GiB follows */
            memcpy(bytes, &(uint32_t){ round % 4 == 1 ? 1 << 30 : 100 }, 4);
            memcpy(bytes + 4, &(uint16_t){ 10 }, 2);
            bytes[6] = (unsigned char)test_below(&random, WEIR__FRAME_KINDS);
            bytes[7] = WEIR__FRAME_MARK;
        }
        ck_assert(stranger(c, bytes, size, 60));
        ck_assert_uint_lt(weir_memory_used(), before + 300000);
    }
    ck_assert(stranger(c, "", 0, 60)); /* one who says nothing */
    ck_assert_ptr_null(weir__mesh_failure(c->of[0].mesh));
    options = options_of(c, 1);
    options.secret = "secret";
    add(c, 1, options);
    join(c);
    cluster_destroy(c);
}
END_TEST

/* More strangers than there is room for: the one that belongs comes in all the same. */
START_TEST(a_crowd_does_not_keep_the_door_shut)
{
    cluster *c = cluster_create(2, 5, false);
    weir_net *net = weir__test_hub_net(c->hub);
    int streams[100];
    weir__mesh_options patient = options_of(c, 0);
    patient.connect_ns = 100000 * MS;
    add(c, 0, patient);
    for (int i = 0; i < 100; i++)
        streams[i] = net->connect(net->ctx, "h0:21", NULL);
    size_t before = weir_memory_used();
    turns(c, 10, 1);
    ck_assert_uint_lt(weir_memory_used(), before + 20 * 20000);
    weir__mesh_options options = options_of(c, 1);
    options.connect_ns = 100000 * MS;
    add(c, 1, options);
    for (int i = 0; i < 1600 && !all_joined(c); i++)
        turn(c, 50);
    for (int i = 0; i < 100; i++)
        net->close(net->ctx, streams[i]);
    ck_assert_msg(all_joined(c), "%s", logged);
    cluster_destroy(c);
}
END_TEST

/* ---- life and end ---- */

START_TEST(a_silent_process_is_lost)
{
    cluster *c = cluster_create(2, 5, false);
    add_all(c);
    join(c);
    turns(c, 100, 500); /* heartbeats keep both alive */
    ck_assert_ptr_null(weir__mesh_failure(c->of[0].mesh));
    for (int i = 0; i < 12; i++) { /* now only process 0 goes on */
        if (i < 7)
            ck_assert_ptr_null(weir__mesh_failure(c->of[0].mesh));
        weir__mesh_poll(c->of[0].mesh, c->now_ns);
        weir__mesh_flush(c->of[0].mesh);
        c->now_ns += 600 * MS;
    }
    fails_with(c, 0, "process 1 (h1:21) is lost: it was silent for");
    cluster_destroy(c);
}
END_TEST

START_TEST(one_that_slept_itself_blames_nobody)
{
    cluster *c = cluster_create(2, 5, false);
    add_all(c);
    join(c);
    turns(c, 10, 500);
    c->now_ns += 60000 * MS; /* both were away */
    turns(c, 10, 500);
    ck_assert_ptr_null(weir__mesh_failure(c->of[0].mesh));
    ck_assert_ptr_null(weir__mesh_failure(c->of[1].mesh));
    cluster_destroy(c);
}
END_TEST

START_TEST(a_process_that_goes_is_lost)
{
    cluster *c = cluster_create(3, 5, false);
    add_all(c);
    join(c);
    put(&c->of[1], 0, "last words");
    weir__mesh_flush(c->of[1].mesh);
    away(c, 1);
    turns(c, 5, 1);
    ck_assert_str_eq(c->of[0].last, "last words");
    fails_with(c, 0, "process 1 (h1:21) is lost: its connection was closed");
    fails_with(c, 2, "process 1 (h1:21) is lost");
    cluster_destroy(c);
}
END_TEST

static weir_error full_disk(void)
{
    weir_error error = { 0 };
    weir_error_set(&error, WEIR_IO, "the disk is full");
    weir_error_detail(&error, "in operator 'sink' on worker 1");
    return error;
}

static void is_told(cluster *c, unsigned p)
{
    const weir_error *told = weir__mesh_failure(c->of[p].mesh);
    ck_assert_ptr_nonnull(told);
    ck_assert_str_eq(told->what, "the disk is full");
    ck_assert_int_eq(told->status, WEIR_IO);
    ck_assert_ptr_nonnull(strstr(told->detail, "told by process 1: in operator 'sink'"));
}

/* Also where the connection takes a part of it at a time, or nothing for a while. */
START_TEST(a_failure_is_told)
{
    for (uint64_t seed = 1; seed < 30; seed++) {
        cluster *c = cluster_create(3, seed, seed > 1);
        weir_error error = full_disk();
        add_all(c);
        join(c);
        for (unsigned i = 0; i < 50; i++)
            put(&c->of[1], 0, "something that is said before it");
        weir__mesh_fail(c->of[1].mesh, &error);
        for (unsigned i = 0; i < 1000 && !weir__mesh_has_left(c->of[1].mesh); i++)
            turn(c, 1);
        turns(c, 300, 1);
        is_told(c, 0);
        is_told(c, 2);
        cluster_destroy(c);
    }
}
END_TEST

/* Who reads nothing keeps nobody for longer than a second. */
START_TEST(a_failure_that_nobody_hears)
{
    cluster *c = cluster_create(2, 3, false);
    weir_error error = full_disk();
    add_all(c);
    join(c);
    weir__test_hub_stop(c->hub);
    weir__mesh_fail(c->of[1].mesh, &error);
    ck_assert(!weir__mesh_has_left(c->of[1].mesh));
    ck_assert_uint_lt(weir__mesh_due_ns(c->of[1].mesh), UINT64_MAX);
    weir__test_env_pass_time(c->of[1].env, 1100 * MS);
    ck_assert(weir__mesh_has_left(c->of[1].mesh));
    cluster_destroy(c);
}
END_TEST

/* Two have found each other, and the third is not there yet. */
START_TEST(a_failure_before_all_are_here)
{
    for (uint64_t seed = 1; seed < 30; seed++) {
        cluster *c = cluster_create(3, seed, true);
        weir_error error = full_disk();
        add(c, 0, options_of(c, 0));
        add(c, 1, options_of(c, 1));
        turns(c, 300, 1);
        ck_assert(!weir__mesh_joined(c->of[0].mesh));
        weir__mesh_fail(c->of[1].mesh, &error);
        for (unsigned i = 0; i < 1000 && !weir__mesh_has_left(c->of[1].mesh); i++)
            turn(c, 1);
        turns(c, 300, 1);
        is_told(c, 0);
        cluster_destroy(c);
    }
}
END_TEST

/* Process 0 has both of the others; these do not find each other. Nobody is taken for dead. */
START_TEST(one_that_still_joins_is_not_missed)
{
    cluster *c = cluster_create(3, 5, false);
    add(c, 0, options_of(c, 0));
    add(c, 1, options_of(c, 1));
    weir__mesh_options options = options_of(c, 2);
    options.hosts = "h0:21,elsewhere:21,h2:21";
    add(c, 2, options);
    turns(c, 90, 100); /* 9 s, of which 5 may be silent */
    ck_assert(weir__mesh_joined(c->of[0].mesh));
    ck_assert(!weir__mesh_joined(c->of[1].mesh) && !weir__mesh_joined(c->of[2].mesh));
    for (unsigned p = 0; p < 3; p++)
        ck_assert_ptr_null(weir__mesh_failure(c->of[p].mesh));
    turns(c, 20, 100);
    fails_with(c, 1, "process 2 (h2:21) did not come within 10 s");
    fails_with(c, 2, "process 1 (elsewhere:21) did not come within 10 s");
    cluster_destroy(c);
}
END_TEST

START_TEST(one_that_is_held_is_not_read_and_not_missed)
{
    cluster *c = cluster_create(2, 5, false);
    add_all(c);
    join(c);
    unsigned before = c->of[0].frames;
    put(&c->of[1], 0, "one");
    weir__mesh_hold(c->of[0].mesh, 1, true);
    ck_assert_uint_eq(weir__test_hub_unread(c->hub), 1);
    turns(c, 20, 1000); /* four times the silence that is allowed */
    put(&c->of[1], 0, "two");
    turns(c, 2, 1);
    ck_assert_ptr_null(weir__mesh_failure(c->of[0].mesh));
    ck_assert_uint_eq(c->of[0].frames, before);
    weir__mesh_hold(c->of[0].mesh, 1, false);
    ck_assert_uint_eq(weir__test_hub_unread(c->hub), 0);
    turns(c, 2, 1);
    ck_assert_uint_eq(c->of[0].frames, before + 2);
    ck_assert_str_eq(c->of[0].last, "two");
    cluster_destroy(c);
}
END_TEST

START_TEST(goodbyes_are_no_losses)
{
    for (uint64_t seed = 1; seed < 10; seed++) {
        cluster *c = cluster_create(3, seed, true);
        add_all(c);
        join(c);
        weir__mesh_stop(c->of[2].mesh);
        turns(c, 100, 1);
        ck_assert_uint_eq(c->of[0].stops, 1);
        ck_assert_uint_eq(c->of[1].stops, 1);
        bool over[3] = { false };
        for (int i = 0; i < 3000 && !(over[0] && over[1] && over[2]); i++) {
            for (unsigned p = 0; p < 3; p++) {
                if (over[p] || i < (int)(20 * p))
                    continue;
                weir__mesh_goodbye(c->of[p].mesh);
                over[p] = weir__mesh_is_over(c->of[p].mesh);
                ck_assert_ptr_null(weir__mesh_failure(c->of[p].mesh));
                if (over[p])
                    away(c, p); /* at once */
            }
            turn(c, 1);
        }
        ck_assert(over[0] && over[1] && over[2]);
        cluster_destroy(c);
    }
}
END_TEST

START_TEST(bytes_that_are_no_frame_end_it)
{
    cluster *c = cluster_create(2, 5, false);
    add_all(c);
    join(c);
    weir__wire *wire = weir__mesh_wire(c->of[1].mesh, 0);
    memset(weir__wire_room(wire, 20), 0x11, 20);
    weir__wire_commit(wire, 20);
    turns(c, 3, 1);
    fails_with(c, 0, "process 1 (h1:21) is lost: what arrived is no frame");
    cluster_destroy(c);
    c = cluster_create(2, 5, false);
    add_all(c);
    join(c);
    wire = weir__mesh_wire(c->of[1].mesh, 0);
    unsigned char *room = weir__wire_room(wire, WEIR__FRAME_ROOM);
    weir__wire_commit(wire, weir__frame_put_plain(room, WEIR__FRAME_HELLO, 0));
    turns(c, 3, 1);
    fails_with(c, 0, "nobody wanted"); /* the host's word on it */
    cluster_destroy(c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        all_join_and_agree,
        writing_is_watched_only_when_it_waits,
        they_come_in_any_order,
        who_is_missing_is_named,
        one_that_dies_while_joining_may_come_again,
        another_secret,
        another_seed_or_incarnation,
        other_facts,
        another_protocol,
        another_number_of_processes,
        hosts_that_cannot_be,
        garbage_is_turned_away,
        a_crowd_does_not_keep_the_door_shut,
        a_silent_process_is_lost,
        one_that_slept_itself_blames_nobody,
        a_process_that_goes_is_lost,
        a_failure_is_told,
        a_failure_that_nobody_hears,
        a_failure_before_all_are_here,
        one_that_still_joins_is_not_missed,
        one_that_is_held_is_not_read_and_not_missed,
        goodbyes_are_no_losses,
        bytes_that_are_no_frame_end_it,
        NULL,
    };
    return test_run(test_suite("mesh", tests));
}
