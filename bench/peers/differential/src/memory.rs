// SPDX-License-Identifier: Apache-2.0
//! What a collection of rows (key, value) takes while it is loaded and arranged, and once it is.

use crate::drive::Share;
use crate::options::{random, wait, Options};
use differential_dataflow::input::InputSession;
use timely::dataflow::operators::Probe;
use timely::dataflow::ProbeHandle;
use timely::worker::Worker;

/// A line of /proc/self/status, in bytes.
fn status(line: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = text.lines().find_map(|l| l.strip_prefix(line));
    let kib = found.and_then(|rest| rest.trim_start_matches(':').split_whitespace().next());
    kib.and_then(|kib| kib.parse::<f64>().ok()).expect("a line of /proc/self/status") * 1024.0
}

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let mut input = InputSession::<u64, (u64, u64), isize>::new();
    let probe = ProbeHandle::new();
    let _trace = worker.dataflow(|scope| {
        let arranged = input.to_collection(scope).arrange_by_key();
        arranged.stream.probe_with(&probe);
        arranged.trace
    });
    worker.step();
    options.start_together(worker);
    let before = status("VmRSS");
    let mut state = 1;
    for i in 0..options.records {
        input.insert((random(&mut state), random(&mut state)));
        if i % options.batch == options.batch - 1 {
            worker.step();
        }
    }
    input.advance_to(1);
    input.flush();
    wait(worker, options, || probe.less_than(&1));
    let peak = status("VmHWM") - before;
    for _ in 0..1000 {
        worker.step();
    }
    let rest = (status("VmRSS") - before) / options.records as f64;
    let lines = vec![format!("beside-rest {rest:.4}"), format!("cost {:.4} MiB", peak / 1048576.0)];
    Share { answer: options.records, lines, ..Share::default() }
}
