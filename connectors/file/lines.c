/* SPDX-License-Identifier: Apache-2.0
 *
 * See lines.h.
 */
#include "file/lines.h"

#include <string.h>

#include <weir/memory.h>

enum { BLOCK_BYTES = 128 << 10 };

static void free_block(weir_pin *pin)
{
    weir__block *block = (weir__block *)pin; /* its first member */
    weir_free(block, sizeof *block + block->size);
}

static weir__block *make_block(size_t size)
{
    weir__block *block = weir_alloc(sizeof *block + size);
    if (block) {
        block->pin = (weir_pin){ 1, sizeof *block + size, free_block };
        block->size = size;
        block->len = 0;
    }
    return block;
}

char *weir__lines_room(weir__lines *lines, size_t *size)
{
    weir__block *old = lines->block;
    if (!old || old->len == old->size) {
        /* a new block begins with the line that has no end yet, and has as much room again */
        size_t begun = old ? old->len - lines->at : 0;
        weir__block *block = make_block(begun * 2 > BLOCK_BYTES ? begun * 2 : BLOCK_BYTES);
        if (!block)
            return NULL;
        if (old) {
            memcpy(block->data, old->data + lines->at, begun);
            weir_pin_release(&old->pin);
        }
        block->len = begun;
        lines->block = block;
        lines->base += lines->at;
        lines->searched -= lines->at;
        lines->at = 0;
    }
    *size = lines->block->size - lines->block->len;
    return lines->block->data + lines->block->len;
}

void weir__lines_fill(weir__lines *lines, size_t len)
{
    lines->block->len += len;
}

/* Forgets the beginning of a line that has become too long. */
static void skip_begun(weir__lines *lines)
{
    if (!lines->skipping && lines->block->len - lines->at > lines->line_max) {
        lines->skipping = true;
        lines->skipped++;
    }
    if (lines->skipping)
        lines->at = lines->block->len;
    lines->searched = lines->block->len;
}

bool weir__lines_next(weir__lines *lines, const char **line, size_t *len)
{
    weir__block *block = lines->block;
    while (block && lines->searched < block->len && !weir__lines_over(lines)) {
        const char *from = block->data + lines->searched;
        const char *end = memchr(from, '\n', block->len - lines->searched);
        if (!end) {
            skip_begun(lines);
            return false;
        }
        *line = block->data + lines->at;
        *len = (size_t)(end - *line);
        lines->at = lines->searched = (size_t)(end - block->data) + 1;
        if (!lines->skipping && *len <= lines->line_max)
            return true;
        lines->skipped += !lines->skipping;
        lines->skipping = false;
    }
    return false;
}

bool weir__lines_rest(weir__lines *lines, const char **line, size_t *len)
{
    weir__block *block = lines->block;
    bool any = block && !lines->skipping && lines->at < block->len && !weir__lines_over(lines);
    if (any) {
        *line = block->data + lines->at;
        *len = block->len - lines->at;
        lines->at = block->len;
    }
    lines->skipping = false;
    return any;
}

void weir__lines_fini(weir__lines *lines)
{
    if (lines->block)
        weir_pin_release(&lines->block->pin);
    *lines = (weir__lines){ .line_max = lines->line_max };
}
