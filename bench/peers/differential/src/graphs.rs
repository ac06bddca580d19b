// SPDX-License-Identifier: Apache-2.0
//! Random edges that come and go, and the library's own algorithms over them: distances from node 0,
//! and the edges within strongly connected components.

use crate::degrees::parts;
use crate::drive::{answer, drive, hash, Feed, Share};
use crate::options::{random, Options};
use differential_dataflow::algorithms::graphs;
use differential_dataflow::input::{Input, InputSession};
use timely::dataflow::ProbeHandle;
use timely::worker::Worker;

pub type Edge = (u32, u32);

/// The edges of one worker: a batch adds some and removes as many, the oldest first.
pub struct Edges {
    pub input: InputSession<u64, Edge, isize>,
    nodes: u64,
    load: u64,
    share: u64,
    coming: u64,
    leaving: u64,
}

impl Edges {
    pub fn new(worker: &Worker, options: &Options) -> Edges {
        let (load, share) = parts(worker, options);
        let state = 1 + worker.index() as u64;
        let nodes = options.nodes as u64;
        Edges { input: InputSession::new(), nodes, load, share, coming: state, leaving: state }
    }
}

fn edge(state: &mut u64, nodes: u64) -> Edge {
    let from = random(state) % nodes;
    (from as u32, (random(state) % nodes) as u32)
}

impl Feed for Edges {
    fn load(&mut self) {
        for _ in 0..self.load {
            self.input.insert(edge(&mut self.coming, self.nodes));
        }
    }

    fn batch(&mut self) {
        for _ in 0..self.share {
            self.input.insert(edge(&mut self.coming, self.nodes));
            self.input.remove(edge(&mut self.leaving, self.nodes));
        }
    }

    fn advance(&mut self, time: u64) {
        self.input.advance_to(time);
        self.input.flush();
    }
}

pub fn bfs(worker: &mut Worker, options: &Options) -> Share {
    let mut feed = Edges::new(worker, options);
    let probe = ProbeHandle::new();
    let index = worker.index();
    let sum = worker.dataflow(|scope| {
        let edges = feed.input.to_collection(scope);
        let roots = scope.new_collection_from((index == 0).then_some(0u32)).1;
        let distances = graphs::bfs::bfs(edges, roots);
        answer(distances, &probe, |(node, far)| hash(&[u64::from(*node), u64::from(*far)]))
    });
    let share = drive(worker, options, &probe, &mut feed);
    Share { answer: sum.get(), ..share }
}

/// Labels come in by powers of two, the least first, which the library advises: all at once is much
/// slower.
pub fn scc(worker: &mut Worker, options: &Options) -> Share {
    let mut feed = Edges::new(worker, options);
    let probe = ProbeHandle::new();
    let sum = worker.dataflow(|scope| {
        let edges = feed.input.to_collection(scope);
        let inside = graphs::scc::strongly_connected_at(edges, |node| u64::from(*node));
        answer(inside, &probe, |(from, to)| hash(&[u64::from(*from), u64::from(*to)]))
    });
    let share = drive(worker, options, &probe, &mut feed);
    Share { answer: sum.get(), ..share }
}
