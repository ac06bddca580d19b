// SPDX-License-Identifier: Apache-2.0
//! The text of the wordcount cases, byte for byte the same as that of bench/text.c. The definition is
//! in bench/README.md; everything is integer arithmetic.

use crate::options::random;

pub const BLOCK: usize = 64 << 20;
const WORDS: usize = 100_000;
const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// Blocks of text in so many MiB.
pub fn blocks(mib: usize) -> usize {
    mib / (BLOCK >> 20)
}

/// FNV-1a, continued from `hash`.
pub fn fnv1a_from(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, b| (hash ^ u64::from(*b)).wrapping_mul(FNV_PRIME))
}

pub fn fnv1a(bytes: &[u8]) -> u64 {
    fnv1a_from(FNV_START, bytes)
}

/// 100,000 words, each with its blank, and the cumulative weights by which they are drawn.
pub struct Vocabulary {
    words: Vec<Vec<u8>>,
    cumulative: Vec<u64>,
    /// The first word to look at for a draw, by its upper bits: only to find it faster.
    guide: Vec<u32>,
}

const GUIDE_SHIFT: u32 = 26;

impl Vocabulary {
    pub fn new() -> Vocabulary {
        let mut state = 42;
        let mut words = Vec::with_capacity(WORDS);
        let mut cumulative = Vec::with_capacity(WORDS);
        let mut total = 0u64;
        for rank in 0..WORDS {
            let mut word = Vec::new();
            let mut letters = 1 + random(&mut state) % 5;
            if random(&mut state) % 16 == 0 {
                letters += 8;
            }
            for _ in 0..letters {
                word.push(b'a' + (random(&mut state) % 26) as u8);
            }
            let mut rest = rank;
            for _ in 0..4 {
                word.push(b'a' + (rest % 26) as u8);
                rest /= 26;
            }
            word.push(b' ');
            words.push(word);
            total += (1u64 << 40) / (rank as u64 + 1);
            cumulative.push(total);
        }
        let guide = (0..=total >> GUIDE_SHIFT)
            .map(|g| cumulative.partition_point(|c| *c <= g << GUIDE_SHIFT) as u32)
            .collect();
        Vocabulary { words, cumulative, guide }
    }

    /// Block number `block` of the text.
    pub fn block(&self, block: usize) -> Vec<u8> {
        let total = u128::from(*self.cumulative.last().unwrap());
        let mut state = 1000 + block as u64;
        let mut text = Vec::with_capacity(BLOCK);
        loop {
            let draw = ((u128::from(random(&mut state)) * total) >> 64) as u64;
            let mut rank = self.guide[(draw >> GUIDE_SHIFT) as usize] as usize;
            while self.cumulative[rank] <= draw {
                rank += 1;
            }
            let word = &self.words[rank];
            if text.len() + word.len() > BLOCK {
                break;
            }
            text.extend_from_slice(word);
        }
        text.resize(BLOCK, b' ');
        text
    }
}

/// FNV-1a of the first `blocks` blocks, one after the other.
pub fn fingerprint(blocks: usize) -> u64 {
    let vocabulary = Vocabulary::new();
    (0..blocks).fold(FNV_START, |hash, b| fnv1a_from(hash, &vocabulary.block(b)))
}
