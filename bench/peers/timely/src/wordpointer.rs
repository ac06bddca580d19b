// SPDX-License-Identifier: Apache-2.0
//! The word count in its pointer form: a word travels as its hash and where it lies in the text, which
//! all threads of the process can read. The fastest form there is in one process; no other process
//! could make anything of it.

use crate::options::Options;
use crate::text::{blocks, fnv1a, Vocabulary};
use crate::wordcount::{feed, Pieces};
use crate::Share;
use memchr::memchr_iter;
use std::cell::RefCell;
use std::rc::Rc;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::{Input, Operator, Probe};
use timely::dataflow::ProbeHandle;
use timely::worker::Worker;

/// An address of 48 bits, and above it the length.
#[derive(Clone, Copy, Default)]
struct Pointer(u64);

impl Pointer {
    fn new(word: &'static [u8]) -> Pointer {
        Pointer(word.as_ptr() as u64 | (word.len() as u64) << 48)
    }

    fn word(self) -> &'static [u8] {
        let address = (self.0 & ((1 << 48) - 1)) as *const u8;
        // SAFETY: made of a slice that lives as long as the program; words have fewer than 2^16
        // bytes, addresses of programs 47 bits.
        unsafe { std::slice::from_raw_parts(address, (self.0 >> 48) as usize) }
    }
}

/// Hash, word.
type Record = (u64, u64);

#[derive(Clone, Copy, Default)]
struct Slot {
    hash: u64,
    word: Pointer,
    count: i64,
}

/// Open addressing, half full at most; a count of 0 is an empty slot.
struct Table {
    slots: Vec<Slot>,
    used: usize,
}

impl Table {
    fn new() -> Table {
        Table { slots: vec![Slot::default(); 1 << 10], used: 0 }
    }

    /// Where the word is, or would be.
    #[inline]
    fn find(&self, hash: u64, word: Pointer) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = &self.slots[at];
            if slot.count == 0 || (slot.hash == hash && slot.word.word() == word.word()) {
                return at;
            }
            at = (at + 1) & mask;
        }
    }

    #[inline]
    fn add(&mut self, hash: u64, word: Pointer) {
        let at = self.find(hash, word);
        if self.slots[at].count > 0 {
            self.slots[at].count += 1;
            return;
        }
        self.slots[at] = Slot { hash, word, count: 1 };
        self.used += 1;
        if self.used * 2 > self.slots.len() {
            let grown = vec![Slot::default(); self.slots.len() * 2];
            for slot in std::mem::replace(&mut self.slots, grown) {
                if slot.count > 0 {
                    let at = self.find(slot.hash, slot.word);
                    self.slots[at] = slot;
                }
            }
        }
    }
}

pub fn run(worker: &mut Worker, options: &Options) -> Share {
    let vocabulary = Vocabulary::new();
    let mine = (worker.index()..blocks(options.mib)).step_by(worker.peers());
    // Other workers point to it to the end.
    let text: &'static [Vec<u8>] = mine.map(|b| vocabulary.block(b)).collect::<Vec<_>>().leak();
    let counts = Rc::new(RefCell::new(Table::new()));
    let table = Rc::clone(&counts);

    let mut input = Pieces::new_with_builder();
    let probe = ProbeHandle::new();
    let hasher = ahash::RandomState::with_seeds(1, 2, 3, 4);
    worker.dataflow::<u64, _, _>(|scope| {
        scope
            .input_from(&mut input)
            .unary::<CapacityContainerBuilder<Vec<Record>>, _, _, _>(Pipeline, "Split", |_, _| {
                move |input, output| {
                    input.for_each_stamp(|stamp, containers| {
                        let mut session = output.session(&stamp);
                        for (block, start, end) in containers.flat_map(|c| c.drain(..)) {
                            let piece = &text[block as usize][start as usize..end as usize];
                            let mut from = 0;
                            for blank in memchr_iter(b' ', piece) {
                                if blank > from {
                                    let word = &piece[from..blank];
                                    session.give((hasher.hash_one(word), Pointer::new(word).0));
                                }
                                from = blank + 1;
                            }
                        }
                    });
                }
            })
            .unary::<CapacityContainerBuilder<Vec<()>>, _, _, _>(
                Exchange::new(|record: &Record| record.0 >> 32),
                "Count",
                move |_, _| {
                    move |input, _output| {
                        input.for_each_stamp(|_, containers| {
                            let mut table = table.borrow_mut();
                            for (hash, word) in containers.flat_map(|c| c.drain(..)) {
                                table.add(hash, Pointer(word));
                            }
                        });
                    }
                },
            )
            .probe_with(&probe);
    });

    let seconds = feed(worker, options, text, input, &probe);
    let (mut words, mut sum) = (0u64, 0u64);
    for slot in counts.borrow().slots.iter().filter(|slot| slot.count > 0) {
        words += slot.count as u64;
        sum = sum.wrapping_add(fnv1a(slot.word.word()).wrapping_mul(slot.count as u64));
    }
    Share { answer: vec![words, sum], seconds }
}
