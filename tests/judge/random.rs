//! Numbers that look random and come from a printed seed (SplitMix64).

use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(crate) fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let index = usize::try_from(self.below(choices.len() as u64)).unwrap();
        &choices[index]
    }
}

/// SplitMix64's mixing of one number.
pub(crate) fn mixed(number: u64) -> u64 {
    let z = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The seed of this run: `LITECOPY_SEED` where it is set, else the time. Printed, so that a failure can be repeated.
pub(crate) fn seed(of: &str) -> u64 {
    let seed = match std::env::var("LITECOPY_SEED") {
        Ok(text) => text.parse().expect("LITECOPY_SEED is a number"),
        Err(_) => mixed(
            u64::try_from(
                SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() & 0xffff_ffff_ffff,
            )
            .unwrap(),
        ),
    };
    println!("{of}: LITECOPY_SEED={seed}");
    seed
}
