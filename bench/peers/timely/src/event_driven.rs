// SPDX-License-Identifier: Apache-2.0
//! Many dataflows of a few maps: one record into one of them a round, which is waited for. The maps
//! are in a region, as in timely's own example: an idle dataflow is then one operator to look at.

use crate::feed::Numbers;
use crate::options::{random, wait, Options};
use crate::Share;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;
use timely::dataflow::operators::vec::Map;
use timely::dataflow::operators::{Enter, Input, Inspect, Leave, Probe};
use timely::dataflow::ProbeHandle;
use timely::worker::Worker;

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let arrived = Rc::new(Cell::new((0u64, 0u64)));
    let mut flows = Vec::new();
    for _ in 0..options.dataflows {
        let mut input = Numbers::new_with_builder();
        let probe = ProbeHandle::new();
        let totals = Rc::clone(&arrived);
        worker.dataflow::<u64, _, _>(|scope| {
            let numbers = scope.input_from(&mut input);
            scope
                .region(|inner| {
                    let mut stream = numbers.enter(inner);
                    for _ in 0..options.maps {
                        stream = stream.map(|x: u64| x.wrapping_add(3));
                    }
                    stream.leave(scope)
                })
                .inspect(move |x| {
                    let (count, sum) = totals.get();
                    totals.set((count + 1, sum.wrapping_add(*x)));
                })
                .probe_with(&probe);
        });
        flows.push((input, probe, 1u64));
    }
    worker.step();
    let start = Instant::now();
    for round in 0..options.rounds as usize {
        let (input, probe, state) = &mut flows[round % options.dataflows];
        input.send(random(state));
        let next = *input.time() + 1;
        input.advance_to(next);
        wait(worker, options, || probe.less_than(&next));
    }
    let seconds = start.elapsed().as_secs_f64();
    let (count, sum) = arrived.get();
    Share { answer: vec![count, sum], seconds }
}
