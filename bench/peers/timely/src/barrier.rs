// SPDX-License-Identifier: Apache-2.0
//! Rounds of an empty feedback loop. The node holds a capability for its round; the loop adds one,
//! so its input frontier passes that round when every worker has reached it, and only then.

use crate::options::{wait, Options};
use crate::Share;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::{ConnectLoop, Feedback, Operator};
use timely::worker::Worker;

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let rounds = options.rounds;
    let notices = Rc::new(Cell::new(0u64));
    let seen = Rc::clone(&notices);
    worker.dataflow::<u64, _, _>(|scope| {
        let (handle, cycle) = scope.feedback::<Vec<()>>(1);
        cycle
            .unary_frontier::<CapacityContainerBuilder<Vec<()>>, _, _, _>(
                Pipeline,
                "Barrier",
                |capability, _info| {
                    // One capability, moved along by downgrade: cheaper than a new one a round.
                    let mut held = Some(capability);
                    move |(input, frontier), _output| {
                        input.for_each_stamp(|_, _| {});
                        let Some(capability) = held.as_mut() else { return };
                        if !frontier.less_equal(capability.time()) {
                            let round = *capability.time() + 1;
                            seen.set(seen.get() + 1);
                            if round < rounds {
                                capability.downgrade(&round);
                            } else {
                                held = None;
                            }
                        }
                    }
                },
            )
            .connect_loop(handle);
    });
    options.start_together(worker);
    let start = Instant::now();
    wait(worker, options, || notices.get() < rounds);
    Share { answer: vec![notices.get()], seconds: start.elapsed().as_secs_f64() }
}
