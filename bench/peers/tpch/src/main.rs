// SPDX-License-Identifier: Apache-2.0
//! The peer's side of the case tpch, `peer-tpch tpch -w WORKERS --kind QUERY --batch N --data DIR`:
//! the rows of the tables that a query reads come in batches, each at a time of its own and complete
//! before the next, all tables in proportion; the query's result is kept up to date. What does a row
//! cost, and how long does a batch take? The contract (flags, answer, cost) is in bench/README.md.

#[path = "../../differential/src/drive.rs"]
#[allow(dead_code)]
mod drive;
#[path = "../../timely/src/options.rs"]
#[allow(dead_code)]
mod options;
mod queries;
mod rows;

use differential_dataflow::input::InputSession;
use differential_dataflow::VecCollection;
use drive::{answer, tails_and_median, Share};
use options::{wait, Options};
use rows::Row;
use std::cell::Cell;
use std::process::exit;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;
use timely::dataflow::{ProbeHandle, Scope};
use timely::worker::Worker;

/// A collection of rows: they lie in memory, so the input carries where.
type Rows<'scope, R> = VecCollection<'scope, u64, &'static R>;

/// What comes of one table.
trait Feed {
    fn rows(&self) -> u64;
    /// The worker's share of rows from..to.
    fn send(&mut self, from: u64, to: u64, worker: &Worker);
    fn advance(&mut self, time: u64);
}

struct TableFeed<R: Row> {
    rows: &'static [R],
    input: InputSession<u64, &'static R, isize>,
}

impl<R: Row> Feed for TableFeed<R> {
    fn rows(&self) -> u64 {
        self.rows.len() as u64
    }

    fn send(&mut self, from: u64, to: u64, worker: &Worker) {
        let (index, peers) = (worker.index(), worker.peers());
        let first = from as usize + (peers + index - from as usize % peers) % peers;
        if first < to as usize {
            for row in self.rows[first..to as usize].iter().step_by(peers) {
                self.input.insert(row);
            }
        }
    }

    fn advance(&mut self, time: u64) {
        self.input.advance_to(time);
        self.input.flush();
    }
}

/// What a query is built from: the tables that it asks for, and where its result goes.
pub struct Query<'scope> {
    scope: Scope<'scope, u64>,
    folder: String,
    feeds: Vec<Box<dyn Feed>>,
    probe: ProbeHandle<u64>,
    answer: Rc<Cell<u64>>,
}

impl<'scope> Query<'scope> {
    fn table<R: Row>(&mut self) -> Rows<'scope, R> {
        let mut feed = TableFeed { rows: R::all(&self.folder), input: InputSession::new() };
        let collection = feed.input.to_collection(self.scope);
        self.feeds.push(Box::new(feed));
        collection
    }

    fn result<D: Clone + 'static>(
        &mut self,
        result: VecCollection<'scope, u64, D>,
        hash: impl Fn(&D) -> u64 + 'static,
    ) {
        self.answer = answer(result, &self.probe, hash);
    }
}

fn main() {
    let args = std::env::args().skip(1).skip_while(|name| name == "tpch");
    let options = Arc::new(Options::parse(args).unwrap_or_else(|error| usage(&error)));
    let Some(build) = queries::named(&options.kind) else {
        usage(&format!("--kind {:?} is no query of {}", options.kind, queries::names()));
    };
    let config = timely::Config {
        // Typed messages between threads: nothing is serialised. The fastest form for one process.
        communication: match options.workers {
            1 => timely::CommunicationConfig::Thread,
            n => timely::CommunicationConfig::Process(n),
        },
        worker: timely::WorkerConfig::default(),
    };
    let shared = Arc::clone(&options);
    let guards =
        timely::execute(config, move |worker| run(worker, &shared, build)).expect("workers");
    let shares: Vec<Share> = guards.join().into_iter().map(|s| s.expect("a worker")).collect();
    drive::report(&shares, &options);
}

fn usage(error: &str) -> ! {
    eprintln!("peer-tpch: {error}");
    eprintln!("usage: peer-tpch tpch --kind QUERY --data DIR [-w WORKERS] [--batch N]");
    exit(1)
}

fn run(worker: &mut Worker, options: &Options, build: queries::Build) -> Share {
    let (mut feeds, probe, sum) = worker.dataflow(|scope| {
        let mut query = Query {
            scope,
            folder: options.data.clone(),
            feeds: Vec::new(),
            probe: ProbeHandle::new(),
            answer: Rc::default(),
        };
        build(&mut query);
        (query.feeds, query.probe, query.answer)
    });
    let all: u64 = feeds.iter().map(|feed| feed.rows()).sum();
    worker.step();
    options.start_together(worker);
    let start = Instant::now();
    // Of each batch, in microseconds.
    let mut batches = Vec::with_capacity(all.div_ceil(options.batch) as usize);
    let (mut before, mut now) = (start, start);
    for batch in 1..=all.div_ceil(options.batch) {
        let at = |batch: u64| (batch * options.batch).min(all);
        for feed in &mut feeds {
            let of = |rows: u64| rows * feed.rows() / all;
            feed.send(of(at(batch - 1)), of(at(batch)), worker);
            feed.advance(batch);
        }
        wait(worker, options, || probe.less_than(&batch));
        now = Instant::now();
        batches.push((now - before).as_secs_f64() * 1e6);
        before = now;
    }
    // The first worker's time is all workers': it waits for them.
    let ns = (now - start).as_secs_f64() * 1e9 / all as f64;
    let mut lines = tails_and_median(batches);
    lines.push(format!("cost {ns:.4} ns/row"));
    Share { answer: sum.get(), lines, ..Share::default() }
}
