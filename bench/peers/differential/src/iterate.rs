// SPDX-License-Identifier: Apache-2.0
//! One record that a loop counts up to `--rounds`, a round each, where it stays.

use crate::drive::{answer, hash, Share};
use crate::options::{wait, Options};
use differential_dataflow::input::InputSession;
use differential_dataflow::operators::Iterate;
use std::time::Instant;
use timely::dataflow::ProbeHandle;
use timely::worker::Worker;

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let rounds = options.rounds;
    let mut input = InputSession::new();
    let probe = ProbeHandle::<u64>::new();
    let sum = worker.dataflow(|scope| {
        let last = input
            .to_collection(scope)
            .iterate(|_, numbers| numbers.map(move |x: u64| (x + 1).min(rounds)).consolidate());
        answer(last, &probe, |x| hash(&[*x]))
    });
    worker.step();
    options.start_together(worker);
    let start = Instant::now();
    if worker.index() == 0 {
        input.insert(0);
    }
    input.close();
    wait(worker, options, || !probe.done());
    let seconds = start.elapsed().as_secs_f64();
    let line = format!("cost {:.4} us/round", seconds * 1e6 / rounds as f64);
    Share { answer: sum.get(), lines: vec![line], ..Share::default() }
}
