/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz targets for what processes of a cluster send each other: frames, and a mesh that a stranger
 * or a peer joins. Included by targets.h.
 */
#ifndef WEIR_TESTS_FUZZ_CLUSTER_H
#define WEIR_TESTS_FUZZ_CLUSTER_H

#include "comm/mesh_inside.h"
#include "comm/note.h"

/* ---- frames: what a get gives is written by its put, and comes back ---- */

static inline void fuzz_frame_read(const unsigned char *room, size_t size, weir__frame *frame)
{
    fuzz_promise(weir__frame_read(room, size, size, frame, NULL) == (int64_t)size);
}

static inline void fuzz_frame_join(const weir__frame *frame)
{
    unsigned char room[WEIR__FRAME_ROOM];
    weir__frame again;
    weir__hello hello, hello_again;
    weir__facts facts, facts_again;
    const unsigned char *mac = weir__frame_get_proof(frame);
    if (weir__frame_get_hello(frame, &hello)) {
        fuzz_frame_read(room, weir__frame_put_hello(room, &hello), &again);
        fuzz_promise(frame->kind == WEIR__FRAME_HELLO &&
                     weir__frame_get_hello(&again, &hello_again));
        fuzz_promise(hello.protocol == hello_again.protocol &&
                     hello.process == hello_again.process &&
                     hello.processes == hello_again.processes &&
                     memcmp(hello.nonce, hello_again.nonce, WEIR__NONCE_BYTES) == 0);
    }
    if (mac) {
        fuzz_frame_read(room, weir__frame_put_proof(room, mac), &again);
        fuzz_promise(frame->kind == WEIR__FRAME_PROOF && weir__frame_get_proof(&again) &&
                     memcmp(mac, weir__frame_get_proof(&again), WEIR__MAC_BYTES) == 0);
    }
    if (weir__frame_get_facts(frame, &facts)) {
        fuzz_frame_read(room, weir__frame_put_facts(room, &facts, 0), &again);
        fuzz_promise(frame->kind == WEIR__FRAME_FACTS &&
                     weir__frame_get_facts(&again, &facts_again) &&
                     facts.seed == facts_again.seed &&
                     facts.incarnation == facts_again.incarnation);
    }
}

static inline void fuzz_frame_run(const weir__frame *frame)
{
    unsigned char room[WEIR__FRAME_ROOM];
    weir__frame again;
    weir__data data, data_again;
    weir__credited credit, credit_again;
    if (weir__frame_get_data(frame, &data)) {
        fuzz_frame_read(room, weir__frame_put_data(room, &data, 0), &again);
        fuzz_promise(frame->kind == WEIR__FRAME_DATA &&
                     weir__frame_get_data(&again, &data_again) &&
                     memcmp(&data, &data_again, sizeof data) == 0);
    }
    if (weir__frame_get_credit(frame, &credit)) {
        fuzz_frame_read(room, weir__frame_put_credit(room, &credit), &again);
        fuzz_promise(frame->kind == WEIR__FRAME_CREDIT &&
                     weir__frame_get_credit(&again, &credit_again) &&
                     credit.dataflow == credit_again.dataflow && credit.from == credit_again.from &&
                     credit.to == credit_again.to && credit.bytes == credit_again.bytes);
    }
}

/* A note's texts are as long as the frame. */
static inline void fuzz_frame_note(const weir__frame *frame)
{
    weir__frame again;
    weir__note note, note_again;
    if (!weir__note_get(frame, &note))
        return;
    size_t room_size = WEIR__FRAME_ROOM + frame->body_size;
    unsigned char *room = weir_alloc_must(room_size);
    size_t size = weir__note_put(room, &note);
    fuzz_promise(frame->kind == WEIR__FRAME_COMMAND && size <= room_size);
    fuzz_frame_read(room, size, &again);
    fuzz_promise(weir__note_get(&again, &note_again) && note.kind == note_again.kind &&
                 note.process == note_again.process && note.dataflow == note_again.dataflow &&
                 note.status == note_again.status && note.number == note_again.number &&
                 note.layouts == note_again.layouts &&
                 weir_str_equal(&note.first, &note_again.first) &&
                 weir_str_equal(&note.second, &note_again.second) &&
                 weir_str_equal(&note.data, &note_again.data));
    weir_free(room, room_size);
}

/* The text that was cut to `most` bytes. */
static inline bool fuzz_cut(const weir_str *whole, const weir_str *cut, size_t most)
{
    return cut->len == (whole->len < most ? whole->len : most) &&
           memcmp(weir_str_data(whole), weir_str_data(cut), cut->len) == 0;
}

static inline void fuzz_frame_texts(const weir__frame *frame)
{
    unsigned char room[WEIR__FRAME_HEAD_MAX];
    weir__frame again;
    weir__complaint complaint, complaint_again;
    weir_str fact[2];
    size_t at = 0, before = 0;
    bool bad;
    if (weir__frame_get_complaint(frame, &complaint)) {
        size_t size = weir__frame_put_complaint(room, frame->kind, &complaint);
        fuzz_promise(size <= sizeof room);
        fuzz_frame_read(room, size, &again);
        fuzz_promise(weir__frame_get_complaint(&again, &complaint_again) &&
                     complaint.status == complaint_again.status &&
                     complaint.again == complaint_again.again &&
                     fuzz_cut(&complaint.what, &complaint_again.what, 511) &&
                     fuzz_cut(&complaint.detail, &complaint_again.detail, 511) &&
                     fuzz_cut(&complaint.hint, &complaint_again.hint, 511));
    }
    for (; weir__frame_next_fact(frame, &at, fact, &bad); before = at)
        fuzz_promise(!bad && at <= frame->body_size &&
                     at - before > (size_t)fact[0].len + fact[1].len);
    fuzz_promise(bad || at == frame->body_size);
}

/* Frames one behind the other, up to what is none. */
static inline void fuzz_frame(const char *data, size_t size)
{
    weir__frame frame, again;
    weir_error error = { .status = WEIR_OK };
    int64_t got;
    for (size_t at = 0; (got = weir__frame_read(data + at, size - at, WEIR__FRAME_MAX, &frame,
                                                &error)) > 0;
         at += (size_t)got) {
        fuzz_promise((size_t)got <= size - at && error.status == WEIR_OK &&
                     (size_t)got == WEIR__FRAME_PREFIX + frame.head_size + frame.body_size);
        fuzz_promise(weir__frame_read(data + at, (size_t)got - 1, WEIR__FRAME_MAX, &again,
                                      &error) == 0);
        fuzz_frame_join(&frame);
        fuzz_frame_run(&frame);
        fuzz_frame_note(&frame);
        fuzz_frame_texts(&frame);
    }
    fuzz_promise(got == 0 || ((error.status == WEIR_BAD_DATA || error.status == WEIR_TOO_LARGE) &&
                              error.what[0] != '\0'));
}

/* ---- a mesh of two processes, one of which is whoever sends these bytes ---- */

typedef struct fuzz_peer {
    char known[200]; /* what a peer says that has proved itself: sent first */
    size_t known_size, at;
    const char *data;
    size_t size, step;
    bool called; /* by us: it does not come itself */
    bool came, open, ends, slow;
} fuzz_peer;

static inline int fuzz_net_listen(void *ctx, const char *address, weir_error *error)
{
    (void)ctx, (void)address, (void)error;
    return 0;
}

static inline int fuzz_net_connect(void *ctx, const char *address, weir_error *error)
{
    fuzz_peer *peer = ctx;
    (void)address;
    if (peer->came) {
        weir_error_set(error, WEIR_UNAVAILABLE, "it is gone");
        return -1;
    }
    peer->came = peer->open = true;
    return 1;
}

static inline weir_net_state fuzz_net_state(void *ctx, int stream, weir_error *error)
{
    const fuzz_peer *peer = ctx;
    (void)error;
    fuzz_promise(stream == 1 && peer->open);
    return WEIR_NET_CONNECTED;
}

static inline int fuzz_net_accept(void *ctx, int listener)
{
    const fuzz_peer *peer = ctx;
    fuzz_promise(listener == 0);
    return peer->came || peer->called ? -1 : fuzz_net_connect(ctx, "", NULL);
}

static inline int64_t fuzz_net_read(void *ctx, int stream, void *room, size_t size,
                                    weir_error *error)
{
    fuzz_peer *peer = ctx;
    bool known = peer->at < peer->known_size;
    size_t at = known ? peer->at : peer->at - peer->known_size;
    size_t left = known ? peer->known_size - at : peer->size - at;
    fuzz_promise(stream == 1 && peer->open && size > 0);
    if (left == 0 && peer->ends) {
        weir_error_set(error, WEIR_UNAVAILABLE, "its connection was closed");
        return -1;
    }
    size = size < peer->step ? size : peer->step;
    size = size < left ? size : left;
    if (size)
        memcpy(room, (known ? peer->known : peer->data) + at, size);
    peer->at += size;
    return (int64_t)size;
}

static inline int64_t fuzz_net_write(void *ctx, int stream, const weir_net_part *parts,
                                     unsigned count, weir_error *error)
{
    const fuzz_peer *peer = ctx;
    size_t total = 0;
    (void)error;
    fuzz_promise(stream == 1 && peer->open);
    for (unsigned i = 0; i < count; i++)
        for (size_t k = 0; k < parts[i].size; k++)
            total += 1 + 0 * ((const volatile char *)parts[i].data)[k]; /* all of it is there */
    return (int64_t)(peer->slow ? total / 2 : total);
}

static inline void fuzz_net_close(void *ctx, int stream)
{
    fuzz_peer *peer = ctx;
    fuzz_promise(stream == 0 || peer->open);
    peer->open = peer->open && stream == 0;
}

static inline void fuzz_net_want(void *ctx, int stream, bool read, bool write)
{
    (void)read;
    (void)write;
    fuzz_promise(stream == 1 && ((fuzz_peer *)ctx)->open);
}

static inline uint64_t fuzz_env_random(void *ctx)
{
    (void)ctx;
    return 0x0807060504030201;
}

static inline weir_status fuzz_host_frame(void *ctx, unsigned process, const weir__frame *frame,
                                          weir_error *error)
{
    (void)ctx, (void)error;
    fuzz_promise(process < 2 && frame->kind < WEIR__FRAME_KINDS);
    fuzz_frame_run(frame);
    return WEIR_OK;
}

static inline void fuzz_host_stop(void *ctx) { (void)ctx; }

/* The greeting and the proof of `other`, who knows the secret. */
static inline void fuzz_peer_prove(fuzz_peer *peer, uint32_t self, uint32_t other)
{
    unsigned char nonces[2][WEIR__NONCE_BYTES], mac[WEIR__MAC_BYTES], key[WEIR__MAC_BYTES];
    unsigned char text[sizeof nonces + 8];
    unsigned char *room = (unsigned char *)peer->known;
    uint64_t own = fuzz_env_random(NULL);
    uint32_t parties[2] = { other, self };
    memset(nonces, 'n', sizeof nonces);
    for (int i = 0; i < 2; i++) /* the caller's is the first: of the higher number */
        memcpy(nonces[self == 0] + 8 * i, &own, 8);
    weir__hello hello = { WEIR__PROTOCOL, other, 2, nonces[self != 0] };
    memcpy(text, nonces, sizeof nonces);
    memcpy(text + sizeof nonces, parties, 8);
    weir__mac(NULL, 0, "secret", 6, key);
    weir__mac(key, sizeof key, text, sizeof text, mac);
    peer->known_size = weir__frame_put_hello(room, &hello);
    peer->known_size += weir__frame_put_proof(room + peer->known_size, mac);
}

/* The first byte says who we are, whether the other has proved himself before, how the stream
 * behaves, and how many bytes come at once. Who has not proved himself is not among us. */
static inline void fuzz_handshake(const char *data, size_t size)
{
    unsigned how = size ? (unsigned char)data[0] : 0, self = how & 1;
    fuzz_peer peer = { .data = data + !!size, .size = size - !!size, .called = self == 1,
                       .ends = how & 4, .slow = how & 8,
                       .step = how < 0x80 ? 1 << 20 : 1 + (how >> 4 & 7) * 5 };
    if (how & 2)
        fuzz_peer_prove(&peer, self, !self);
    const weir_net net = { &peer, fuzz_net_listen, fuzz_net_connect, fuzz_net_state,
                           fuzz_net_accept, fuzz_net_read, fuzz_net_write, fuzz_net_close, -1,
                           fuzz_net_want };
    weir_env env = { .random_u64 = fuzz_env_random };
    weir__pool *pool = weir__pool_create();
    weir__mesh *mesh = weir__mesh_create(&(weir__mesh_options){
        .env = &env, .net = &net, .pool = pool, .processes = 2, .process = self,
        .hosts = "a:1,b:2", .secret = "secret", .connect_ns = 2000000000, .beat_ns = 100000000,
        .silence_ns = 1000000000, .host = { NULL, fuzz_host_frame, fuzz_host_stop } }, NULL);
    fuzz_promise(mesh != NULL);
    weir__mesh_add_fact(mesh, "version", "1");
    weir__mesh_add_fact(mesh, "graph", "a graph that is told by a long text");
    for (uint64_t turn = 1; turn <= 12; turn++) {
        (void)weir__mesh_poll(mesh, turn * 250000000);
        weir__mesh_flush(mesh);
        if (turn == 8 && weir__mesh_joined(mesh))
            weir__mesh_goodbye(mesh);
    }
    const weir_error *failure = weir__mesh_failure(mesh);
    fuzz_promise(!failure || (failure->status > WEIR_OK && failure->status <= WEIR_CANCELLED &&
                              failure->what[0] != '\0'));
    fuzz_promise(!weir__mesh_joined(mesh) || how & 2);
    weir__mesh_destroy(mesh);
    fuzz_promise(!peer.open);
    weir__pool_close(pool);
}

#endif
