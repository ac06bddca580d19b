// SPDX-License-Identifier: Apache-2.0
//! Ranks of a random graph that follow its edges: all edges at time 0, then one edge in and one out a
//! round, while changes of ranks go round a loop until they are too small to matter.

use crate::options::{random, wait, Options};
use crate::rounds::edge;
use crate::Share;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::{Capability, ConnectLoop, Feedback, Input, Operator, Probe};
use timely::dataflow::{InputHandle, ProbeHandle};
use timely::worker::Worker;

const START: i64 = 1000;
const SMALL: i64 = 6;

/// From, to, and how many more.
type Change = (u32, u32, i64);
/// A node and what its rank moves by.
type Rank = (u32, i64);

/// A node of the graph, on the worker where it lives.
struct Place {
    rank: i64,
    unspent: i64,
    targets: Vec<(u32, i64)>,
}

impl Place {
    /// What a target gets, an edge: the share, and how many of the first get one more.
    fn spread(&self) -> (i64, i64) {
        let all = self.rank * 5 / 6;
        match self.targets.len() as i64 {
            0 => (0, 0),
            n => (all / n, all % n),
        }
    }

    fn change_edges(&mut self, changes: &[Change], mut tell: impl FnMut(Rank)) {
        let before = self.spread();
        for (i, (node, count)) in self.targets.iter().enumerate() {
            tell((*node, -count * part(before, i)));
        }
        self.targets.extend(changes.iter().map(|c| (c.1, c.2)));
        self.targets.sort_unstable_by_key(|t| t.0);
        self.targets.dedup_by(|later, first| {
            let same = later.0 == first.0;
            if same {
                first.1 += later.1;
            }
            same
        });
        self.targets.retain(|t| t.1 != 0);
        let after = self.spread();
        for (i, (node, count)) in self.targets.iter().enumerate() {
            tell((*node, count * part(after, i)));
        }
    }

    fn move_rank(&mut self, heard: i64, mut tell: impl FnMut(Rank)) {
        self.unspent += heard;
        if self.unspent.abs() < SMALL {
            return;
        }
        let before = self.spread();
        self.rank += self.unspent;
        self.unspent = 0;
        let after = self.spread();
        for (i, (node, count)) in self.targets.iter().enumerate() {
            tell((*node, count * (part(after, i) - part(before, i))));
        }
    }
}

fn part(spread: (i64, i64), i: usize) -> i64 {
    spread.0 + i64::from((i as i64) < spread.1)
}

/// What came for a time, and the right to send at it.
struct Round {
    capability: Capability<u64>,
    edges: Vec<Vec<Change>>,
}

impl Round {
    fn new(capability: Capability<u64>) -> Self {
        Round { capability, edges: Vec::new() }
    }
}

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let (index, peers) = (worker.index(), worker.peers());
    let answer = Rc::new(Cell::new(0u64));
    let total = Rc::clone(&answer);
    let mut input = InputHandle::<u64, CapacityContainerBuilder<Vec<Change>>>::new_with_builder();
    let probe = ProbeHandle::new();
    worker.dataflow::<u64, _, _>(|scope| {
        let edges = scope.input_from(&mut input);
        let (handle, cycle) = scope.feedback::<Vec<Rank>>(1);
        edges
            .binary_frontier::<_, CapacityContainerBuilder<Vec<Rank>>, _, _, _, _>(
                cycle,
                Exchange::new(|c: &Change| u64::from(c.0)),
                Exchange::new(|r: &Rank| u64::from(r.0)),
                "Ranks",
                |_capability, _info| {
                    let local = options.nodes / peers + 1;
                    let mut places: Vec<Place> = Vec::with_capacity(local);
                    places.resize_with(local, || Place {
                        rank: START,
                        unspent: 0,
                        targets: Vec::new(),
                    });
                    let mut rounds: BTreeMap<u64, Round> = BTreeMap::new();
                    // By the time's parity: what each place has heard, and which, if few have. Some
                    // are there more than once, and have nothing left the second time.
                    let mut heard = [vec![0i64; local], vec![0i64; local]];
                    let mut touched: [Vec<u32>; 2] = Default::default();
                    let few = local / 4;
                    let peers = peers as u32;
                    move |(edges, edges_frontier), (ranks, ranks_frontier), output| {
                        edges.for_each_stamp(|stamp, data| {
                            if let Some(cap) = stamp.retain_least(output.output_index()) {
                                let time = *cap.time();
                                let round = rounds.entry(time).or_insert_with(|| Round::new(cap));
                                round.edges.extend(data.map(std::mem::take));
                            }
                        });
                        ranks.for_each_stamp(|stamp, data| {
                            if let Some(cap) = stamp.retain_least(output.output_index()) {
                                let time = *cap.time();
                                rounds.entry(time).or_insert_with(|| Round::new(cap));
                                let which = (time & 1) as usize;
                                for (node, diff) in data.flat_map(|c| c.drain(..)) {
                                    let here = node / peers;
                                    heard[which][here as usize] += diff;
                                    if touched[which].len() <= few {
                                        touched[which].push(here);
                                    }
                                }
                            }
                        });
                        while let Some((&time, _)) = rounds.first_key_value() {
                            if edges_frontier.less_equal(&time) || ranks_frontier.less_equal(&time)
                            {
                                break;
                            }
                            let round = rounds.remove(&time).expect("just seen");
                            let mut session = output.session(&round.capability);
                            let mut tell = |rank: Rank| {
                                if rank.1 != 0 {
                                    session.give(rank);
                                }
                            };
                            let mut changes = round.edges.concat();
                            changes.sort_unstable();
                            for same in changes.chunk_by(|a, b| a.0 == b.0) {
                                places[(same[0].0 / peers) as usize].change_edges(same, &mut tell);
                            }
                            let which = (time & 1) as usize;
                            let heard = &mut heard[which];
                            if touched[which].len() > few {
                                for (place, heard) in places.iter_mut().zip(heard) {
                                    place.move_rank(std::mem::take(heard), &mut tell);
                                }
                            } else {
                                for here in &touched[which] {
                                    let here = *here as usize;
                                    places[here].move_rank(std::mem::take(&mut heard[here]), &mut tell);
                                }
                            }
                            touched[which].clear();
                        }
                        if edges_frontier.is_empty() && ranks_frontier.is_empty() {
                            let sum = places.iter().enumerate().fold(0u64, |sum, (i, place)| {
                                let mut node = (i * peers as usize + index) as u64;
                                sum.wrapping_add((place.rank as u64).wrapping_mul(random(&mut node)))
                            });
                            total.set(sum);
                        }
                    }
                },
            )
            .probe_with(&probe)
            .connect_loop(handle);
    });
    let nodes = options.nodes as u64;
    let (mut comes, mut goes) = (1 + index as u64, 1 + index as u64);
    worker.step();
    options.start_together(worker);
    let start = Instant::now();
    for _ in 0..options.records / peers as u64 {
        let (from, to) = edge(&mut comes, nodes);
        input.send((from, to, 1));
    }
    input.advance_to(1);
    wait(worker, options, || probe.less_than(&1));
    for round in 1..=options.rounds {
        let (from, to) = edge(&mut comes, nodes);
        input.send((from, to, 1));
        let (from, to) = edge(&mut goes, nodes);
        input.send((from, to, -1));
        input.advance_to(round + 1);
        wait(worker, options, || probe.less_than(&(round + 1)));
    }
    input.close();
    wait(worker, options, || !probe.done());
    let seconds = start.elapsed().as_secs_f64();
    Share { answer: vec![answer.get()], seconds }
}
