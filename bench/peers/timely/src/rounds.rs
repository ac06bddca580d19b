// SPDX-License-Identifier: Apache-2.0
//! What the graph cases share: random edges, and where a node lives.

use crate::options::random_below;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::InputHandle;

pub type Edge = (u32, u32);
pub type Edges = InputHandle<u64, CapacityContainerBuilder<Vec<Edge>>>;

/// Edges a container: 8 KiB, timely's own size.
const CONTAINER: u64 = 1024;

/// The next edge of a random graph.
#[inline]
pub fn edge(state: &mut u64, nodes: u64) -> Edge {
    let from = random_below(state, nodes);
    (from as u32, random_below(state, nodes) as u32)
}

/// Sends the next `count` edges by whole containers.
pub fn feed(input: &mut Edges, state: &mut u64, count: u64, nodes: u64) {
    let mut container = Vec::new();
    let mut left = count;
    while left > 0 {
        let fill = left.min(CONTAINER);
        container.extend((0..fill).map(|_| edge(state, nodes)));
        input.send_batch(&mut container);
        container.clear();
        left -= fill;
    }
}
