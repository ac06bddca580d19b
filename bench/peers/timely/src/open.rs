// SPDX-License-Identifier: Apache-2.0
//! Rounds while many times are open: an operator keeps a capability for the time of each record plus
//! `epochs`, and sends when its input can bring nothing before that any more. A round begins one such
//! time and ends another. The times come in order, so a queue keeps them.

use crate::feed::{feed, Numbers};
use crate::options::{wait, Options};
use crate::Share;
use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Instant;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::{Capability, Input, Operator, Probe};
use timely::dataflow::ProbeHandle;
use timely::worker::Worker;

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let arrived = Rc::new(Cell::new((0u64, 0u64)));
    let totals = Rc::clone(&arrived);
    let distance = options.epochs;
    let mut input = Numbers::new_with_builder();
    let probe = ProbeHandle::new();
    worker.dataflow::<u64, _, _>(|scope| {
        scope
            .input_from(&mut input)
            .unary_frontier::<CapacityContainerBuilder<Vec<u64>>, _, _, _>(
                Pipeline,
                "Keep",
                |_capability, _info| {
                    let mut kept: VecDeque<(Capability<u64>, u64)> = VecDeque::new();
                    move |(input, frontier), output| {
                        input.for_each_stamp(|stamp, data| {
                            if let Some(time) = stamp.least() {
                                let later = time + distance;
                                for value in data.flat_map(|c| c.drain(..)) {
                                    let cap = stamp.delayed(&later, output.output_index());
                                    kept.push_back((cap, value));
                                }
                            }
                        });
                        while let Some((cap, _)) = kept.front() {
                            if frontier.less_equal(cap.time()) {
                                break;
                            }
                            let (cap, value) = kept.pop_front().expect("just seen");
                            output.session(&cap).give(value);
                        }
                    }
                },
            )
            .unary::<CapacityContainerBuilder<Vec<()>>, _, _, _>(Pipeline, "Arrive", |_, _| {
                move |input, _output| {
                    input.for_each_stamp(|_, containers| {
                        let (mut count, mut sum) = totals.get();
                        for container in containers {
                            count += container.len() as u64;
                            sum = container.iter().fold(sum, |sum, x| sum.wrapping_add(*x));
                        }
                        totals.set((count, sum));
                    });
                }
            })
            .probe_with(&probe);
    });
    let mut state = 1 + worker.index() as u64;
    input.advance_to(1);
    worker.step();
    let mut rounds = |worker: &mut Worker, from: u64, to: u64| {
        for round in from..=to {
            feed(worker, &mut input, &mut state, 1);
            input.advance_to(round + 1);
            wait(worker, options, || probe.less_than(&(round + 1)));
        }
    };
    rounds(worker, 1, distance);
    options.start_together(worker);
    let start = Instant::now();
    rounds(worker, distance + 1, distance + options.rounds);
    let seconds = start.elapsed().as_secs_f64();
    input.close();
    wait(worker, options, || !probe.done());
    let (count, sum) = arrived.get();
    Share { answer: vec![count, sum], seconds }
}
