/* SPDX-License-Identifier: Apache-2.0
 *
 * The bytes of a segment's file, for tests that change them: with checksums that fit again.
 */
#ifndef WEIR_TESTS_SEGMENT_FILE_H
#define WEIR_TESTS_SEGMENT_FILE_H

#include <string.h>

#include "base/hash.h"
#include "trace/segment_form.h"

/* Writes the head into the first page of `size` bytes, and all checksums, as far as there is room
 * for them. `used` has to be that of the columns which are there. */
static inline void segment_file_finish(char *bytes, uint64_t size, weir__segment_head *head)
{
    weir__segment segment = { .mapped = { .at = bytes, .size = size }, .used = head->used };
    uint64_t blocks = segment.used <= size ? weir__segment_blocks(segment.used) : 0;
    if (segment.used <= size && WEIR__SEGMENT_HEAD + segment.used + 8 * blocks <= size) {
        for (uint64_t b = 0; b < blocks; b++) {
            uint64_t sum = weir__segment_sum(&segment, b);
            memcpy(weir__segment_table(&segment) + 8 * b, &sum, sizeof sum);
        }
        head->table_sum = XXH3_64bits(weir__segment_table(&segment), 8 * blocks);
    }
    memset(bytes, 0, WEIR__SEGMENT_HEAD);
    memcpy(bytes, head, sizeof *head);
    uint64_t sum = XXH3_64bits(bytes, WEIR__SEGMENT_SUM_AT);
    memcpy(bytes + WEIR__SEGMENT_SUM_AT, &sum, sizeof sum);
}

#endif
