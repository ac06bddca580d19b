// SPDX-License-Identifier: Apache-2.0
//! What the cases share: rows are loaded at time 0, then batches come, each at a time of its own and
//! waited for; the answer is the sum of diff × hash over the output; medians and tails of a batch.

use crate::options::{wait, Options};
use differential_dataflow::VecCollection;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;
use timely::dataflow::ProbeHandle;
use timely::progress::Timestamp;
use timely::worker::Worker;

/// What one worker found.
#[derive(Default)]
pub struct Share {
    pub answer: u64,
    pub load: f64,
    /// Seconds that each batch took.
    pub batches: Vec<f64>,
    /// Lines of its own instead of those of load and batches.
    pub lines: Vec<String>,
}

/// Where a worker's changes come from.
pub trait Feed {
    fn load(&mut self);
    /// The worker's share of a batch.
    fn batch(&mut self);
    /// Everything before this time has been sent.
    fn advance(&mut self, time: u64);
}

/// This worker's part of a number.
pub fn part(all: u64, worker: &Worker) -> u64 {
    let (index, peers) = (worker.index() as u64, worker.peers() as u64);
    all / peers + u64::from(index < all % peers)
}

/// A row's hash, field by field.
#[inline]
pub fn hash(fields: &[u64]) -> u64 {
    fields.iter().fold(0, |hash, field| {
        let z = (hash ^ field).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z ^ (z >> 27)
    })
}

/// Sums diff × hash over a collection's changes; probes it.
pub fn answer<T: Timestamp, D: Clone + 'static>(
    collection: VecCollection<'_, T, D>,
    probe: &ProbeHandle<T>,
    hash: impl Fn(&D) -> u64 + 'static,
) -> Rc<Cell<u64>> {
    let sum = Rc::new(Cell::new(0u64));
    let total = Rc::clone(&sum);
    collection
        .inspect_batch(move |_, changes| {
            let mut here = total.get();
            for (row, _, diff) in changes {
                here = here.wrapping_add(hash(row).wrapping_mul(*diff as u64));
            }
            total.set(here);
        })
        .probe_with(probe);
    sum
}

/// Loads, then sends `--rounds` batches, unless `--kind load`.
pub fn drive(
    worker: &mut Worker,
    options: &Options,
    probe: &ProbeHandle<u64>,
    feed: &mut impl Feed,
) -> Share {
    let mut share = Share::default();
    worker.step();
    options.start_together(worker);
    let start = Instant::now();
    feed.load();
    feed.advance(1);
    wait(worker, options, || probe.less_than(&1));
    share.load = start.elapsed().as_secs_f64();
    let rounds = if options.kind == "load" { 0 } else { options.rounds };
    for round in 1..=rounds {
        let start = Instant::now();
        feed.batch();
        feed.advance(round + 1);
        wait(worker, options, || probe.less_than(&(round + 1)));
        share.batches.push(start.elapsed().as_secs_f64());
    }
    share
}

/// Prints the lines that bench/run reads. Batches are those of the first worker: it waits for all.
pub fn report(shares: &[Share], options: &Options) {
    println!("answer {}", shares.iter().fold(0, |sum: u64, s| sum.wrapping_add(s.answer)));
    let first = &shares[0];
    if !first.lines.is_empty() {
        return first.lines.iter().for_each(|line| println!("{line}"));
    }
    if options.kind == "load" {
        let load = shares.iter().map(|s| s.load).fold(0.0, f64::max);
        return println!("cost {:.4} ms", load * 1e3);
    }
    let (median, lines) = tails(first.batches.iter().map(|seconds| seconds * 1e6).collect());
    lines.iter().for_each(|line| println!("{line}"));
    println!("cost {median:.4} us/batch");
}

/// Of what each of several batches, at least one, cost: the median, and lines with the tails.
pub fn tails(mut figures: Vec<f64>) -> (f64, Vec<String>) {
    figures.sort_by(f64::total_cmp);
    let at = |fraction: f64| figures[((figures.len() - 1) as f64 * fraction) as usize];
    let line = |name: &str, figure: f64| format!("beside-{name} {figure:.4}");
    (at(0.5), vec![line("p99", at(0.99)), line("worst", at(1.0))])
}

/// The same with a line for the median, of a case whose cost is another figure.
pub fn tails_and_median(figures: Vec<f64>) -> Vec<String> {
    let (median, mut lines) = tails(figures);
    lines.push(format!("beside-p50 {median:.4}"));
    lines
}
