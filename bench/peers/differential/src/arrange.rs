// SPDX-License-Identifier: Apache-2.0
//! Rows (key, value) arranged while they change. `--kind load`: batches as fast as they go, what an
//! update costs, in all and in the worst of them. Otherwise updates come at a fixed rate, whether
//! those before are done or not: how long after it was due is one complete? An update brings a row
//! and takes away the oldest.

use crate::drive::{hash, part, tails_and_median, Share};
use crate::options::{random, wait, Options};
use differential_dataflow::input::InputSession;
use differential_dataflow::trace::TraceReader;
use std::time::Instant;
use timely::dataflow::operators::Probe;
use timely::dataflow::ProbeHandle;
use timely::progress::frontier::AntichainRef;
use timely::worker::Worker;

type Row = (u64, u64);

struct Rows {
    input: InputSession<u64, Row, isize>,
    keys: u64,
    coming: u64,
    leaving: u64,
    answer: u64,
}

impl Rows {
    fn row(state: &mut u64, keys: u64) -> Row {
        let key = random(state) % keys;
        (key, random(state))
    }

    fn insert(&mut self) {
        let row = Rows::row(&mut self.coming, self.keys);
        self.answer = self.answer.wrapping_add(hash(&[row.0, row.1]));
        self.input.insert(row);
    }

    fn update(&mut self) {
        self.insert();
        let row = Rows::row(&mut self.leaving, self.keys);
        self.answer = self.answer.wrapping_sub(hash(&[row.0, row.1]));
        self.input.remove(row);
    }

    fn advance(&mut self, time: u64) {
        self.input.advance_to(time);
        self.input.flush();
    }
}

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let state = 1 + worker.index() as u64;
    let mut rows = Rows {
        input: InputSession::new(),
        keys: options.nodes as u64,
        coming: state,
        leaving: state,
        answer: 0,
    };
    let probe = ProbeHandle::new();
    let mut trace = worker.dataflow(|scope| {
        let arranged = rows.input.to_collection(scope).arrange_by_key();
        arranged.stream.probe_with(&probe);
        arranged.trace
    });
    // Nobody asks for times before what is complete.
    let mut follow = move |time: u64| {
        trace.set_logical_compaction(AntichainRef::new(&[time]));
        trace.set_physical_compaction(AntichainRef::new(&[time]));
    };
    for _ in 0..part(options.records, worker) {
        rows.insert();
    }
    rows.advance(1);
    wait(worker, options, || probe.less_than(&1));
    follow(1);
    options.start_together(worker);
    let start = Instant::now();
    let mut took = Vec::new();
    if options.kind == "load" {
        let share = part(options.batch, worker);
        let (mut before, mut now) = (start, start);
        let mut batches = Vec::new();
        for round in 1..=options.rounds {
            for _ in 0..share {
                rows.update();
            }
            rows.advance(round + 1);
            wait(worker, options, || probe.less_than(&(round + 1)));
            follow(round + 1);
            now = Instant::now();
            batches.push((now - before).as_secs_f64() * 1e9 / options.batch as f64);
            before = now;
        }
        let ns = (now - start).as_secs_f64() * 1e9 / (options.rounds * options.batch) as f64;
        let mut lines = tails_and_median(batches);
        lines.push(format!("cost {ns:.4} ns/update"));
        return Share { answer: rows.answer, lines, ..Share::default() };
    }
    // Times are nanoseconds since the start, from 2 on.
    let (index, peers) = (worker.index() as u64, worker.peers() as u64);
    let period = 1e9 / options.rate as f64;
    let due = |update: u64| (update as f64 * period) as u64;
    let (mut next, mut retired, mut sent) = (index, index, 1u64);
    let limit = options.rate * options.seconds;
    let start = options.began();
    while retired < limit {
        let now = 2 + start.elapsed().as_nanos() as u64;
        let complete = probe.with_frontier(|frontier| frontier[0]);
        while retired < limit && 2 + due(retired) < complete {
            took.push((now - 2 - due(retired)) as f64 / 1e3);
            retired += peers;
        }
        follow(complete);
        let bits = 64 - (sent - complete.min(sent)).leading_zeros();
        let until = now & !(((1u64 << bits) / 4).max(1024) - 1);
        if until > sent {
            while next < limit && 2 + due(next) < until {
                rows.update();
                next += peers;
            }
            rows.advance(until);
            sent = until;
        }
        worker.step();
    }
    took.sort_by(f64::total_cmp);
    let at = |fraction: f64| took[((took.len() - 1) as f64 * fraction) as usize];
    let mut lines: Vec<String> = [("p50", 0.5), ("p99.9", 0.999), ("worst", 1.0)]
        .iter()
        .map(|(name, fraction)| format!("beside-{name} {:.4}", at(*fraction)))
        .collect();
    lines.push(format!("cost {:.4} us@p99", at(0.99)));
    Share { answer: rows.answer, lines, ..Share::default() }
}
