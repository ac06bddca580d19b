// SPDX-License-Identifier: Apache-2.0
//! How many nodes have how many edges that begin there: random edges, then batches of as many new
//! ones as old ones that leave.

use crate::drive::{answer, drive, hash, part, Share};
use crate::graphs::Edges;
use crate::options::Options;
use differential_dataflow::operators::CountTotal;
use timely::dataflow::ProbeHandle;
use timely::worker::Worker;

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let mut feed = Edges::new(worker, options);
    let probe = ProbeHandle::new();
    let sum = worker.dataflow(|scope| {
        let degrees = feed.input.to_collection(scope).map(|(from, _)| from).count_total();
        let nodes = degrees.map(|(_, degree)| degree as u64).count_total();
        answer(nodes, &probe, |(degree, nodes)| hash(&[*degree, *nodes as u64]))
    });
    let share = drive(worker, options, &probe, &mut feed);
    Share { answer: sum.get(), ..share }
}

/// This worker's part of what is loaded and of a batch.
pub fn parts(worker: &Worker, options: &Options) -> (u64, u64) {
    (part(options.records, worker), part(options.batch, worker))
}
