// SPDX-License-Identifier: Apache-2.0
//! Numbers through a row of maps that is as long as the command line says, summed at its end. timely
//! calls operator by operator, each through a pointer: nothing can be folded into one addition. What a
//! map adds is a constant, since one that each closure carries made this side 15 % slower.

use crate::feed::{feed, Numbers};
use crate::options::{wait, Options};
use crate::Share;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::vec::Map;
use timely::dataflow::operators::{Input, Operator, Probe};
use timely::dataflow::ProbeHandle;
use timely::worker::Worker;

/// What each map adds.
const STEP: u64 = 3;

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let arrived = Rc::new(Cell::new((0u64, 0u64)));
    let totals = Rc::clone(&arrived);
    let mut input = Numbers::new_with_builder();
    let probe = ProbeHandle::new();
    worker.dataflow::<u64, _, _>(|scope| {
        let mut stream = scope.input_from(&mut input);
        for _ in 0..options.maps {
            stream = stream.map(|x: u64| x.wrapping_add(STEP));
        }
        stream
            .unary::<CapacityContainerBuilder<Vec<()>>, _, _, _>(Pipeline, "Sum", |_, _| {
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
    options.start_together(worker);
    let start = Instant::now();
    for round in 1..=options.rounds {
        feed(worker, &mut input, &mut state, options.records);
        input.advance_to(round);
        wait(worker, options, || probe.less_than(&round));
    }
    let seconds = start.elapsed().as_secs_f64();
    let (count, sum) = arrived.get();
    Share { answer: vec![count, sum], seconds }
}
