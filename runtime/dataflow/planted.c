/* SPDX-License-Identifier: Apache-2.0
 *
 * A planted mistake that takes more than a line: see base/planted.h. Not part of other builds.
 */
#include "base/planted.h"
#include "dataflow/instance.h"

void weir__planted_flush(weir__dataflow *dataflow)
{
    for (uint32_t i = 0; i < dataflow->graph->nodes.count; i++)
        for (weir_step *step = &dataflow->nodes[i].step; step->dirty;) {
            weir__leaf *leaf = step->dirty;
            step->dirty = leaf->dirty_next;
            weir__leaf_flush(leaf);
        }
    weir__dataflow_apply(dataflow);
}
