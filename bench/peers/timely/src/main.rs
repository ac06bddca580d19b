// SPDX-License-Identifier: Apache-2.0
//! The peer's side of the benchmarks: one case a run, `peer-timely CASE -w WORKERS [--size N ...]`.
//! The contract (flags, answer, cost) is in bench/README.md. This file owns the command line, the
//! workers and the report; each case is a module that describes what one worker does.

mod barrier;
mod bfs;
mod build;
mod chain;
mod column;
mod epochs;
mod event_driven;
mod exchange;
mod feed;
mod hashjoin;
mod looping;
mod network;
mod open;
mod openloop;
mod options;
mod pagerank;
mod rounds;
mod text;
mod unionfind;
mod wordcount;
mod wordpointer;

use options::Options;
use std::process::exit;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use timely::worker::Worker;

/// What one worker found. Answers are added up, the slowest worker's time counts.
pub struct Share {
    pub answer: Vec<u64>,
    pub seconds: f64,
}

/// How seconds become the figure that is compared.
struct Cost {
    unit: &'static str,
    /// Units of time a second: 1e6 for microseconds.
    scale: f64,
    /// What the time is divided by.
    per: f64,
}

type Case = fn(&mut Worker, &Options) -> Share;

fn main() {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_default();
    let options = Arc::new(Options::parse(args).unwrap_or_else(|error| usage(&error)));
    let workers = (options.workers * options.processes) as f64;
    let (case, cost): (Case, Cost) = match name.as_str() {
        "barrier" => (barrier::run, us("us/round", options.rounds as f64)),
        "exchange" if options.records == 1 => {
            (exchange::run, us("us/round", options.rounds as f64))
        }
        "exchange" => {
            let records = options.rounds as f64 * options.records as f64 * workers;
            (exchange::run, ns("ns/record", records))
        }
        "chain" => {
            let calls = options.rounds as f64 * options.records as f64 * options.maps as f64;
            (chain::run, ns("ns/record/map", calls))
        }
        "open" => (open::run, us("us/round", options.rounds as f64)),
        "epochs" => (epochs::run, us("us/epoch", options.epochs as f64)),
        "loop" => (looping::run, us("us/round", options.rounds as f64)),
        "event-driven" => (event_driven::run, us("us/round", options.rounds as f64)),
        "build" => (build::run, ns("ns/operator", (options.dataflows * options.nodes) as f64)),
        "unionfind" => (unionfind::run, ns("ns/edge", options.records as f64)),
        "hashjoin" => (hashjoin::run, ns("ns/row", 2.0 * options.records as f64)),
        "bfs" => (bfs::run, ns("ns/edge", options.records as f64)),
        "pagerank" => (pagerank::run, Cost { unit: "ms", scale: 1e3, per: 1.0 }),
        "openloop" => (openloop::run, us("us@p99", 1.0)),
        "wordcount" if options.kind == "pointer" => (wordpointer::run, ns("ns/word", 0.0)),
        "wordcount" => (wordcount::run, ns("ns/word", 0.0)),
        "text" => return println!("answer {:016x}", text::fingerprint(text::blocks(options.mib))),
        _ => usage(&format!("no case {name:?}")),
    };
    let config = timely::Config {
        // Typed messages between threads: nothing is serialised. The fastest form for one process.
        communication: match options.workers {
            threads if options.processes > 1 => timely::CommunicationConfig::Cluster {
                threads,
                process: options.process,
                addresses: options.hosts.clone(),
                report: false,
                // Typed messages between the threads of a process here, too.
                zerocopy: false,
            },
            1 => timely::CommunicationConfig::Thread,
            n => timely::CommunicationConfig::Process(n),
        },
        worker: timely::WorkerConfig::default(),
    };
    let shared = Arc::clone(&options);
    let run = move |worker: &mut Worker| case(worker, &shared);
    let counts_bytes = name == "barrier" && options.kind == "bytes";
    let sent = Arc::new(AtomicU64::new(0));
    let guards = if counts_bytes {
        network::execute(config, &sent, run)
    } else {
        timely::execute(config, run)
    };
    let guards = guards.expect("workers");
    let shares: Vec<Share> = guards.join().into_iter().map(|s| s.expect("a worker")).collect();
    // The threads that send have ended with the workers: all is counted.
    if counts_bytes {
        println!("answer {}", shares.iter().map(|share| share.answer[0]).sum::<u64>());
        return println!("cost {} bytes", sent.load(Ordering::SeqCst));
    }
    report(&shares, &cost, &options);
}

/// Prints the two lines that bench/run reads. A cost whose divisor is 0 is divided by the first
/// number of the answer, which is then a count and no part of the answer; one of several processes
/// tells that count.
fn report(shares: &[Share], cost: &Cost, options: &Options) {
    let mut answer = vec![0u64; shares[0].answer.len()];
    for share in shares {
        for (sum, x) in answer.iter_mut().zip(&share.answer) {
            *sum = sum.wrapping_add(*x);
        }
    }
    let per = if cost.per > 0.0 { cost.per } else { answer.remove(0) as f64 };
    let seconds = shares.iter().map(|s| s.seconds).fold(0.0, f64::max);
    let words: Vec<String> = answer.iter().map(u64::to_string).collect();
    println!("answer {}", words.join(" "));
    if cost.per == 0.0 && options.processes > 1 {
        println!("of {per}");
    }
    println!("cost {:.4} {}", seconds * cost.scale / per, cost.unit);
}

fn us(unit: &'static str, per: f64) -> Cost {
    Cost { unit, scale: 1e6, per }
}

fn ns(unit: &'static str, per: f64) -> Cost {
    Cost { unit, scale: 1e9, per }
}

fn usage(error: &str) -> ! {
    eprintln!("peer-timely: {error}");
    eprintln!("usage: peer-timely CASE [-w WORKERS], cases as in bench/README.md");
    eprintln!("  [--rounds N] [--records N] [--maps N] [--nodes N] [--epochs N] [--mib N]");
    eprintln!("  [--dataflows N] [--batch N] [--rate N] [--seconds N] [--kind K] [--wait step|park]");
    eprintln!("  [--processes N --process I --hosts HOST:PORT,HOST:PORT,...]");
    exit(1)
}
