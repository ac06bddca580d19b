/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of a mesh, for mesh.c and handshake.c.
 */
#ifndef WEIR_COMM_MESH_INSIDE_H
#define WEIR_COMM_MESH_INSIDE_H

#include "comm/mesh.h"

enum {
    WEIR__GUESTS_MAX = 16, /* connections that have not said who they are */
};

/* A connection on its way to being a process: what it waits for. */
typedef enum weir__contact_state {
    WEIR__CONTACT_CONNECTING,
    WEIR__CONTACT_HELLO,
    WEIR__CONTACT_PROOF,
    WEIR__CONTACT_FACTS,
    WEIR__CONTACT_READY,
    WEIR__CONTACT_JOINED,
    WEIR__CONTACT_LEAVING /* refused: only what it was told still has to be written */
} weir__contact_state;

typedef struct weir__contact {
    weir__wire wire;
    weir__contact_state state;
    bool ours; /* this process has opened it */
    bool told; /* our facts are sent */
    bool stuck; /* nothing can be written any more: `why` */
    bool wants; /* the net watches whether it can be written */
    bool agreed; /* theirs are the same, and we have said so */
    unsigned process; /* whom we called, or who it claims to be */
    bool ends_us;   /* when leaving: it is why we cannot go on */
    weir_error why; /* of leaving, or of being stuck */
    uint64_t until_ns;
    unsigned char nonce[WEIR__NONCE_BYTES], their_nonce[WEIR__NONCE_BYTES];
} weir__contact;

typedef struct weir__peer {
    char *address;
    weir__contact *contact; /* NULL: none */
    uint64_t try_ns, try_wait_ns;
    uint64_t heard_ns, sent_ns, counted_out;
    bool goodbye;     /* it has said so */
    bool held, let_go; /* not read; read again, with what lies here first */
    weir_error last;  /* why it has not come, as far as is known */
} weir__peer;

struct weir__mesh {
    weir__mesh_options options;
    weir_env *env;
    const weir_net *net;
    int listener;
    weir__peer *peers;
    weir__contact *guests[WEIR__GUESTS_MAX];
    unsigned char key[WEIR__MAC_BYTES];
    size_t key_size;
    unsigned char *facts;
    size_t facts_size;
    bool joined, agreed, failed, goodbye, any;
    uint64_t seed, incarnation;
    uint64_t begun_ns, report_ns, beat_ns, polled_ns;
    uint64_t sign_ns; /* while joining: the next sign of life to those who are ready */
    uint64_t leave_ns, retry_ns; /* once it has failed: what is not said by then stays unsaid */
    weir_error error;
    weir__mesh_counts gone; /* of connections that are closed */
};

/* ---- mesh.c ---- */
/* What another process says of its failure. */
void weir__mesh_told(unsigned process, const weir__frame *frame, weir_error *error);
void weir__mesh_set_failure(weir__mesh *mesh, const weir_error *error);
void weir__contact_destroy(weir__mesh *mesh, weir__contact *contact);

void weir__mesh_put_beat(weir__contact *contact);

/* ---- handshake.c ---- */
/* One turn of joining. Fails the mesh if it cannot succeed. */
void weir__mesh_join(weir__mesh *mesh, uint64_t now_ns);

#endif
