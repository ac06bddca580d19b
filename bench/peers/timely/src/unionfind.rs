// SPDX-License-Identifier: Apache-2.0
//! The components of a graph whose edges come batch by batch: each worker keeps a forest of the edges
//! it has read and sends on those that joined two trees; one worker does the same with what all have
//! sent.

use crate::options::{wait, Options};
use crate::rounds::{feed, Edge, Edges};
use crate::Share;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::{Exchange, ParallelizationContract, Pipeline};
use timely::dataflow::operators::{Input, Inspect, Operator, Probe};
use timely::dataflow::{ProbeHandle, StreamVec};
use timely::worker::Worker;

/// The root of x; every other node on the way moves one up.
#[inline]
fn root_of(roots: &mut [u32], mut x: u32) -> u32 {
    while x != roots[x as usize] {
        let up = roots[roots[x as usize] as usize];
        roots[x as usize] = up;
        x = up;
    }
    x
}

fn forest<'s, P: ParallelizationContract<u64, Vec<Edge>>>(
    stream: StreamVec<'s, u64, Edge>,
    pact: P,
    nodes: usize,
) -> StreamVec<'s, u64, Edge> {
    stream.unary::<CapacityContainerBuilder<Vec<Edge>>, _, _, _>(pact, "Forest", move |_, _| {
        let mut roots: Vec<u32> = (0..nodes as u32).collect();
        let mut ranks = vec![0u8; nodes];
        move |input, output| {
            input.for_each_stamp(|stamp, containers| {
                let mut session = output.session(&stamp);
                for edge in containers.flat_map(|c| c.drain(..)) {
                    let x = root_of(&mut roots, edge.0);
                    let y = root_of(&mut roots, edge.1);
                    if x != y {
                        let (rx, ry) = (ranks[x as usize], ranks[y as usize]);
                        if rx < ry {
                            roots[x as usize] = y;
                        } else {
                            roots[y as usize] = x;
                            ranks[x as usize] += u8::from(rx == ry);
                        }
                        session.give(edge);
                    }
                }
            });
        }
    })
}

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let joined = Rc::new(Cell::new(0u64));
    let total = Rc::clone(&joined);
    let mut input = Edges::new_with_builder();
    let probe = ProbeHandle::new();
    worker.dataflow::<u64, _, _>(|scope| {
        let edges = scope.input_from(&mut input);
        let trees = forest(edges, Pipeline, options.nodes);
        forest(trees, Exchange::new(|_: &Edge| 0), options.nodes)
            .inspect(move |_| total.set(total.get() + 1))
            .probe_with(&probe);
    });
    let mut state = 1 + worker.index() as u64;
    let peers = worker.peers() as u64;
    let mut left = options.records / peers;
    let mut round = 0;
    worker.step();
    options.start_together(worker);
    let start = Instant::now();
    while left > 0 {
        let n = left.min(options.batch / peers);
        feed(&mut input, &mut state, n, options.nodes as u64);
        round += 1;
        input.advance_to(round);
        wait(worker, options, || probe.less_than(&round));
        left -= n;
    }
    let seconds = start.elapsed().as_secs_f64();
    Share { answer: vec![joined.get()], seconds }
}
