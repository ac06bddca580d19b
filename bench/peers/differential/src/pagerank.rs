// SPDX-License-Identifier: Apache-2.0
//! PageRank in whole numbers, to its fixed point: a node has 1,000,000 of its own and, from each edge
//! to it, 5/6 of what the edge's begin has over its number of edges, rounded down.

use crate::drive::{answer, drive, hash, Share};
use crate::graphs::Edges;
use crate::options::Options;
use differential_dataflow::lattice::Lattice;
use differential_dataflow::operators::iterate::Variable;
use differential_dataflow::operators::CountTotal;
use differential_dataflow::VecCollection;
use timely::dataflow::ProbeHandle;
use timely::order::Product;
use timely::progress::Timestamp;
use timely::worker::Worker;

/// Ranks are diffs: what flows along an edge is a number of equal records.
fn ranks<'scope, T: Timestamp + Lattice>(
    edges: VecCollection<'scope, T, (u32, u32)>,
) -> VecCollection<'scope, T, u32> {
    let outer = edges.scope();
    let nodes = edges.clone().flat_map(|(from, to)| [from, to]).distinct();
    let own = nodes.explode(|node| Some((node, 1_000_000isize)));
    let degrees = edges.clone().map(|(from, _)| from).count();
    outer.iterative::<u64, _, _>(|scope| {
        let own = own.enter(scope);
        let edges = edges.enter(scope);
        let degrees = degrees.enter(scope);
        let (variable, ranks) = Variable::new(scope, Product::new(Default::default(), 1));
        let given = degrees
            .semijoin(ranks)
            .threshold(|(_, degree), rank| 5 * rank / (6 * degree))
            .map(|(node, _)| node);
        let result = edges.semijoin(given).map(|(_, to)| to).concat(own).consolidate();
        variable.set(result.clone());
        result.leave(outer)
    })
}

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let mut feed = Edges::new(worker, options);
    let probe = ProbeHandle::new();
    let sum = worker.dataflow(|scope| {
        let ranks = ranks(feed.input.to_collection(scope)).count_total();
        answer(ranks, &probe, |(node, rank)| hash(&[u64::from(*node), *rank as u64]))
    });
    let share = drive(worker, options, &probe, &mut feed);
    Share { answer: sum.get(), ..share }
}
