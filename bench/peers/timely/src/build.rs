// SPDX-License-Identifier: Apache-2.0
//! The time to build many dataflows of a row of operators, and to step the worker once: maps, or
//! operators written with `unary`.

use crate::feed::Numbers;
use crate::options::Options;
use crate::Share;
use std::time::Instant;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::vec::Map;
use timely::dataflow::operators::{Input, Operator, Probe};
use timely::dataflow::ProbeHandle;
use timely::worker::Worker;

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let unary = options.kind == "nodes";
    let mut flows = Vec::new();
    let start = Instant::now();
    for _ in 0..options.dataflows {
        let mut input = Numbers::new_with_builder();
        let probe = ProbeHandle::new();
        worker.dataflow::<u64, _, _>(|scope| {
            let mut stream = scope.input_from(&mut input);
            for _ in 0..options.nodes {
                stream = if unary {
                    stream.unary::<CapacityContainerBuilder<Vec<u64>>, _, _, _>(
                        Pipeline,
                        "Pass",
                        |_, _| {
                            move |input, output| {
                                input.for_each_stamp(|stamp, data| {
                                    output.session(&stamp).give_containers(data);
                                });
                            }
                        },
                    )
                } else {
                    stream.map(|x: u64| x.wrapping_add(3))
                };
            }
            stream.probe_with(&probe);
        });
        flows.push((input, probe));
    }
    worker.step();
    let seconds = start.elapsed().as_secs_f64();
    Share { answer: vec![(options.dataflows * options.nodes) as u64], seconds }
}
