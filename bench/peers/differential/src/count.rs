// SPDX-License-Identifier: Apache-2.0
//! How often each key is there: all keys once, then batches of random keys.

use crate::drive::{answer, drive, hash, part, Feed, Share};
use crate::options::{random, Options};
use differential_dataflow::input::InputSession;
use differential_dataflow::operators::CountTotal;
use timely::dataflow::ProbeHandle;
use timely::worker::Worker;

/// Coprime to the numbers of keys that are used: i × this, modulo keys, is each of them once.
pub const STRIDE: u64 = 7_777_777_777;

struct Keys {
    input: InputSession<u64, u64, isize>,
    keys: u64,
    first: u64,
    peers: usize,
    share: u64,
    state: u64,
}

impl Feed for Keys {
    fn load(&mut self) {
        for i in (self.first..self.keys).step_by(self.peers) {
            self.input.insert(i.wrapping_mul(STRIDE) % self.keys);
        }
    }

    fn batch(&mut self) {
        for _ in 0..self.share {
            self.input.insert(random(&mut self.state) % self.keys);
        }
    }

    fn advance(&mut self, time: u64) {
        self.input.advance_to(time);
        self.input.flush();
    }
}

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let mut feed = Keys {
        input: InputSession::new(),
        keys: options.nodes as u64,
        first: worker.index() as u64,
        peers: worker.peers(),
        share: part(options.batch, worker),
        state: 1 + worker.index() as u64,
    };
    let probe = ProbeHandle::new();
    let sum = worker.dataflow(|scope| {
        let counts = feed.input.to_collection(scope).count_total();
        answer(counts, &probe, |(key, count)| hash(&[*key, *count as u64]))
    });
    let share = drive(worker, options, &probe, &mut feed);
    Share { answer: sum.get(), ..share }
}
