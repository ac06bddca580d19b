// SPDX-License-Identifier: Apache-2.0
//! Records come at a fixed rate, whether those before are done or not; how long after it was due is a
//! record complete? Each worker sends its share of what is due, at the nanosecond up to which it has
//! sent as time, in steps that grow with what is open.

use crate::options::Options;
use crate::Share;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::operators::vec::Filter;
use timely::dataflow::operators::{Input, Probe};
use timely::dataflow::{InputHandle, ProbeHandle};
use timely::worker::Worker;

const PARTS: usize = 16;

/// How many records took how long: 16 buckets between two powers of two.
struct Histogram([[u64; PARTS]; 64]);

impl Histogram {
    fn add(&mut self, ns: u64) {
        let bits = if ns < 16 { 4 } else { 63 - ns.leading_zeros() as usize };
        self.0[bits][(ns >> (bits - 4)) as usize & (PARTS - 1)] += 1;
    }

    /// The upper end, in microseconds, of the bucket in which the fraction is reached.
    fn at(&self, fraction: f64) -> f64 {
        let total: u64 = self.0.iter().flatten().sum();
        let mut sum = 0;
        for (bits, parts) in self.0.iter().enumerate() {
            for (part, count) in parts.iter().enumerate() {
                sum += count;
                if sum as f64 >= fraction * total as f64 && bits >= 4 {
                    return (((PARTS + part + 1) as u64) << (bits - 4)) as f64 / 1e3;
                }
            }
        }
        0.0
    }
}

/// Up to when records are sent now: in steps of a quarter of what is open, at least 1 us.
fn target(now: u64, sent: u64, complete: u64) -> u64 {
    let open = sent - complete;
    let bits = 64 - open.leading_zeros();
    now & !(((1u64 << bits) / 4).max(1024) - 1)
}

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let mut input = InputHandle::<u64, CapacityContainerBuilder<Vec<u64>>>::new_with_builder();
    let probe = ProbeHandle::new();
    worker.dataflow::<u64, _, _>(|scope| {
        scope.input_from(&mut input).filter(|_| false).probe_with(&probe);
    });
    let (index, peers) = (worker.index() as u64, worker.peers() as u64);
    let period = 1_000_000_000 / options.rate;
    let limit = options.rate * options.seconds;
    let (mut next, mut retired, mut sent) = (index, index, 0);
    let mut histogram = Histogram([[0; PARTS]; 64]);
    worker.step();
    options.start_together(worker);
    let start = options.began();
    while retired < limit {
        let now = start.elapsed().as_nanos() as u64;
        let complete = probe.with_frontier(|frontier| frontier[0]);
        while retired * period < complete && retired < limit {
            histogram.add(now - retired * period);
            retired += peers;
        }
        let until = target(now, sent, complete);
        if until > sent {
            while next * period < until {
                input.send(next);
                next += peers;
            }
            input.advance_to(until);
            sent = until;
        }
        worker.step();
    }
    if index == 0 {
        println!("beside-p50 {:.4}", histogram.at(0.5));
        println!("beside-p99.9 {:.4}", histogram.at(0.999));
        Share { answer: vec![limit], seconds: histogram.at(0.99) / 1e6 }
    } else {
        Share { answer: vec![0], seconds: 0.0 }
    }
}
