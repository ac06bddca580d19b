/* SPDX-License-Identifier: Apache-2.0
 *
 * Cutting what is read into lines: blocks of bytes that lines point into, and that live as long as
 * the records made of them. Knows no files.
 */
#ifndef WEIR_FILE_LINES_H
#define WEIR_FILE_LINES_H

#include <weir/batch.h>

/* Bytes that were read, kept by the batches whose strings lie in them. */
typedef struct weir__block {
    weir_pin pin;
    size_t size, len; /* of data: there is, and is filled */
    char data[];
} weir__block;

typedef struct weir__lines {
    weir__block *block; /* is being filled */
    uint64_t base;      /* where in the input its first byte was */
    uint64_t end;       /* of the input: lines that begin there or later are another reader's */
    size_t at;          /* of block: where the next line begins */
    size_t searched;    /* of block: no newline between at and here */
    size_t line_max;
    bool skipping;      /* up to the end of a line that is too long, or begun by another reader */
    uint64_t skipped;   /* lines */
} weir__lines;

/* The next line begins at or behind the end. */
static inline bool weir__lines_over(const weir__lines *lines)
{
    return lines->base + lines->at >= lines->end;
}
/* Room to read into: at least one byte; NULL: no memory. */
char *weir__lines_room(weir__lines *lines, size_t *size);
/* len bytes of the room were filled. */
void weir__lines_fill(weir__lines *lines, size_t len);
/* The next whole line, without its newline. It is a part of lines->block, which new room replaces:
 * pin it. */
bool weir__lines_next(weir__lines *lines, const char **line, size_t *len);
/* What is left without a newline, at the end of the input. */
bool weir__lines_rest(weir__lines *lines, const char **line, size_t *len);
void weir__lines_fini(weir__lines *lines);

#endif
