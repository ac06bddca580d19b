/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the connections of a mesh once all processes have joined, and its end.
 */
#include <stdio.h>
#include <string.h>

#include <weir/memory.h>

#include "base/assert.h"
#include "base/planted.h"
#include "comm/mesh_inside.h"

enum {
    FILLS_MAX = 4,
    RETRY_NS = 20 * 1000 * 1000,
    LEAVE_NS = 1000 * 1000 * 1000,
    LEAVE_RETRY_NS = 5 * 1000 * 1000,
};

/* ---- create and destroy ---- */

/* One that has the address of another could only wait for itself. */
static weir_status refuse_twice(const weir__mesh *mesh, unsigned process, weir_error *error)
{
    for (unsigned i = 0; i < process; i++) {
        if (strcmp(mesh->peers[i].address, mesh->peers[process].address) == 0) {
            weir_error_set(error, WEIR_INVALID, "processes %u and %u have one address, '%.200s'", i,
                           process, mesh->peers[i].address);
            weir_error_hint(error, "give each process a HOST:PORT of its own");
            return WEIR_INVALID;
        }
    }
    return WEIR_OK;
}

static unsigned split_hosts(weir__mesh *mesh, const char *hosts, weir_error *error)
{
    unsigned count = 0;
    for (const char *at = hosts; *at;) {
        size_t len = strcspn(at, ",");
        if (count < mesh->options.processes) {
            char *address = weir_alloc_must(len + 1), host[256], port[8];
            memcpy(address, at, len);
            address[len] = 0;
            mesh->peers[count].address = address;
            if (weir__net_split(address, host, port, error) != WEIR_OK ||
                refuse_twice(mesh, count, error) != WEIR_OK)
                return 0;
        }
        count++;
        at += len + (at[len] == ',');
    }
    if (count != mesh->options.processes) {
        weir_error_set(error, WEIR_INVALID, "%u hosts are given for %u processes", count,
                       mesh->options.processes);
        weir_error_hint(error, "give one HOST:PORT a process, in the order of their numbers");
        return 0;
    }
    return count;
}

weir__mesh *weir__mesh_create(const weir__mesh_options *options, weir_error *error)
{
    WEIR_ASSERT(options->processes > 1 && options->process < options->processes,
                "a mesh of process %u of %u", options->process, options->processes);
    weir__mesh *mesh = weir_alloc_must(sizeof *mesh);
    memset(mesh, 0, sizeof *mesh);
    mesh->options = *options;
    mesh->env = options->env;
    mesh->net = options->net;
    mesh->listener = -1;
    mesh->seed = options->seed;
    mesh->incarnation = options->incarnation;
    mesh->peers = weir_alloc_must(options->processes * sizeof *mesh->peers);
    memset(mesh->peers, 0, options->processes * sizeof *mesh->peers);
    if (options->process == 0) {
        while (!mesh->seed)
            mesh->seed = mesh->env->random_u64(mesh->env->ctx);
        while (!mesh->incarnation)
            mesh->incarnation = mesh->env->random_u64(mesh->env->ctx);
        mesh->agreed = true;
    }
    if (options->secret) {
        weir__mac(NULL, 0, options->secret, strlen(options->secret), mesh->key);
        mesh->key_size = sizeof mesh->key;
    }
    if (split_hosts(mesh, options->hosts, error) > 0)
        mesh->listener = mesh->net->listen(mesh->net->ctx, mesh->peers[options->process].address,
                                           error);
    if (mesh->listener < 0) {
        weir__mesh_destroy(mesh);
        return NULL;
    }
    return mesh;
}

void weir__contact_destroy(weir__mesh *mesh, weir__contact *contact)
{
    if (!contact)
        return;
    mesh->gone.bytes_in += contact->wire.bytes_in;
    mesh->gone.bytes_out += contact->wire.bytes_out;
    weir__wire_fini(&contact->wire);
    weir_free(contact, sizeof *contact);
}

static void close_all(weir__mesh *mesh)
{
    for (unsigned p = 0; p < mesh->options.processes; p++) {
        weir__contact_destroy(mesh, mesh->peers[p].contact);
        mesh->peers[p].contact = NULL;
    }
    for (unsigned i = 0; i < WEIR__GUESTS_MAX; i++) {
        weir__contact_destroy(mesh, mesh->guests[i]);
        mesh->guests[i] = NULL;
    }
    if (mesh->listener >= 0)
        mesh->net->close(mesh->net->ctx, mesh->listener);
    mesh->listener = -1;
}

void weir__mesh_destroy(weir__mesh *mesh)
{
    if (!mesh)
        return;
    close_all(mesh);
    for (unsigned p = 0; p < mesh->options.processes; p++)
        if (mesh->peers[p].address)
            weir_free(mesh->peers[p].address, strlen(mesh->peers[p].address) + 1);
    weir_free(mesh->peers, mesh->options.processes * sizeof *mesh->peers);
    weir_free(mesh->facts, mesh->facts_size);
    weir_free(mesh, sizeof *mesh);
}

void weir__mesh_add_fact(weir__mesh *mesh, const char *name, const char *value)
{
    size_t more = weir__frame_put_fact(NULL, name, value), size = mesh->facts_size;
    mesh->facts = weir_realloc_must(mesh->facts, size, size + more);
    weir__frame_put_fact(mesh->facts + size, name, value);
    mesh->facts_size += more;
}

/* ---- failure ---- */

void weir__mesh_set_failure(weir__mesh *mesh, const weir_error *error)
{
    if (mesh->failed)
        return;
    mesh->failed = true;
    mesh->error = *error;
}

const weir_error *weir__mesh_failure(const weir__mesh *mesh)
{
    return mesh->failed ? &mesh->error : NULL;
}

static void lost(weir__mesh *mesh, unsigned process, const weir_error *why)
{
    weir__peer *peer = &mesh->peers[process];
    weir__contact_destroy(mesh, peer->contact);
    peer->contact = NULL;
    if (peer->goodbye)
        return;
    weir_error error = { 0 };
    weir_error_set(&error, WEIR_UNAVAILABLE, "process %u (%.200s) is lost: %s", process,
                   peer->address, why->what);
    weir_error_hint(&error, "its own log says why; start all processes again");
    weir__mesh_set_failure(mesh, &error);
}

void weir__mesh_told(unsigned process, const weir__frame *frame, weir_error *error)
{
    weir__complaint c;
    if (!weir__frame_get_complaint(frame, &c)) {
        weir_error_set(error, WEIR_FAILED, "process %u has failed", process);
        return;
    }
    weir__complaint_error(&c, "another process has failed, and does not say why", error);
    weir_error_detail(error, "told by process %u%s%.*s", process, c.detail.len ? ": " : "",
                      (int)c.detail.len, weir_str_data(&c.detail));
}

void weir__mesh_fail(weir__mesh *mesh, const weir_error *error)
{
    weir__complaint complaint = { .status = (uint32_t)error->status,
                                  .what = weir_str_of(error->what),
                                  .detail = weir_str_of(error->detail),
                                  .hint = weir_str_of(error->hint) };
    for (unsigned p = 0; p < mesh->options.processes; p++) {
        weir__contact *contact = mesh->peers[p].contact;
        weir__wire *wire = contact ? &contact->wire : NULL;
        if (!wire || contact->state != WEIR__CONTACT_JOINED)
            continue;
        unsigned char *room = weir__wire_room(wire, WEIR__FRAME_HEAD_MAX);
        weir__wire_commit(wire, weir__frame_put_complaint(room, WEIR__FRAME_FAIL, &complaint));
    }
    weir__mesh_set_failure(mesh, error);
    mesh->leave_ns = mesh->env->now_ns(mesh->env->ctx) + LEAVE_NS;
    (void)weir__mesh_has_left(mesh);
}

/* Whether it goes on to be written what the contact was told. */
static bool leaves_slowly(const weir__mesh *mesh, weir__contact *contact, uint64_t now)
{
    weir_error ignored;
    return contact->state == WEIR__CONTACT_JOINED && !contact->stuck && now < mesh->leave_ns &&
           weir__wire_flush(&contact->wire, &ignored) && contact->wire.count > 0;
}

bool weir__mesh_has_left(weir__mesh *mesh)
{
    uint64_t now = mesh->env->now_ns(mesh->env->ctx);
    bool left = true;
    for (unsigned p = 0; p < mesh->options.processes; p++) {
        weir__contact *contact = mesh->peers[p].contact;
        if (contact && leaves_slowly(mesh, contact, now)) {
            left = false;
            continue;
        }
        weir__contact_destroy(mesh, contact);
        mesh->peers[p].contact = NULL;
    }
    mesh->retry_ns = now + LEAVE_RETRY_NS;
    if (left)
        close_all(mesh);
    return left;
}

/* ---- frames ---- */

static void on_frame(weir__mesh *mesh, unsigned process, const weir__frame *frame)
{
    const weir__mesh_host *host = &mesh->options.host;
    weir_error error = { 0 };
    switch (frame->kind) {
    case WEIR__FRAME_BEAT:
        return;
    case WEIR__FRAME_GOODBYE:
        mesh->peers[process].goodbye = true;
        return;
    case WEIR__FRAME_STOP:
        host->stop(host->ctx);
        return;
    case WEIR__FRAME_FAIL:
        weir__mesh_told(process, frame, &error);
        weir__mesh_set_failure(mesh, &error);
        return;
    default:
        if (host->frame(host->ctx, process, frame, &error) != WEIR_OK)
            weir__mesh_set_failure(mesh, &error);
    }
}

/* What was read so far is taken apart; false: it cannot be. */
static bool take_frames(weir__mesh *mesh, unsigned process)
{
    weir__contact *contact = mesh->peers[process].contact;
    weir__frame frame;
    weir_error error = { 0 };
    int64_t size = 0;
    while (!mesh->failed && !mesh->peers[process].held &&
           (size = weir__wire_next(&contact->wire, WEIR__FRAME_MAX, &frame, &error)) > 0)
        on_frame(mesh, process, &frame);
    if (size < 0)
        lost(mesh, process, &error);
    return size >= 0 && !mesh->failed;
}

void weir__mesh_hold(weir__mesh *mesh, unsigned process, bool hold)
{
    weir__peer *peer = &mesh->peers[process];
    peer->held = hold;
    peer->let_go |= !hold;
    if (peer->contact) /* what lies there to be read would never let the worker sleep */
        mesh->net->want(mesh->net->ctx, peer->contact->wire.stream, !hold, peer->contact->wants);
}

static void read_peer(weir__mesh *mesh, unsigned process, uint64_t now)
{
    weir__peer *peer = &mesh->peers[process];
    if (WEIR_UNLIKELY(peer->held || peer->let_go)) {
        peer->heard_ns = now;
        if (peer->held)
            return;
        peer->let_go = false;
        mesh->any = true;
        if (!take_frames(mesh, process) || peer->held)
            return;
    }
    for (int i = 0; i < FILLS_MAX; i++) {
        weir_error error = { 0 };
        weir__wire *wire = &peer->contact->wire;
        int64_t got = weir__wire_fill(wire, WEIR__FRAME_MAX, &error);
        if (got == 0 && !peer->contact->stuck)
            return;
        if (got == 0)
            error = peer->contact->why;
        if (got <= 0) {
            lost(mesh, process, &error);
            return;
        }
        mesh->any = true;
        peer->heard_ns = now;
        if (!take_frames(mesh, process) || peer->held || wire->filled < wire->in_size)
            return;
    }
}

/* ---- heartbeats ---- */

static void put_plain(weir__wire *wire, weir__frame_kind kind)
{
    unsigned char *room = weir__wire_room(wire, WEIR__FRAME_ROOM);
    weir__wire_commit(wire, weir__frame_put_plain(room, kind, 0));
}

void weir__mesh_put_beat(weir__contact *contact)
{
    put_plain(&contact->wire, WEIR__FRAME_BEAT);
}

/* A process that was away itself cannot say that others were silent. */
static void forgive_own_absence(weir__mesh *mesh, uint64_t now)
{
    uint64_t away = now > mesh->polled_ns ? now - mesh->polled_ns : 0;
    mesh->polled_ns = now;
    if (away <= 2 * mesh->options.beat_ns)
        return;
    for (unsigned p = 0; p < mesh->options.processes; p++)
        mesh->peers[p].heard_ns += away;
}

static void beat(weir__mesh *mesh, uint64_t now)
{
    mesh->beat_ns = now + mesh->options.beat_ns;
    for (unsigned p = 0; p < mesh->options.processes && !mesh->failed; p++) {
        weir__peer *peer = &mesh->peers[p];
        if (!peer->contact || peer->goodbye)
            continue;
        uint64_t out = peer->contact->wire.bytes_out;
        if (out == peer->counted_out && !mesh->goodbye)
            weir__mesh_put_beat(peer->contact);
        if (WEIR_PLANTED(HEARD_WRITING) && out != peer->counted_out)
            peer->heard_ns = now;
        peer->counted_out = out;
        if (now <= peer->heard_ns || now - peer->heard_ns < mesh->options.silence_ns)
            continue;
        weir_error why = { 0 };
        weir_error_set(&why, WEIR_UNAVAILABLE, "it was silent for %.3g s",
                       (double)(now - peer->heard_ns) / 1e9);
        lost(mesh, p, &why);
    }
}

static void begin(weir__mesh *mesh, uint64_t now)
{
    mesh->polled_ns = now;
    mesh->beat_ns = now + mesh->options.beat_ns;
    for (unsigned p = 0; p < mesh->options.processes && !mesh->failed; p++) {
        mesh->peers[p].heard_ns = now;
        if (mesh->peers[p].contact)
            (void)take_frames(mesh, p); /* what came while we waited for others */
    }
}

bool weir__mesh_poll(weir__mesh *mesh, uint64_t now)
{
    mesh->any = false;
    if (mesh->failed)
        return false;
    if (!mesh->joined) {
        weir__mesh_join(mesh, now);
        mesh->beat_ns = now + RETRY_NS;
        return mesh->any || mesh->joined || mesh->failed;
    }
    if (WEIR_UNLIKELY(mesh->polled_ns == 0)) {
        begin(mesh, now);
        mesh->any = true;
    }
    for (unsigned p = 0; p < mesh->options.processes && !mesh->failed; p++)
        if (mesh->peers[p].contact)
            read_peer(mesh, p, now);
    forgive_own_absence(mesh, now);
    if (now >= mesh->beat_ns && !mesh->failed)
        beat(mesh, now);
    return mesh->any || mesh->failed;
}

/* Only while something waits: what can always be written would never let the worker sleep. */
static void watch_writing(weir__mesh *mesh, const weir__peer *peer)
{
    weir__contact *contact = peer->contact;
    bool waits = contact->wire.count > 0 && !contact->stuck && !WEIR_PLANTED(WRITE_UNWATCHED);
    if (waits == contact->wants)
        return;
    contact->wants = waits;
    mesh->net->want(mesh->net->ctx, contact->wire.stream, !peer->held, waits);
}

void weir__mesh_flush(weir__mesh *mesh)
{
    for (unsigned p = 0; p < mesh->options.processes && !mesh->failed; p++) {
        weir__contact *contact = mesh->peers[p].contact;
        weir_error error = { 0 };
        if (!contact || contact->state != WEIR__CONTACT_JOINED ||
            (contact->wire.count == 0 && !contact->wants))
            continue;
        if (!contact->stuck && !weir__wire_flush(&contact->wire, &error)) {
            contact->stuck = true; /* what it said before may lie there to be read: by poll */
            contact->why = error;
        }
        watch_writing(mesh, &mesh->peers[p]);
    }
}

uint64_t weir__mesh_due_ns(const weir__mesh *mesh)
{
    if (mesh->failed)
        return mesh->leave_ns ? mesh->retry_ns : UINT64_MAX;
    return mesh->beat_ns;
}

bool weir__mesh_joined(const weir__mesh *mesh) { return mesh->joined; }
uint64_t weir__mesh_seed(const weir__mesh *mesh) { return mesh->seed; }
uint64_t weir__mesh_incarnation(const weir__mesh *mesh) { return mesh->incarnation; }

weir__wire *weir__mesh_wire(weir__mesh *mesh, unsigned process)
{
    weir__contact *contact = mesh->peers[process].contact;
    bool usable = mesh->joined && contact && contact->state == WEIR__CONTACT_JOINED &&
                  !mesh->peers[process].goodbye;
    return usable ? &contact->wire : NULL;
}

/* ---- the end ---- */

static void put_to_all(weir__mesh *mesh, weir__frame_kind kind)
{
    for (unsigned p = 0; p < mesh->options.processes; p++) {
        weir__contact *contact = mesh->peers[p].contact;
        if (contact && contact->state == WEIR__CONTACT_JOINED)
            put_plain(&contact->wire, kind);
    }
}

void weir__mesh_stop(weir__mesh *mesh)
{
    if (mesh->joined)
        put_to_all(mesh, WEIR__FRAME_STOP);
}

void weir__mesh_goodbye(weir__mesh *mesh)
{
    if (mesh->goodbye)
        return;
    mesh->goodbye = true;
    put_to_all(mesh, WEIR__FRAME_GOODBYE);
    weir__mesh_flush(mesh);
}

bool weir__mesh_is_over(const weir__mesh *mesh)
{
    bool over = mesh->goodbye;
    for (unsigned p = 0; over && p < mesh->options.processes; p++) {
        const weir__peer *peer = &mesh->peers[p];
        const weir__contact *contact = peer->contact;
        if (p != mesh->options.process)
            over = peer->goodbye && (!contact || contact->wire.count == 0 || contact->stuck);
    }
    return over || mesh->failed;
}

weir__mesh_counts weir__mesh_count(const weir__mesh *mesh)
{
    weir__mesh_counts counts = mesh->gone;
    for (unsigned p = 0; p < mesh->options.processes; p++)
        if (mesh->peers[p].contact) {
            counts.bytes_in += mesh->peers[p].contact->wire.bytes_in;
            counts.bytes_out += mesh->peers[p].contact->wire.bytes_out;
        }
    return counts;
}
