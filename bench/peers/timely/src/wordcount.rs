// SPDX-License-Identifier: Apache-2.0
//! Text in memory, split into words, exchanged by word, counted. The columnar form: words travel in
//! columns, keyed by ahash, and a word is copied into the table only when it is new. Text ends with
//! a blank, and so does every piece of it.

use crate::column::{Column, ColumnBuilder};
use crate::options::{wait, Options};
use crate::text::{blocks, fnv1a, Vocabulary, BLOCK};
use crate::Share;
use memchr::memchr_iter;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::{ExchangeCore, Pipeline};
use timely::dataflow::operators::{Input, Operator, Probe};
use timely::dataflow::{InputHandle, ProbeHandle};
use timely::worker::Worker;

/// Text enters in pieces of about this size that end after a blank,
const PIECE: usize = 16 << 10;
/// as many as this an epoch,
const PIECES: usize = 64;
/// with no more than this many epochs open.
const OPEN: u64 = 4;

/// Block, first byte, byte after the last.
pub type Piece = (u32, u32, u32);
/// Where pieces enter.
pub type Pieces = InputHandle<u64, CapacityContainerBuilder<Vec<Piece>>>;
/// Words as columns: bytes and bounds. A word counts for one: a column of ones would only cost.
type Words = <String as columnar::Columnar>::Container;

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let vocabulary = Vocabulary::new();
    let mine = (worker.index()..blocks(options.mib)).step_by(worker.peers());
    let text: Rc<Vec<Vec<u8>>> = Rc::new(mine.map(|b| vocabulary.block(b)).collect());
    let split = Rc::clone(&text);
    let counts = Rc::new(RefCell::new(HashMap::<Vec<u8>, i64, ahash::RandomState>::default()));
    let table = Rc::clone(&counts);

    let mut input = Pieces::new_with_builder();
    let probe = ProbeHandle::new();
    // The seeds are the same on all workers: they have to agree where a word lives. The table has
    // seeds of its own.
    let hasher = ahash::RandomState::with_seeds(1, 2, 3, 4);
    worker.dataflow::<u64, _, _>(|scope| {
        scope
            .input_from(&mut input)
            .unary::<ColumnBuilder<Words>, _, _, _>(Pipeline, "Split", move |_, _| {
                move |input, output| {
                    input.for_each_stamp(|stamp, containers| {
                        let mut session = output.session_with_builder(&stamp);
                        for (block, start, end) in containers.flat_map(|c| c.drain(..)) {
                            let piece = &split[block as usize][start as usize..end as usize];
                            let mut word = 0;
                            for blank in memchr_iter(b' ', piece) {
                                if blank > word {
                                    session.give(&piece[word..blank]);
                                }
                                word = blank + 1;
                            }
                        }
                    });
                }
            })
            .container::<Column<Words>>()
            .unary::<CapacityContainerBuilder<Vec<()>>, _, _, _>(
                ExchangeCore::<ColumnBuilder<Words>, _>::new_core(move |word: &&[u8]| {
                    hasher.hash_one(word)
                }),
                "Count",
                move |_, _| {
                    move |input, _output| {
                        input.for_each_stamp(|_, containers| {
                            let mut table = table.borrow_mut();
                            for column in containers {
                                for word in column.records() {
                                    match table.get_mut(word) {
                                        Some(count) => *count += 1,
                                        None => {
                                            table.insert(word.to_vec(), 1);
                                        }
                                    }
                                }
                            }
                        });
                    }
                },
            )
            .probe_with(&probe);
    });

    let seconds = feed(worker, options, &text, input, &probe);
    let (mut words, mut sum) = (0u64, 0u64);
    for (word, count) in counts.borrow().iter() {
        words += *count as u64;
        sum = sum.wrapping_add(fnv1a(word).wrapping_mul(*count as u64));
    }
    Share { answer: vec![words, sum], seconds }
}

/// Sends all of the text, piece by piece, and returns how long it took until all was counted.
pub fn feed(
    worker: &mut Worker,
    options: &Options,
    text: &[Vec<u8>],
    mut input: Pieces,
    probe: &ProbeHandle<u64>,
) -> f64 {
    options.start_together(worker);
    let start = Instant::now();
    let mut epoch = 0;
    for (block, bytes) in text.iter().enumerate() {
        let mut at = 0;
        while at < BLOCK {
            for _ in 0..PIECES {
                let end = piece_end(bytes, at);
                if end > at {
                    input.send((block as u32, at as u32, end as u32));
                }
                at = end;
            }
            epoch += 1;
            input.advance_to(epoch);
            worker.step();
            wait(worker, options, || probe.less_than(&epoch.saturating_sub(OPEN)));
        }
    }
    input.close();
    wait(worker, options, || !probe.done());
    start.elapsed().as_secs_f64()
}

/// Where the piece that starts at `at` ends: after a blank, or with the block.
fn piece_end(bytes: &[u8], at: usize) -> usize {
    let least = (at + PIECE).min(bytes.len());
    match bytes[least.saturating_sub(1)..].iter().position(|b| *b == b' ') {
        Some(blank) if least > at => least + blank,
        _ => bytes.len(),
    }
}
