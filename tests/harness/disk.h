/* SPDX-License-Identifier: Apache-2.0
 *
 * The disk of a test: files in memory, which fill up, fail and decay when the test says so.
 */
#ifndef WEIR_TESTS_DISK_H
#define WEIR_TESTS_DISK_H

#include <weir/test.h>

#include "env/env.h"

typedef struct weir__test_map weir__test_map;

typedef struct weir__test_disk {
    uint64_t limit; /* bytes of all files together; 0: none */
    uint64_t used;
    unsigned files;            /* open ones */
    unsigned refused, unread;  /* the next so many creations fail (EMFILE), or reads (EIO) */
    weir_file *newest;         /* NULL once it is closed */
    weir__test_map *maps;      /* files that are mapped */
    uint64_t mapped;           /* how many have been */
    bool lost;                 /* what is mapped cannot be read any more (EIO) */
} weir__test_disk;

/* Sets the members of the table that are about files. */
void weir__test_disk_set(weir_env *env, weir__test_disk *disk);
/* Changes one byte of the newest file. */
void weir__test_disk_damage(weir__test_disk *disk, uint64_t at);
/* Changes one byte of each file that is mapped and has it. */
void weir__test_disk_damage_maps(weir__test_disk *disk, uint64_t at);
/* That of a test which goes by weir/test.h. */
weir__test_disk *weir__test_disk_of(const weir_test *test);

#endif
