// SPDX-License-Identifier: Apache-2.0
//! The flags of every case, the same as those of our own programs, and what cases share: the
//! random numbers and the common start.

use std::sync::{Barrier, OnceLock};
use std::time::Instant;
use timely::worker::Worker;

pub struct Options {
    /// Of this process.
    pub workers: usize,
    pub processes: usize,
    /// The number of this process.
    pub process: usize,
    /// HOST:PORT of every process.
    pub hosts: Vec<String>,
    pub rounds: u64,
    pub records: u64,
    pub maps: usize,
    pub nodes: usize,
    pub epochs: u64,
    pub mib: usize,
    pub dataflows: usize,
    /// Records of an epoch, all workers together.
    pub batch: u64,
    /// Records a second.
    pub rate: u64,
    pub seconds: u64,
    pub kind: String,
    /// Folder of the tables.
    pub data: String,
    /// Whether a worker with nothing to do may park, instead of stepping without end.
    pub park: bool,
    start: Barrier,
    began: OnceLock<Instant>,
}

impl Options {
    pub fn parse(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut o = Options {
            workers: 1,
            processes: 1,
            process: 0,
            hosts: Vec::new(),
            rounds: 100,
            records: 1,
            maps: 100,
            nodes: 100,
            epochs: 100,
            mib: 512,
            dataflows: 10,
            batch: 1000,
            rate: 20_000,
            seconds: 10,
            kind: String::new(),
            data: String::new(),
            park: true,
            start: Barrier::new(1),
            began: OnceLock::new(),
        };
        while let Some(flag) = args.next() {
            let value = args.next().ok_or(format!("{flag} needs a value"))?;
            let number = || match value.parse::<u64>() {
                Ok(n) if n > 0 => Ok(n),
                _ => Err(format!("{flag} {value}: a number above 0 is needed")),
            };
            match flag.as_str() {
                "-w" => o.workers = number()? as usize,
                "--processes" => o.processes = number()? as usize,
                "--process" => o.process = value.parse().map_err(|_| "--process: a number")?,
                "--hosts" => o.hosts = value.split(',').map(str::to_string).collect(),
                "--rounds" => o.rounds = number()?,
                "--records" => o.records = number()?,
                "--maps" => o.maps = number()? as usize,
                "--nodes" => o.nodes = number()? as usize,
                "--epochs" => o.epochs = number()?,
                "--mib" => o.mib = number()? as usize,
                "--dataflows" => o.dataflows = number()? as usize,
                "--batch" => o.batch = number()?,
                "--rate" => o.rate = number()?,
                "--seconds" => o.seconds = number()?,
                "--kind" => o.kind = value.clone(),
                "--data" => o.data = value.clone(),
                "--wait" => o.park = value == "park",
                _ => return Err(format!("no flag {flag}")),
            }
        }
        if o.processes > 1 && (o.hosts.len() != o.processes || o.process >= o.processes) {
            return Err("--hosts and --process do not fit --processes".to_string());
        }
        o.start = Barrier::new(o.workers);
        Ok(o)
    }

    /// Returns on all workers at once, when each has built its dataflow. With several processes
    /// timely's own barrier comes first: one of them may have waited a second for the connection.
    pub fn start_together(&self, worker: &mut Worker) {
        if self.processes > 1 {
            timely::synchronization::Barrier::new(worker).wait();
        }
        self.start.wait();
    }

    /// The same moment on all workers, for times that are compared: when the first of them asked.
    pub fn began(&self) -> Instant {
        *self.began.get_or_init(Instant::now)
    }
}

/// Steps the worker while `unfinished`. Parking is what timely's own `execute` does with a worker
/// whose closure has returned; stepping without end is what its examples do while they wait for a
/// probe. Measured here: the same with a core a worker, and with more workers than cores parking is
/// the faster by more than ten times. `--wait step` is the other.
#[inline]
pub fn wait(worker: &mut Worker, options: &Options, mut unfinished: impl FnMut() -> bool) {
    if options.park {
        while unfinished() {
            worker.step_or_park(None);
        }
    } else {
        while unfinished() {
            worker.step();
        }
    }
}

/// splitmix64: the random numbers of every case on both sides.
#[inline]
pub fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The same below n, without a division.
#[inline]
pub fn random_below(state: &mut u64, n: u64) -> u64 {
    ((u128::from(random(state)) * u128::from(n)) >> 64) as u64
}
