/* SPDX-License-Identifier: Apache-2.0
 *
 * See uses.h. Files are the same by device and inode; one that is not there yet, by its path.
 */
#include "file/uses.h"

#include <string.h>
#include <sys/stat.h>

typedef struct used {
    const char *path;
    bool is_there;
    dev_t device;
    ino_t inode;
    weir__file_use use;
    struct used *next;
} used;

static bool is_same(const used *a, const used *b)
{
    return a->is_there && b->is_there ? a->device == b->device && a->inode == b->inode
                                      : strcmp(a->path, b->path) == 0;
}

bool weir__file_used(weir_graph *graph, const char *path, weir__file_use use, const char *where)
{
    struct stat found;
    bool is_there = stat(path, &found) == 0;
    if (is_there && !S_ISREG(found.st_mode))
        return true;
    used *u = weir_graph_alloc(graph, sizeof *u);
    *u = (used){ .path = weir_graph_text(graph, path), .is_there = is_there, .use = use };
    if (is_there) {
        u->device = found.st_dev;
        u->inode = found.st_ino;
    }
    used **first = (used **)(void *)weir_graph_slot(graph, "files that are used");
    for (const used *other = *first; other; other = other->next)
        if (other->use != use && is_same(other, u)) {
            bool writes = use == WEIR__FILE_WRITTEN;
            weir_graph_fail(graph, WEIR_INVALID, where,
                            writes ? "write to another file" : "read another file",
                            "'%.200s' is %s here, too", path, writes ? "read" : "written");
            return false;
        }
    u->next = *first;
    *first = u;
    return true;
}
