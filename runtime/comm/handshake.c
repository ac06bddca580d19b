/* SPDX-License-Identifier: Apache-2.0
 *
 * Joining: connections are opened and accepted, both sides say who they are, prove that they know
 * the secret, compare the facts that must be the same, and say that they are ready. Until somebody
 * has proved the secret he gets 256 bytes of attention for a few seconds, and few do at a time.
 *
 *   HELLO    protocol, number, number of processes, a nonce       both at once
 *   PROOF    a MAC of both nonces and numbers by the secret       when the other's HELLO is there
 *   FACTS    hash seed, incarnation; version, graphs, layouts     when the proof was right
 *   READY    or REFUSE and a sentence
 *
 * Process 0 draws the seed and the incarnation. The others learn both from it, and only then tell
 * each other their facts: so a process of an earlier life never gets in among later ones.
 */
#include <stdio.h>
#include <string.h>

#include <weir/memory.h>

#include "comm/mesh_inside.h"

#define SECOND_NS UINT64_C(1000000000)
#define PATIENCE_NS (5 * SECOND_NS)   /* with a connection that has not joined */
#define REPORT_NS (10 * SECOND_NS)    /* between two lines about who is missing */
#define TRY_FIRST_NS (20 * UINT64_C(1000000))
#define TRY_MAX_NS SECOND_NS

/* What became of a contact in one turn. */
typedef enum outcome { GOES_ON, WENT_AWAY, REFUSED } outcome;

/* ---- what is sent ---- */

static void say_hello(weir__mesh *mesh, weir__contact *contact)
{
    for (unsigned i = 0; i < WEIR__NONCE_BYTES; i += 8) {
        uint64_t random = mesh->env->random_u64(mesh->env->ctx);
        memcpy(contact->nonce + i, &random, 8);
    }
    weir__hello hello = { WEIR__PROTOCOL, mesh->options.process, mesh->options.processes,
                          contact->nonce };
    unsigned char *room = weir__wire_room(&contact->wire, WEIR__FRAME_ROOM);
    weir__wire_commit(&contact->wire, weir__frame_put_hello(room, &hello));
    contact->state = WEIR__CONTACT_HELLO;
}

/* The MAC of what `from` says: who it is, to whom, and both nonces, the caller's first. */
static void prove(const weir__mesh *mesh, const weir__contact *contact, bool own,
                  unsigned char mac[WEIR__MAC_BYTES])
{
    unsigned char text[2 * WEIR__NONCE_BYTES + 8];
    uint32_t self = mesh->options.process, other = contact->process;
    uint32_t parties[2] = { own ? self : other, own ? other : self };
    memcpy(text, contact->ours ? contact->nonce : contact->their_nonce, WEIR__NONCE_BYTES);
    memcpy(text + WEIR__NONCE_BYTES, contact->ours ? contact->their_nonce : contact->nonce,
           WEIR__NONCE_BYTES);
    memcpy(text + 2 * WEIR__NONCE_BYTES, parties, sizeof parties);
    weir__mac(mesh->key, mesh->key_size, text, sizeof text, mac);
}

static void send_proof(weir__mesh *mesh, weir__contact *contact)
{
    unsigned char mac[WEIR__MAC_BYTES];
    prove(mesh, contact, true, mac);
    unsigned char *room = weir__wire_room(&contact->wire, WEIR__FRAME_ROOM);
    weir__wire_commit(&contact->wire, weir__frame_put_proof(room, mac));
    contact->state = WEIR__CONTACT_PROOF;
}

/* Ours, once we know what process 0 has drawn, or to tell process 0 what was given to us. */
static void send_facts(weir__mesh *mesh, weir__contact *contact)
{
    if (contact->told || !(mesh->agreed || (contact->ours && contact->process == 0)))
        return;
    weir__facts facts = { mesh->seed, mesh->incarnation };
    unsigned char *room = weir__wire_room(&contact->wire, WEIR__FRAME_ROOM + mesh->facts_size);
    size_t head = weir__frame_put_facts(room, &facts, mesh->facts_size);
    if (mesh->facts_size)
        memcpy(room + head, mesh->facts, mesh->facts_size);
    weir__wire_commit(&contact->wire, head + mesh->facts_size);
    contact->told = true;
}

/* Says why, and leaves when that is written. */
static outcome refuse(weir__contact *contact, const weir_error *error, bool again)
{
    weir__complaint complaint = { .status = (uint32_t)error->status, .again = again,
                                  .what = weir_str_of(error->what),
                                  .detail = weir_str_of(error->detail),
                                  .hint = weir_str_of(error->hint) };
    unsigned char *room = weir__wire_room(&contact->wire, WEIR__FRAME_HEAD_MAX);
    weir__wire_commit(&contact->wire,
                      weir__frame_put_complaint(room, WEIR__FRAME_REFUSE, &complaint));
    contact->state = WEIR__CONTACT_LEAVING;
    contact->until_ns = 0;
    contact->ends_us = !again;
    contact->why = *error;
    return GOES_ON;
}

/* ---- what arrives ---- */

static outcome on_hello(weir__mesh *mesh, weir__contact *contact, const weir__frame *frame,
                        weir_error *error)
{
    weir__hello hello;
    unsigned self = mesh->options.process, processes = mesh->options.processes;
    if (!weir__frame_get_hello(frame, &hello)) {
        weir_error_set(error, WEIR_BAD_DATA, "what arrived is no greeting of a process");
        return WENT_AWAY;
    }
    if (hello.protocol != WEIR__PROTOCOL) {
        weir_error_set(error, WEIR_INVALID, "process %u speaks protocol %u, process %u protocol %u",
                       self, WEIR__PROTOCOL, hello.process, hello.protocol);
        weir_error_hint(error, "link all processes with the same version of Weir");
        return refuse(contact, error, !contact->ours);
    }
    bool expected = contact->ours ? hello.process == contact->process
                                  : hello.process > self && hello.process < processes;
    if (hello.processes != processes || !expected) {
        if (hello.processes != processes)
            weir_error_set(error, WEIR_INVALID, "process %u is one of %u processes, process %u "
                           "one of %u", self, processes, hello.process, hello.processes);
        else
            weir_error_set(error, WEIR_INVALID, "a process that says it is number %u came to "
                           "process %u of %u, which waits for another", hello.process, self,
                           processes);
        weir_error_hint(error, "give all processes the same list of hosts, and each its number");
        return refuse(contact, error, !contact->ours);
    }
    contact->process = hello.process;
    memcpy(contact->their_nonce, hello.nonce, WEIR__NONCE_BYTES);
    send_proof(mesh, contact);
    return GOES_ON;
}

static outcome on_proof(weir__mesh *mesh, weir__contact *contact, const weir__frame *frame,
                        weir_error *error)
{
    unsigned char wanted[WEIR__MAC_BYTES];
    const unsigned char *mac = weir__frame_get_proof(frame);
    prove(mesh, contact, false, wanted);
    if (!mac || !weir__mac_equal(mac, wanted)) {
        weir_error_set(error, WEIR_DENIED, "process %u has another secret than process %u",
                       contact->process, mesh->options.process);
        weir_error_hint(error, "give all processes the same secret, or none");
        return refuse(contact, error, !contact->ours);
    }
    weir__peer *peer = &mesh->peers[contact->process];
    if (peer->contact && peer->contact != contact) {
        weir__contact_state state = peer->contact->state;
        if (state == WEIR__CONTACT_READY || state == WEIR__CONTACT_JOINED) {
            weir_error_set(error, WEIR_EXISTS, "process %u is here already", contact->process);
            return refuse(contact, error, true);
        }
        weir__contact_destroy(mesh, peer->contact); /* the later one is the one that lives */
    }
    peer->contact = contact;
    contact->state = WEIR__CONTACT_FACTS;
    send_facts(mesh, contact);
    return GOES_ON;
}

/* What process 0 has drawn, or the same as what we have of it. */
static outcome compare_drawn(weir__mesh *mesh, weir__contact *contact, const weir__facts *theirs,
                             weir_error *error)
{
    unsigned self = mesh->options.process, other = contact->process;
    bool has_drawn = other == 0 || self != 0;
    if (mesh->incarnation && (theirs->incarnation || has_drawn) &&
        theirs->incarnation != mesh->incarnation) {
        weir_error_set(error, WEIR_INVALID, "process %u belongs to another start of the cluster "
                       "than process %u (incarnation %llu, not %llu)", other, self,
                       (unsigned long long)theirs->incarnation,
                       (unsigned long long)mesh->incarnation);
        weir_error_hint(error, "end all processes of the earlier start");
        return refuse(contact, error, !contact->ours || other != 0);
    }
    if (mesh->seed && (theirs->seed || has_drawn) && theirs->seed != mesh->seed) {
        weir_error_set(error, WEIR_INVALID, "process %u has the hash seed %llu, process %u %llu",
                       other, (unsigned long long)theirs->seed, self,
                       (unsigned long long)mesh->seed);
        weir_error_hint(error, "give all processes the same hash seed, or none");
        return refuse(contact, error, false);
    }
    if (other == 0) {
        mesh->seed = theirs->seed;
        mesh->incarnation = theirs->incarnation;
        mesh->agreed = true;
    }
    return GOES_ON;
}

static bool same_text(const weir_str *a, const weir_str *b)
{
    return a->len == b->len && memcmp(weir_str_data(a), weir_str_data(b), a->len) == 0;
}

static outcome differs(weir__mesh *mesh, weir__contact *contact, const weir_str *ours,
                       const weir_str *theirs, weir_error *error)
{
    unsigned self = mesh->options.process, other = contact->process;
    if (same_text(&ours[0], &theirs[0])) {
        weir_error_set(error, WEIR_INVALID, "process %u and process %u differ in %.*s: %.*s and "
                       "%.*s", other, self, (int)ours[0].len, weir_str_data(&ours[0]),
                       (int)(theirs[1].len < 120 ? theirs[1].len : 120), weir_str_data(&theirs[1]),
                       (int)(ours[1].len < 120 ? ours[1].len : 120), weir_str_data(&ours[1]));
    } else {
        const weir_str *extra = ours[0].len ? ours : theirs;
        weir_error_set(error, WEIR_INVALID, "process %u and process %u differ: %.*s is not in "
                       "both", other, self, (int)(extra->len < 200 ? extra->len : 200),
                       weir_str_data(extra));
    }
    weir_error_hint(error, "start the same program with the same options in all processes");
    return refuse(contact, error, false);
}

static outcome on_facts(weir__mesh *mesh, weir__contact *contact, const weir__frame *frame,
                        weir_error *error)
{
    weir__facts theirs;
    weir__frame own = { .kind = WEIR__FRAME_FACTS, .body = mesh->facts,
                        .body_size = mesh->facts_size };
    weir_str a[2] = { { 0 } }, b[2] = { { 0 } };
    bool bad = false, own_bad = false, more = weir__frame_get_facts(frame, &theirs);
    if (!more) {
        weir_error_set(error, WEIR_BAD_DATA, "what process %u tells of itself cannot be read",
                       contact->process);
        return refuse(contact, error, false);
    }
    for (size_t at = 0, own_at = 0; more;) {
        memset(a, 0, sizeof a);
        memset(b, 0, sizeof b);
        bool there = weir__frame_next_fact(frame, &at, b, &bad);
        more = weir__frame_next_fact(&own, &own_at, a, &own_bad) || there;
        if (bad || !same_text(&a[0], &b[0]) || !same_text(&a[1], &b[1]))
            return differs(mesh, contact, a, b, error);
    }
    outcome result = compare_drawn(mesh, contact, &theirs, error);
    if (result != GOES_ON || contact->state == WEIR__CONTACT_LEAVING)
        return result;
    send_facts(mesh, contact);
    unsigned char *room = weir__wire_room(&contact->wire, WEIR__FRAME_ROOM);
    weir__wire_commit(&contact->wire, weir__frame_put_plain(room, WEIR__FRAME_READY, 0));
    contact->agreed = true;
    contact->state = WEIR__CONTACT_READY;
    return GOES_ON;
}

static outcome on_refusal(weir__contact *contact, const weir__frame *frame, weir_error *error)
{
    weir__complaint c;
    if (!weir__frame_get_complaint(frame, &c)) {
        weir_error_set(error, WEIR_BAD_DATA, "what arrived is no frame");
        return WENT_AWAY;
    }
    weir__complaint_error(&c, "another process refuses this one, and does not say why", error);
    if (contact->state >= WEIR__CONTACT_HELLO && contact->ours)
        weir_error_detail(error, "refused by process %u", contact->process);
    /* somebody who has proved nothing does not end this process by a word */
    bool trusted = contact->ours || contact->state >= WEIR__CONTACT_FACTS;
    return trusted && (!c.again || c.status == WEIR_DENIED || c.status == WEIR_INVALID)
               ? REFUSED : WENT_AWAY;
}

static outcome on_frame(weir__mesh *mesh, weir__contact *contact, const weir__frame *frame,
                        weir_error *error)
{
    if (frame->kind == WEIR__FRAME_REFUSE)
        return on_refusal(contact, frame, error);
    if (contact->state == WEIR__CONTACT_HELLO && frame->kind == WEIR__FRAME_HELLO)
        return on_hello(mesh, contact, frame, error);
    if (contact->state == WEIR__CONTACT_PROOF && frame->kind == WEIR__FRAME_PROOF)
        return on_proof(mesh, contact, frame, error);
    if (contact->state == WEIR__CONTACT_FACTS && frame->kind == WEIR__FRAME_FACTS)
        return on_facts(mesh, contact, frame, error);
    if (contact->state == WEIR__CONTACT_READY && frame->kind == WEIR__FRAME_READY) {
        contact->state = WEIR__CONTACT_JOINED;
        return GOES_ON;
    }
    weir_error_set(error, WEIR_BAD_DATA, "what arrived is not what comes next");
    return WENT_AWAY;
}

/* ---- a contact's turn ---- */

static size_t frame_max(const weir__contact *contact)
{
    return contact->state >= WEIR__CONTACT_FACTS ? WEIR__FRAME_FACTS_MAX : WEIR__FRAME_GUEST_MAX;
}

/* Refusals come from whoever we called, and are larger than what guests may send. */
static size_t contact_max(const weir__contact *contact)
{
    size_t max = frame_max(contact);
    return contact->ours && max < WEIR__FRAME_HEAD_MAX ? WEIR__FRAME_HEAD_MAX : max;
}

/* A process that has said it is ready may fail before all others are. What it said before is looked
 * at once all are here, or if its connection ends. */
static bool has_failed(const weir__contact *contact, weir_error *error)
{
    const weir__wire *wire = &contact->wire;
    weir__frame frame;
    int64_t size;
    for (size_t at = wire->taken; contact->state == WEIR__CONTACT_JOINED; at += (size_t)size) {
        weir_error ignored;
        size = weir__frame_read(wire->in + at, wire->filled - at, WEIR__FRAME_MAX, &frame,
                                &ignored);
        if (size <= 0)
            return false;
        if (frame.kind == WEIR__FRAME_FAIL) {
            weir__mesh_told(contact->process, &frame, error);
            return true;
        }
    }
    return false;
}

static outcome contact_read(weir__mesh *mesh, weir__contact *contact, weir_error *error)
{
    weir__frame frame;
    for (;;) {
        int64_t got = weir__wire_fill(&contact->wire, contact_max(contact), error), size = 0;
        mesh->any |= got > 0;
        while (contact->state < WEIR__CONTACT_JOINED &&
               (size = weir__wire_next(&contact->wire, contact_max(contact), &frame, error)) > 0) {
            outcome result = on_frame(mesh, contact, &frame, error);
            if (result != GOES_ON)
                return result;
        }
        if (contact->state == WEIR__CONTACT_LEAVING)
            return GOES_ON;
        if (got < 0 && has_failed(contact, error))
            return REFUSED;
        if (got < 0 || size < 0)
            return WENT_AWAY;
        if (got == 0)
            return GOES_ON;
    }
}

/* The last words of a refusal: a second is enough, or nobody listens. */
static outcome leave(weir__contact *contact, uint64_t now, weir_error *error)
{
    weir_error ignored;
    if (contact->until_ns == 0)
        contact->until_ns = now + SECOND_NS;
    bool written = !weir__wire_flush(&contact->wire, &ignored) || contact->wire.count == 0;
    if (!written && now < contact->until_ns)
        return GOES_ON;
    *error = contact->why;
    return contact->ends_us ? REFUSED : WENT_AWAY;
}

static outcome contact_turn(weir__mesh *mesh, weir__contact *contact, uint64_t now,
                            weir_error *error)
{
    const weir_net *net = mesh->net;
    if (contact->state == WEIR__CONTACT_CONNECTING) {
        weir_net_state state = net->state(net->ctx, contact->wire.stream, error);
        if (state == WEIR_NET_FAILED)
            return WENT_AWAY;
        if (state == WEIR_NET_CONNECTED) {
            net->want(net->ctx, contact->wire.stream, true, false);
            say_hello(mesh, contact);
            mesh->any = true;
        }
    }
    if (contact->state == WEIR__CONTACT_FACTS)
        send_facts(mesh, contact);
    if (contact->state != WEIR__CONTACT_CONNECTING) {
        bool leaves = contact->state == WEIR__CONTACT_LEAVING;
        outcome result = leaves ? GOES_ON : contact_read(mesh, contact, error);
        if (result != GOES_ON)
            return result;
        if (contact->state == WEIR__CONTACT_LEAVING)
            return leave(contact, now, error);
        if (!weir__wire_flush(&contact->wire, error))
            return WENT_AWAY;
    }
    bool waits_for_0 = contact->state == WEIR__CONTACT_FACTS && !contact->told;
    if (contact->state < WEIR__CONTACT_READY && !waits_for_0 && now >= contact->until_ns) {
        weir_error_set(error, WEIR_UNAVAILABLE, "it does not answer");
        return WENT_AWAY;
    }
    return GOES_ON;
}

static weir__contact *contact_create(weir__mesh *mesh, int stream, uint64_t now)
{
    weir__contact *contact = weir_alloc_must(sizeof *contact);
    *contact = (weir__contact){ .process = mesh->options.process, /* nobody, until it is said */
                                .until_ns = now + PATIENCE_NS };
    weir__wire_init(&contact->wire, mesh->net, mesh->options.pool, stream);
    return contact;
}

/* ---- those whom we call ---- */

static void try_later(weir__mesh *mesh, weir__peer *peer, uint64_t now, const weir_error *why)
{
    uint64_t wait = peer->try_wait_ns ? peer->try_wait_ns : TRY_FIRST_NS;
    peer->try_ns = now + wait;
    peer->try_wait_ns = 2 * wait < TRY_MAX_NS ? 2 * wait : TRY_MAX_NS;
    peer->last = *why;
    weir_log(WEIR_LOG_DEBUG, "process %u at %s is not here yet: %s",
             (unsigned)(peer - mesh->peers), peer->address, why->what);
}

static void call(weir__mesh *mesh, unsigned process, uint64_t now)
{
    weir__peer *peer = &mesh->peers[process];
    if (peer->contact || now < peer->try_ns)
        return;
    weir_error error = { 0 };
    int stream = mesh->net->connect(mesh->net->ctx, peer->address, &error);
    if (stream < 0) {
        try_later(mesh, peer, now, &error);
        return;
    }
    peer->contact = contact_create(mesh, stream, now);
    peer->contact->ours = true;
    peer->contact->process = process;
}

/* ---- those who come ---- */

static void accept_guests(weir__mesh *mesh, uint64_t now)
{
    for (unsigned i = 0; i < WEIR__GUESTS_MAX; i++) {
        if (mesh->guests[i])
            continue;
        int stream = mesh->net->accept(mesh->net->ctx, mesh->listener);
        if (stream < 0)
            return;
        mesh->guests[i] = contact_create(mesh, stream, now);
        say_hello(mesh, mesh->guests[i]);
        mesh->any = true;
    }
}

/* A guest that has proved itself is its peer's contact from then on. */
static void guest_turn(weir__mesh *mesh, weir__contact **guest, uint64_t now)
{
    weir__contact *contact = *guest;
    weir_error error = { 0 };
    outcome result = contact_turn(mesh, contact, now, &error);
    bool is_peer = mesh->peers[contact->process].contact == contact;
    if (is_peer)
        *guest = NULL;
    if (result == GOES_ON)
        return;
    if (error.status == WEIR_DENIED || error.status == WEIR_INVALID || result == REFUSED) {
        weir_log(WEIR_LOG_ERROR, "%s", error.what);
        mesh->peers[contact->process].last = error;
    } else {
        weir_log(WEIR_LOG_DEBUG, "a connection was dropped: %s", error.what);
    }
    if (is_peer)
        mesh->peers[contact->process].contact = NULL;
    *guest = NULL;
    weir__contact_destroy(mesh, contact);
    if (result == REFUSED)
        weir__mesh_set_failure(mesh, &error);
}

static void peer_turn(weir__mesh *mesh, unsigned process, uint64_t now)
{
    weir__peer *peer = &mesh->peers[process];
    if (process < mesh->options.process)
        call(mesh, process, now);
    weir__contact *contact = peer->contact;
    if (!contact)
        return;
    weir_error error = { 0 };
    outcome result = contact_turn(mesh, contact, now, &error);
    if (result == GOES_ON)
        return;
    weir__contact_destroy(mesh, contact);
    peer->contact = NULL;
    try_later(mesh, peer, now, &error);
    if (result == REFUSED)
        weir__mesh_set_failure(mesh, &error);
}

/* ---- all of them ---- */

static unsigned missing(const weir__mesh *mesh, char *text, size_t size, const weir_error **why)
{
    unsigned count = 0;
    size_t at = 0;
    text[0] = 0;
    for (unsigned p = 0; p < mesh->options.processes; p++) {
        const weir__peer *peer = &mesh->peers[p];
        bool here = peer->contact && peer->contact->state == WEIR__CONTACT_JOINED;
        if (p == mesh->options.process || here)
            continue;
        if (at < size)
            at += (size_t)snprintf(text + at, size - at, "%s%u (%.100s)", count ? ", " : "", p,
                                   peer->address);
        if (peer->last.status != WEIR_OK && !*why)
            *why = &peer->last;
        count++;
    }
    return count;
}

unsigned weir__mesh_missing(const weir__mesh *mesh, char *text, size_t size)
{
    const weir_error *why = NULL;
    return missing(mesh, text, size, &why);
}

static void report(weir__mesh *mesh, uint64_t now)
{
    char text[400];
    const weir_error *why = NULL;
    unsigned count = missing(mesh, text, sizeof text, &why);
    if (count == 0) {
        mesh->joined = true;
        return;
    }
    if (now >= mesh->begun_ns + mesh->options.connect_ns) {
        weir_error error = { 0 };
        weir_error_set(&error, WEIR_UNAVAILABLE, "process%s %s did not come within %.3g s",
                       count > 1 ? "es" : "", text, (double)mesh->options.connect_ns / 1e9);
        if (why)
            weir_error_detail(&error, "%s", why->what);
        weir_error_hint(&error, "are all processes started, with the same list of hosts?");
        weir__mesh_set_failure(mesh, &error);
        return;
    }
    if (now >= mesh->report_ns) {
        weir_log(WEIR_LOG_INFO, "waiting for process%s %s", count > 1 ? "es" : "", text);
        mesh->report_ns = now + REPORT_NS;
    }
}

/* Others may have all that they wait for, and would miss us. */
static void give_signs(weir__mesh *mesh, uint64_t now)
{
    if (now < mesh->sign_ns)
        return;
    mesh->sign_ns = now + mesh->options.beat_ns;
    for (unsigned p = 0; p < mesh->options.processes; p++) {
        weir__contact *contact = mesh->peers[p].contact;
        if (contact && contact->state == WEIR__CONTACT_JOINED)
            weir__mesh_put_beat(contact);
    }
}

static void close_door(weir__mesh *mesh)
{
    for (unsigned i = 0; i < WEIR__GUESTS_MAX; i++) {
        weir__contact_destroy(mesh, mesh->guests[i]);
        mesh->guests[i] = NULL;
    }
    mesh->net->close(mesh->net->ctx, mesh->listener);
    mesh->listener = -1;
}

void weir__mesh_join(weir__mesh *mesh, uint64_t now)
{
    if (mesh->begun_ns == 0) {
        mesh->begun_ns = now;
        mesh->report_ns = now + SECOND_NS;
    }
    give_signs(mesh, now);
    accept_guests(mesh, now);
    for (unsigned i = 0; i < WEIR__GUESTS_MAX && !mesh->failed; i++)
        if (mesh->guests[i])
            guest_turn(mesh, &mesh->guests[i], now);
    for (unsigned p = 0; p < mesh->options.processes && !mesh->failed; p++)
        if (p != mesh->options.process)
            peer_turn(mesh, p, now);
    if (!mesh->failed)
        report(mesh, now);
    if (mesh->joined)
        close_door(mesh);
}
