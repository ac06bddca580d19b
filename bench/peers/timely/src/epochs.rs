// SPDX-License-Identifier: Apache-2.0
//! Empty epochs through a row of nodes, each of which wants to hear of every frontier: a
//! `unary_frontier` has the interest ALWAYS. A notice is a call in which the frontier has moved.

use crate::options::{wait, Options};
use crate::Share;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::{Input, Operator, Probe};
use timely::dataflow::{InputHandle, ProbeHandle};
use timely::worker::Worker;

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let notices = Rc::new(Cell::new(0u64));
    let mut input = InputHandle::<u64, CapacityContainerBuilder<Vec<u64>>>::new_with_builder();
    let probe = ProbeHandle::new();
    worker.dataflow::<u64, _, _>(|scope| {
        let mut stream = scope.input_from(&mut input);
        for _ in 0..options.nodes {
            let notices = Rc::clone(&notices);
            stream = stream.unary_frontier::<CapacityContainerBuilder<Vec<u64>>, _, _, _>(
                Pipeline,
                "Notice",
                |_capability, _info| {
                    let mut last = 0;
                    move |(input, frontier), output| {
                        input.for_each_stamp(|stamp, data| {
                            output.session(&stamp).give_containers(data);
                        });
                        if let Some(now) = frontier.frontier().first() {
                            if *now != last {
                                last = *now;
                                notices.set(notices.get() + 1);
                            }
                        }
                    }
                },
            );
        }
        stream.probe_with(&probe);
    });
    // The first step of a dataflow hands back its initial capabilities: not part of an epoch.
    worker.step();
    options.start_together(worker);
    let start = Instant::now();
    for epoch in 1..=options.epochs {
        input.advance_to(epoch);
        wait(worker, options, || probe.less_than(&epoch));
    }
    let seconds = start.elapsed().as_secs_f64();
    let answer = vec![notices.get()];
    input.close();
    wait(worker, options, || !probe.done());
    Share { answer, seconds }
}
