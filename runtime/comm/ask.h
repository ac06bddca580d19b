/* SPDX-License-Identifier: Apache-2.0
 *
 * What processes ask each other about views: the frames ASK and ANSWER, and a question on its way.
 * Frames are pure (ask.c); who asks is worker/asks.c, who answers worker/answers.c, and what is
 * asked for is the reader's business (trace/view_far.c, trace/view_page.c).
 *
 *   OPEN     places a hold on the view as this process has it, and takes what is there
 *   TAKE     takes again, once `time` is complete; the hold moves up to `from`
 *   LOOKUP   the records of a key at `time`, but for the first `ordinal`
 *   SCAN     all records at `time` behind the place (from, ordinal)
 *   CHANGES  those after `from`, up to `time`, but for the first `ordinal`
 *   CLOSE    gives back what OPEN took; has no answer
 *
 * An answer has as many rows as make WEIR__PAGE_BYTES, or one that is larger: whoever asks comes
 * again for more, and has one question at a time for each of its readers. So nobody keeps more of
 * an answer than a page, however slow its reader is. The bodies: data/batch_bytes.h.
 */
#ifndef WEIR_COMM_ASK_H
#define WEIR_COMM_ASK_H

#include <weir/view.h>

#include "comm/frame.h"

enum {
    WEIR__PAGE_BYTES = 64 << 10,
    WEIR__ASK_TEXT_MAX = 128,     /* bytes of the names in an ask */
    WEIR__ASK_READERS_MAX = 1024, /* that one process may have at another */
    WEIR__ASK_BODY_MAX = 16 << 20,
    WEIR__ASK_BODIES_MAX = 64 << 20, /* of one process, that are not answered yet */
    WEIR__ANSWER_BODY_MAX = 64 << 20,
};

typedef enum weir__ask_kind {
    WEIR__ASK_OPEN, WEIR__ASK_TAKE, WEIR__ASK_LOOKUP, WEIR__ASK_SCAN, WEIR__ASK_CHANGES,
    WEIR__ASK_CLOSE, WEIR__ASK_KINDS
} weir__ask_kind;

/* The body: of LOOKUP, and of CHANGES of one key, one record with the key. */
typedef struct weir__ask {
    uint64_t id; /* the answer has it, too */
    weir__ask_kind kind;
    uint64_t reader; /* given by whoever asks */
    uint64_t time, from, ordinal, limit;
    uint32_t dataflow; /* of the view: OPEN */
    weir_str view, owner;
} weir__ask;
bool weir__frame_get_ask(const weir__frame *frame, weir__ask *ask);

/* The body: the rows, if there are any. */
typedef struct weir__answer {
    uint64_t id;
    uint32_t status; /* other than OK: only texts */
    bool ended;      /* of rows: there are no more */
    uint64_t since, upper; /* of OPEN and TAKE: what was taken answers for times from since on, and
                              is complete before upper */
    weir_str what, hint;
} weir__answer;
bool weir__frame_get_answer(const weir__frame *frame, weir__answer *answer);

/* Room for both: WEIR__FRAME_HEAD_MAX; texts are cut. `body` bytes follow. */
size_t weir__frame_put_ask(unsigned char *at, const weir__ask *ask, size_t body);
size_t weir__frame_put_answer(unsigned char *at, const weir__answer *answer, size_t body);

/* ---- asking ---- */

/* A question on its way; whoever asks owns it, and leaves it alone until it is done. */
typedef struct weir__question weir__question;
struct weir__question {
    weir__ask ask;
    unsigned process;
    const char *body; /* borrowed until it is done */
    size_t body_size;
    /* Of this process itself, which is asked nothing: only that ask.time is complete. */
    weir_view *view;
    uint64_t wait_ns; /* for the answer */
    /* when it is done */
    weir_error error; /* status OK: there is an answer; texts are its, if its status is not OK */
    weir__answer answer;
    char *rows; /* freed by whoever asks */
    size_t rows_size;
    /* private: worker/asks.c */
    weir__question *next;
    uint64_t until_ns;
    bool done, sent;
    weir_view_watch watch;
};

/* How other processes are asked: the service "asker" of a graph. */
typedef struct weir__asker weir__asker;
struct weir__asker {
    void *ctx;
    unsigned process, processes;
    /* Any thread. begin numbers it, and returns at once; wait returns when it is done. A worker's
     * thread must not wait: its question is done at once, with an error. */
    void (*begin)(void *ctx, weir__question *question);
    void (*wait)(void *ctx, weir__question *question);
    /* A number for a reader; and that it is closed in that process. */
    uint64_t (*number)(void *ctx);
    void (*close)(void *ctx, unsigned process, uint64_t reader);
};

#endif
