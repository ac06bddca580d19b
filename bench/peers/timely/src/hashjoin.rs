// SPDX-License-Identifier: Apache-2.0
//! Two streams of rows (key, value) by key: every pair of values that share a key, as soon as the
//! second of them comes. Keys are random numbers, hashed by ahash.

use crate::options::{random_below, wait, Options};
use crate::Share;
use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::{Input, Operator, Probe};
use timely::dataflow::{InputHandle, ProbeHandle};
use timely::worker::Worker;

type Row = (u64, u64);
type Rows = InputHandle<u64, CapacityContainerBuilder<Vec<Row>>>;
/// The left and the right values of a key: one look-up a row, which beats a table a side.
type Table = HashMap<u64, (Vec<u64>, Vec<u64>), ahash::RandomState>;

const CONTAINER: u64 = 512;

fn feed(input: &mut Rows, state: &mut u64, count: u64, keys: u64) {
    let mut container = Vec::new();
    let mut left = count;
    while left > 0 {
        let fill = left.min(CONTAINER);
        container.extend((0..fill).map(|_| (random_below(state, keys), random_below(state, keys))));
        input.send_batch(&mut container);
        container.clear();
        left -= fill;
    }
}

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let arrived = Rc::new(Cell::new((0u64, 0u64)));
    let totals = Rc::clone(&arrived);
    let (mut left_input, mut right_input) = (Rows::new_with_builder(), Rows::new_with_builder());
    let probe = ProbeHandle::new();
    worker.dataflow::<u64, _, _>(|scope| {
        let left = scope.input_from(&mut left_input);
        let right = scope.input_from(&mut right_input);
        left.binary::<_, CapacityContainerBuilder<Vec<Row>>, _, _, _, _>(
            right,
            Exchange::new(|row: &Row| row.0),
            Exchange::new(|row: &Row| row.0),
            "Join",
            |_, _| {
                let mut table = Table::default();
                move |left, right, output| {
                    left.for_each_stamp(|stamp, containers| {
                        let mut session = output.session(&stamp);
                        for (key, value) in containers.flat_map(|c| c.drain(..)) {
                            let (lefts, rights) = table.entry(key).or_default();
                            for other in rights.iter() {
                                session.give((value, *other));
                            }
                            lefts.push(value);
                        }
                    });
                    right.for_each_stamp(|stamp, containers| {
                        let mut session = output.session(&stamp);
                        for (key, value) in containers.flat_map(|c| c.drain(..)) {
                            let (lefts, rights) = table.entry(key).or_default();
                            for other in lefts.iter() {
                                session.give((*other, value));
                            }
                            rights.push(value);
                        }
                    });
                }
            },
        )
        .unary::<CapacityContainerBuilder<Vec<()>>, _, _, _>(Pipeline, "Sum", |_, _| {
            move |input, _output| {
                input.for_each_stamp(|_, containers| {
                    let (mut count, mut sum) = totals.get();
                    for container in containers {
                        count += container.len() as u64;
                        for (a, b) in container.iter() {
                            sum = sum.wrapping_add(a.wrapping_mul(*b));
                        }
                    }
                    totals.set((count, sum));
                });
            }
        })
        .probe_with(&probe);
    });
    let index = worker.index() as u64;
    let (mut left_state, mut right_state) = (1 + index, 1001 + index);
    let peers = worker.peers() as u64;
    let mut left = options.records / peers;
    let mut round = 0;
    worker.step();
    options.start_together(worker);
    let start = Instant::now();
    while left > 0 {
        let n = left.min(options.batch / peers);
        feed(&mut left_input, &mut left_state, n, options.nodes as u64);
        feed(&mut right_input, &mut right_state, n, options.nodes as u64);
        round += 1;
        left_input.advance_to(round);
        right_input.advance_to(round);
        wait(worker, options, || probe.less_than(&round));
        left -= n;
    }
    let seconds = start.elapsed().as_secs_f64();
    let (count, sum) = arrived.get();
    Share { answer: vec![count, sum], seconds }
}
