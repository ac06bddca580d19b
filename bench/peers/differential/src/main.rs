// SPDX-License-Identifier: Apache-2.0
//! The peer's side of the cases of collections: one case a run, `peer-differential CASE -w WORKERS
//! [--size N ...]`. The contract (flags, answer, cost) is in bench/README.md. This file owns the
//! command line, the workers and the report; each case is a module that describes what one worker
//! does.

mod arrange;
mod count;
mod degrees;
mod drive;
mod graphs;
mod iterate;
mod join;
mod memory;
#[path = "../../timely/src/options.rs"]
#[allow(dead_code)]
mod options;
mod pagerank;

use drive::Share;
use options::Options;
use std::process::exit;
use std::sync::Arc;
use timely::worker::Worker;

type Case = fn(&mut Worker, &Options) -> Share;

fn main() {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_default();
    let options = Arc::new(Options::parse(args).unwrap_or_else(|error| usage(&error)));
    let case: Case = match name.as_str() {
        "count" => count::run,
        "degrees" => degrees::run,
        "join" => join::run,
        "arrange" => arrange::run,
        "iterate" => iterate::run,
        "bfs-dd" => graphs::bfs,
        "scc" => graphs::scc,
        "pagerank-dd" => pagerank::run,
        "memory" => memory::run,
        _ => usage(&format!("no case {name:?}")),
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
    let guards = timely::execute(config, move |worker| case(worker, &shared)).expect("workers");
    let shares: Vec<Share> = guards.join().into_iter().map(|s| s.expect("a worker")).collect();
    drive::report(&shares, &options);
}

fn usage(error: &str) -> ! {
    eprintln!("peer-differential: {error}");
    eprintln!("usage: peer-differential CASE [-w WORKERS], cases as in bench/README.md");
    eprintln!("  [--nodes N] [--records N] [--batch N] [--rounds N] [--rate N] [--seconds N]");
    eprintln!("  [--kind load|batch|rate] [--wait step|park]");
    exit(1)
}
