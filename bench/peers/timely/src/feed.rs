// SPDX-License-Identifier: Apache-2.0
//! Random numbers into an input, for the cases exchange and chain.

use crate::options::random;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::InputHandle;
use timely::worker::Worker;

pub type Numbers = InputHandle<u64, CapacityContainerBuilder<Vec<u64>>>;

/// Numbers a container: 8 KiB, timely's own size.
const CONTAINER: u64 = 1024;
/// Containers between two steps of the worker, so that what was sent is worked off before it leaves
/// the cache.
const CONTAINERS: u64 = 256;

/// Sends the next `count` numbers of `state` by whole containers: faster than one at a time.
pub fn feed(worker: &mut Worker, input: &mut Numbers, state: &mut u64, count: u64) {
    let mut container = Vec::new();
    let mut left = count;
    let mut sent = 0;
    while left > 0 {
        let fill = left.min(CONTAINER);
        container.extend((0..fill).map(|_| random(state)));
        input.send_batch(&mut container);
        container.clear();
        left -= fill;
        sent += 1;
        if sent % CONTAINERS == 0 {
            worker.step();
        }
    }
}
