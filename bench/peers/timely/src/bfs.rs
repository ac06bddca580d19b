// SPDX-License-Identifier: Apache-2.0
//! Breadth-first search: edges come at time 0 and are sorted by their start when all are there; then
//! visits go round a loop. The first visit of a node marks it and visits all its neighbours one round
//! later. Edges are placed by counting, which beats sorting them.

use crate::options::{wait, Options};
use crate::rounds::{edge, Edge};
use crate::Share;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::Instant;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::vec::ToStream;
use timely::dataflow::operators::{Capability, Concat, ConnectLoop, Feedback, Operator, Probe};
use timely::dataflow::ProbeHandle;
use timely::worker::Worker;

const UNSEEN: u32 = u32::MAX;

/// Edges by their start: offsets and targets.
fn place(batches: &mut Vec<Vec<Edge>>, nodes: usize, peers: u32) -> (Vec<u32>, Vec<u32>) {
    let mut offsets = vec![0u32; nodes + 2];
    for edge in batches.iter().flatten() {
        offsets[(edge.0 / peers) as usize + 2] += 1;
    }
    for n in 2..offsets.len() {
        offsets[n] += offsets[n - 1];
    }
    let mut targets = vec![0u32; batches.iter().map(Vec::len).sum()];
    for (from, to) in batches.drain(..).flatten() {
        let at = &mut offsets[(from / peers) as usize + 1];
        targets[*at as usize] = to;
        *at += 1;
    }
    (offsets, targets)
}

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let reached = Rc::new(Cell::new((0u64, 0u64)));
    let totals = Rc::clone(&reached);
    let (index, peers) = (worker.index(), worker.peers());
    let (nodes, count) = (options.nodes as u64, options.records / peers as u64);
    let probe = ProbeHandle::new();
    options.start_together(worker);
    let start = Instant::now();
    worker.dataflow::<u64, _, _>(|scope| {
        let mut state = 1 + index as u64;
        let edges = (0..count).map(move |_| edge(&mut state, nodes)).to_stream(scope);
        let root = if index == 0 { vec![(0u32, 0u32)] } else { Vec::new() };
        let (handle, cycle) = scope.feedback::<Vec<Edge>>(1);
        let visits = root.to_stream(scope).concat(cycle);
        edges
            .binary_frontier::<_, CapacityContainerBuilder<Vec<Edge>>, _, _, _, _>(
                visits,
                Exchange::new(|e: &Edge| u64::from(e.0)),
                Exchange::new(|e: &Edge| u64::from(e.0)),
                "Search",
                move |_capability, _info| {
                    let local = options.nodes / peers + 1;
                    let mut edge_batches: Vec<Vec<Edge>> = Vec::new();
                    let mut waves: HashMap<u64, Vec<u32>> = HashMap::new();
                    let mut due: BTreeMap<u64, Capability<u64>> = BTreeMap::new();
                    let mut parents = vec![UNSEEN; local];
                    let (mut offsets, mut targets) = (Vec::new(), Vec::new());
                    let peers = peers as u32;
                    move |(edges, edges_frontier), (visits, visits_frontier), output| {
                        edges.for_each_stamp(|stamp, data| {
                            if let Some(cap) = stamp.retain_least(output.output_index()) {
                                due.entry(*cap.time()).or_insert(cap);
                            }
                            edge_batches.extend(data.map(std::mem::take));
                        });
                        visits.for_each_stamp(|stamp, data| {
                            if let Some(cap) = stamp.retain_least(output.output_index()) {
                                let time = *cap.time();
                                let wave = waves.entry(time).or_default();
                                let (mut count, mut sum) = totals.get();
                                for (node, from) in data.flat_map(|c| c.drain(..)) {
                                    let parent = &mut parents[(node / peers) as usize];
                                    if *parent == UNSEEN {
                                        *parent = from;
                                        wave.push(node);
                                        count += 1;
                                        sum += time;
                                    }
                                }
                                totals.set((count, sum));
                                due.entry(time).or_insert(cap);
                            }
                        });
                        while let Some((&time, _)) = due.first_key_value() {
                            if edges_frontier.less_equal(&time) || visits_frontier.less_equal(&time)
                            {
                                break;
                            }
                            let cap = due.remove(&time).expect("just seen");
                            if offsets.is_empty() {
                                (offsets, targets) = place(&mut edge_batches, local, peers);
                            }
                            let mut session = output.session(&cap);
                            for node in waves.remove(&time).into_iter().flatten() {
                                let here = (node / peers) as usize;
                                let range = offsets[here] as usize..offsets[here + 1] as usize;
                                for &target in &targets[range] {
                                    session.give((target, node));
                                }
                            }
                        }
                    }
                },
            )
            .probe_with(&probe)
            .connect_loop(handle);
    });
    wait(worker, options, || !probe.done());
    let seconds = start.elapsed().as_secs_f64();
    let (count, sum) = reached.get();
    Share { answer: vec![count, sum], seconds }
}
