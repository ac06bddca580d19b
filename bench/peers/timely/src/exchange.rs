// SPDX-License-Identifier: Apache-2.0
//! Random numbers, exchanged by hash, counted and summed where they arrive; every round is waited
//! for. The numbers are random, so each is its own hash: the cheapest legal one.

use crate::feed::{feed, Numbers};
use crate::options::{wait, Options};
use crate::Share;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::{Input, Operator, Probe};
use timely::dataflow::ProbeHandle;
use timely::worker::Worker;

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let arrived = Rc::new(Cell::new((0u64, 0u64)));
    let totals = Rc::clone(&arrived);
    let mut input = Numbers::new_with_builder();
    let probe = ProbeHandle::new();
    worker.dataflow::<u64, _, _>(|scope| {
        scope
            .input_from(&mut input)
            // One node with the exchange on its edge reads whole containers, without another hop.
            .unary::<CapacityContainerBuilder<Vec<()>>, _, _, _>(
                Exchange::new(|x: &u64| *x),
                "Arrive",
                |_, _| {
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
                },
            )
            .probe_with(&probe);
    });
    let mut state = 1 + worker.index() as u64;
    options.start_together(worker);
    let start = Instant::now();
    for round in 1..=options.rounds {
        feed(worker, &mut input, &mut state, options.records);
        input.advance_to(round);
        wait(worker, options, || probe.less_than(&round));
    }
    let seconds = start.elapsed().as_secs_f64();
    input.close();
    wait(worker, options, || !probe.done());
    let (count, sum) = arrived.get();
    Share { answer: vec![count, sum], seconds }
}
