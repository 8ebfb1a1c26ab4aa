//! What could not be read, and why.

use crate::error::Result;
use crate::format::{Damage, PageNumber};
use crate::source::Snapshot;
use crate::walk::{Fault, FaultSink};

/// How many places are told; of more of them only the number.
const MOST_TOLD: usize = 100;

/// A place at which rows are missing, or may be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Missed {
    /// The page, from 1.
    pub page: u32,
    /// Where in the page, in bytes from its start, if it is about one place of it.
    pub offset: Option<u32>,
    /// What is wrong there.
    pub why: String,
}

/// Collects what is missed while rows are read.
#[derive(Clone, Debug, Default)]
pub(crate) struct MissedPlaces {
    pub(crate) count: u64,
    pub(crate) told: Vec<Missed>,
}

impl MissedPlaces {
    pub(crate) fn add(&mut self, page: PageNumber, offset: Option<u32>, why: impl ToString) {
        self.count += 1;
        if self.told.len() < MOST_TOLD {
            self.told.push(Missed { page: page.get(), offset, why: why.to_string() });
        }
    }

    pub(crate) fn add_fault(&mut self, fault: &Fault) {
        if !costs_nothing(fault) {
            self.add(fault.page, fault.offset, &fault.cause);
        }
    }
}

impl FaultSink for MissedPlaces {
    fn tell(&mut self, fault: Fault, _snapshot: &Snapshot) -> Result<()> {
        self.add_fault(&fault);
        Ok(())
    }
}

/// Whether a fault keeps no row from being read: an overflow chain that goes on behind its payload.
fn costs_nothing(fault: &Fault) -> bool {
    matches!(fault.cause, crate::walk::Cause::Damage(Damage::OverflowChainLength { .. }))
}
