//! Numbers that nobody can foresee, where they need not be secret.

use std::hash::{BuildHasher, RandomState};

/// A random number, another at each call.
pub(crate) fn number() -> u64 {
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_two_are_alike() {
        assert_ne!(super::number(), super::number());
    }
}
