// SPDX-License-Identifier: Apache-2.0
//! One record that a loop counts up to `--rounds`, a round each, where it stays. What does a round
//! cost, and how long does each of them take?

use crate::drive::{answer, hash, tails_and_median, Share};
use crate::options::{wait, Options};
use differential_dataflow::input::InputSession;
use differential_dataflow::operators::Iterate;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Mutex;
use std::time::Instant;
use timely::dataflow::ProbeHandle;
use timely::worker::Worker;

/// When each number was counted up first, of all workers.
static BEGAN: Mutex<Vec<Option<Instant>>> = Mutex::new(Vec::new());

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let rounds = options.rounds;
    let mut input = InputSession::new();
    let probe = ProbeHandle::<u64>::new();
    let began = Rc::new(RefCell::new(vec![None; rounds as usize + 1]));
    let here = Rc::clone(&began);
    let sum = worker.dataflow(|scope| {
        let last = input.to_collection(scope).iterate(|_, numbers| {
            numbers
                .map(move |x: u64| {
                    here.borrow_mut()[x as usize].get_or_insert_with(Instant::now);
                    (x + 1).min(rounds)
                })
                .consolidate()
        });
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
    let mut lines = took(worker, options, &began.borrow());
    lines.push(format!("cost {:.4} us/round", seconds * 1e6 / rounds as f64));
    Share { answer: sum.get(), lines, ..Share::default() }
}

/// Between the numbers that come one after the other, which any of the workers may have had.
fn took(worker: &mut Worker, options: &Options, here: &[Option<Instant>]) -> Vec<String> {
    {
        let mut began = BEGAN.lock().expect("times");
        began.resize(here.len(), None);
        for (all, own) in began.iter_mut().zip(here) {
            *all = all.or(*own);
        }
    }
    options.start_together(worker); // all have told
    let began = BEGAN.lock().expect("times");
    let at = |i: usize| began[i].expect("a round");
    let micros = |i: usize| (at(i + 1) - at(i)).as_secs_f64() * 1e6;
    tails_and_median((0..began.len() - 1).map(micros).collect())
}
