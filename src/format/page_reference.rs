//! A page that another page names: its child, or the next of a chain.

use super::damage::Damage;
use super::page_number::PageNumber;

/// The page that a child pointer, or the start or rest of a chain, names: neither 0 nor 1.
pub(super) fn child(found: u32, role: &'static str) -> Result<PageNumber, Damage> {
    PageNumber::new(found)
        .filter(|&page| page != PageNumber::FIRST)
        .ok_or(Damage::PageReference { found, role })
}
