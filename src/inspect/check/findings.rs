//! Collects findings: damage and notes apart, so that notes never take the place of damage.

use super::report::{Finding, Severity};
use crate::error::Result;
use crate::format::PageNumber;
use crate::source::Snapshot;
use crate::walk::{Cause, Fault, FaultSink, FindingKind};
use std::sync::Arc;

/// How many findings are told unless all are wanted.
const MOST_FINDINGS: usize = 100;

/// What was found so far.
pub(super) struct Findings {
    most: usize,
    damage: Vec<Finding>,
    notes: Vec<Finding>,
    /// Whether some were left out.
    cut: bool,
    /// The table or index that is being looked at.
    pub(super) owner: Option<Arc<str>>,
}

impl Findings {
    pub(super) fn new(all: bool) -> Self {
        let most = if all { usize::MAX } else { MOST_FINDINGS };
        Self { most, damage: Vec::new(), notes: Vec::new(), cut: false, owner: None }
    }

    /// Whether nothing was found.
    pub(super) fn is_empty(&self) -> bool {
        self.damage.is_empty() && self.notes.is_empty()
    }

    /// Whether more damage would be left out.
    pub(super) fn is_full(&self) -> bool {
        self.damage.len() >= self.most
    }

    /// Says that there is more damage than is told.
    pub(super) fn cut(&mut self) {
        self.cut = true;
    }

    pub(super) fn add(&mut self, finding: Finding) {
        let (list, most) = match finding.severity {
            Severity::Damage => (&mut self.damage, self.most),
            Severity::Note => (&mut self.notes, self.most),
        };
        if list.len() < most {
            list.push(finding);
        } else {
            self.cut = true;
        }
    }

    /// Damage of the table or index at hand.
    pub(super) fn damage(
        &mut self,
        kind: FindingKind,
        place: (Option<PageNumber>, Option<u32>),
        detail: impl Into<String>,
    ) {
        self.found(kind, Severity::Damage, place, detail.into());
    }

    /// A note about the table or index at hand.
    pub(super) fn note(
        &mut self,
        kind: FindingKind,
        place: (Option<PageNumber>, Option<u32>),
        detail: impl Into<String>,
    ) {
        self.found(kind, Severity::Note, place, detail.into());
    }

    /// Something about the files as a whole.
    pub(super) fn of_severity(&mut self, kind: FindingKind, severity: Severity, detail: String) {
        self.found(kind, severity, (None, None), detail);
    }

    fn found(
        &mut self,
        kind: FindingKind,
        severity: Severity,
        (page, offset): (Option<PageNumber>, Option<u32>),
        detail: String,
    ) {
        let owner = self.owner.as_deref().map(str::to_owned);
        self.add(Finding { kind, severity, page: page.map(PageNumber::get), offset, owner, detail });
    }

    /// Whether there is no damage, the findings (damage first), and whether some are left out.
    pub(super) fn into_parts(mut self) -> (bool, Vec<Finding>, bool) {
        let sound = self.damage.is_empty();
        let room = self.most.saturating_sub(self.damage.len());
        self.cut |= self.notes.len() > room;
        self.notes.truncate(room);
        self.damage.append(&mut self.notes);
        (sound, self.damage, self.cut)
    }
}

impl FaultSink for Findings {
    fn tell(&mut self, fault: Fault, _snapshot: &Snapshot) -> Result<()> {
        let Fault { kind, page, cell, offset, cause } = fault;
        let severity = if matches!(cause, Cause::Limit(_)) { Severity::Note } else { Severity::Damage };
        let detail = match cell {
            Some(cell) => format!("cell {cell}: {cause}"),
            None => cause.to_string(),
        };
        self.found(kind, severity, (Some(page), offset), detail);
        Ok(())
    }
}
