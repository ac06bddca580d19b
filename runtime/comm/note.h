/* SPDX-License-Identifier: Apache-2.0
 *
 * What COMMAND frames say: what is asked of a cluster, its place in the order, and what processes
 * tell each other of dataflows. Pure.
 */
#ifndef WEIR_COMM_NOTE_H
#define WEIR_COMM_NOTE_H

#include "comm/frame.h"

/* XX(NAME): what a COMMAND says; the order is part of the protocol. The first four are asked of
 * process 0, which gives the order of commands, and sent on by it once they have their place, as is
 * the fifth, which it asks of itself. */
#define WEIR__NOTE_MAP(XX)                                                           \
    XX(BUILD)                                                                        \
    XX(REMOVE) XX(ENTRY) XX(BARRIER) XX(DROP)                                        \
        XX(IDLE)      /* to process 0: has nothing left to do of so many commands */ \
        XX(END)       /* by process 0: nothing comes any more */                     \
        XX(BUILT)     /* to all: has described a dataflow, or could not */           \
        XX(FREED)     /* to all: has nothing left of a dataflow */                   \
        XX(DISCARDED) /* to process 0: has done a REMOVE on all of its workers */

typedef enum weir__note_kind {
#define WEIR__NOTE_ENUM_(name) WEIR__NOTE_##name,
    WEIR__NOTE_MAP(WEIR__NOTE_ENUM_)
#undef WEIR__NOTE_ENUM_
    WEIR__NOTE_KINDS
} weir__note_kind;

typedef struct weir__note {
    weir__note_kind kind;
    uint32_t process;  /* who asked for it */
    uint32_t dataflow; /* which is meant; of BUILD once it has its place */
    uint32_t status;   /* of REMOVE and BUILT: why, 0 if all is well; of BUILD: to be kept */
    uint64_t number;   /* its place among the commands; of IDLE, how many; of BUILT, of the graph */
    uint64_t layouts;  /* and of the records that are exchanged: fingerprints */
    weir_str first;    /* the function or sequencer that is meant; what went wrong */
    weir_str second;   /* a dataflow's name; what to do */
    weir_str data;     /* arguments, or an entry */
} weir__note;
/* The texts are the frame's body. */
bool weir__note_get(const weir__frame *frame, weir__note *note);
/* With its body: the room is WEIR__FRAME_ROOM and the lengths of the three texts. */
size_t weir__note_put(unsigned char *at, const weir__note *note);

#endif
