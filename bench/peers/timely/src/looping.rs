// SPDX-License-Identifier: Apache-2.0
//! One record round a loop: a map adds one, a filter ends it. With several workers the record goes
//! to another one each time.

use crate::options::{wait, Options};
use crate::Share;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;
use timely::dataflow::operators::vec::{Filter, Map, ToStream};
use timely::dataflow::operators::{Concat, ConnectLoop, Exchange, Feedback, Probe};
use timely::dataflow::ProbeHandle;
use timely::worker::Worker;

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let rounds = options.rounds;
    let (index, peers) = (worker.index(), worker.peers());
    let seen = Rc::new(Cell::new((0u64, 0u64)));
    let totals = Rc::clone(&seen);
    let probe = ProbeHandle::new();
    options.start_together(worker);
    let start = Instant::now();
    worker.dataflow::<u64, _, _>(|scope| {
        let (handle, cycle) = scope.feedback::<Vec<u64>>(1);
        let first = if index == 0 { vec![0u64] } else { Vec::new() };
        let mut stream = first.to_stream(scope).concat(cycle);
        if peers > 1 {
            stream = stream.exchange(|x: &u64| *x);
        }
        stream
            .map(|x: u64| x + 1)
            .filter(move |x: &u64| {
                let (count, sum) = totals.get();
                totals.set((count + 1, sum + *x));
                *x < rounds
            })
            .probe_with(&probe)
            .connect_loop(handle);
    });
    wait(worker, options, || !probe.done());
    let seconds = start.elapsed().as_secs_f64();
    let (count, sum) = seen.get();
    Share { answer: vec![count, sum], seconds }
}
