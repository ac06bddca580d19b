// SPDX-License-Identifier: Apache-2.0
//! Two sides of rows (key, value), each key once, joined by key; then batches in which rows come to
//! the left side and those of the batch before leave it.

use crate::count::STRIDE;
use crate::drive::{answer, drive, hash, part, Feed, Share};
use crate::options::{random, Options};
use differential_dataflow::input::InputSession;
use timely::dataflow::ProbeHandle;
use timely::worker::Worker;

type Row = (u64, u64);

struct Rows {
    left: InputSession<u64, Row, isize>,
    right: InputSession<u64, Row, isize>,
    rows: u64,
    first: u64,
    peers: usize,
    share: u64,
    coming: u64,
    leaving: u64,
    batches: u64,
}

impl Feed for Rows {
    fn load(&mut self) {
        for i in (self.first..self.rows).step_by(self.peers) {
            let key = i.wrapping_mul(STRIDE) % self.rows;
            self.left.insert((key, i));
            self.right.insert((key, i));
        }
    }

    fn batch(&mut self) {
        for _ in 0..self.share {
            let key = random(&mut self.coming) % self.rows;
            self.left.insert((key, random(&mut self.coming)));
        }
        if self.batches > 0 {
            for _ in 0..self.share {
                let key = random(&mut self.leaving) % self.rows;
                self.left.remove((key, random(&mut self.leaving)));
            }
        }
        self.batches += 1;
    }

    fn advance(&mut self, time: u64) {
        for input in [&mut self.left, &mut self.right] {
            input.advance_to(time);
            input.flush();
        }
    }
}

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let state = 1 + worker.index() as u64;
    let mut feed = Rows {
        left: InputSession::new(),
        right: InputSession::new(),
        rows: options.records,
        first: worker.index() as u64,
        peers: worker.peers(),
        share: part(options.batch, worker),
        coming: state,
        leaving: state,
        batches: 0,
    };
    let probe = ProbeHandle::new();
    let sum = worker.dataflow(|scope| {
        let left = feed.left.to_collection(scope).arrange_by_key();
        let right = feed.right.to_collection(scope).arrange_by_key();
        let joined = left.join_core(right, |key, a, b| Some((*key, *a, *b)));
        answer(joined, &probe, |(key, a, b)| hash(&[*key, *a, *b]))
    });
    let share = drive(worker, options, &probe, &mut feed);
    Share { answer: sum.get(), ..share }
}
