//! What a walk can find wrong, and who is told of it.

use crate::error::{Error, Problem, Result};
use crate::format::{Damage, PageNumber};
use crate::limits::LimitExceeded;
use crate::source::Snapshot;
use std::fmt;

/// What sort of rule a finding is about. In JSON its name is in kebab-case. `[inspection.md#kinds-of-findings]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum FindingKind {
    /// The database header.
    Header,
    /// The header's page count, or what lies behind the last page.
    PageCount,
    /// The freelist: its trunks, or how many pages it has.
    Freelist,
    /// An entry of the pointer map, or the largest root page in the header.
    PointerMap,
    /// A page that nothing leads to.
    PageUnused,
    /// A page that two places lead to.
    PageUsedTwice,
    /// A page number that no page can have there: 0, past the end, the lock bytes.
    PageNumber,
    /// A page that is not of the kind that its place needs, or whose header cannot be.
    PageKind,
    /// A page that could not be read.
    PageUnreadable,
    /// Where a cell begins or ends.
    CellPointer,
    /// Cells or free blocks over each other.
    CellOverlap,
    /// The list of the free blocks of a page.
    FreeBlock,
    /// The count of fragmented bytes of a page.
    FragmentCount,
    /// An overflow chain that is too short or too long.
    OverflowChain,
    /// Rowids that do not ascend.
    RowidOrder,
    /// Index entries that are not in the order of the index.
    IndexOrder,
    /// Leaves of a b-tree at different depths, or one that is too deep.
    Depth,
    /// A record whose header or values cannot be.
    Record,
    /// A text that is not valid in the database's encoding.
    TextEncoding,
    /// An index with more or fewer entries than its table has rows.
    IndexEntryCount,
    /// An index entry without its row, or a row without its entry.
    IndexEntry,
    /// Equal keys in a UNIQUE index.
    Unique,
    /// NULL in a column that is NOT NULL.
    NotNull,
    /// A value of a type that its column does not take.
    ColumnType,
    /// A row of `sqlite_schema`.
    Schema,
    /// The write-ahead log.
    Wal,
    /// The rollback journal.
    Journal,
    /// More than a limit lets the file have; it was left out.
    Limit,
}

impl FindingKind {
    /// Its name, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::PageCount => "page-count",
            Self::Freelist => "freelist",
            Self::PointerMap => "pointer-map",
            Self::PageUnused => "page-unused",
            Self::PageUsedTwice => "page-used-twice",
            Self::PageNumber => "page-number",
            Self::PageKind => "page-kind",
            Self::PageUnreadable => "page-unreadable",
            Self::CellPointer => "cell-pointer",
            Self::CellOverlap => "cell-overlap",
            Self::FreeBlock => "free-block",
            Self::FragmentCount => "fragment-count",
            Self::OverflowChain => "overflow-chain",
            Self::RowidOrder => "rowid-order",
            Self::IndexOrder => "index-order",
            Self::Depth => "depth",
            Self::Record => "record",
            Self::TextEncoding => "text-encoding",
            Self::IndexEntryCount => "index-entry-count",
            Self::IndexEntry => "index-entry",
            Self::Unique => "unique",
            Self::NotNull => "not-null",
            Self::ColumnType => "column-type",
            Self::Schema => "schema",
            Self::Wal => "wal",
            Self::Journal => "journal",
            Self::Limit => "limit",
        }
    }

    /// The kind that a broken rule of a page is of.
    pub(super) fn of(damage: &Damage) -> Self {
        match damage {
            Damage::PageReference { .. } => Self::PageNumber,
            Damage::PageNamedTwice { .. } => Self::PageUsedTwice,
            Damage::BtreeDepth { .. } => Self::Depth,
            Damage::CellPointer { .. } | Damage::CellEnd { .. } | Damage::PayloadLength { .. } => {
                Self::CellPointer
            }
            Damage::Overlap { .. } | Damage::CellsTooLong { .. } => Self::CellOverlap,
            Damage::Freeblock { .. } => Self::FreeBlock,
            Damage::FragmentedBytes { .. } | Damage::FreeSpace { .. } => Self::FragmentCount,
            Damage::TrunkLeafCount { .. } | Damage::FreelistCount { .. } => Self::Freelist,
            Damage::OverflowChainEnd { .. } | Damage::OverflowChainLength { .. } => Self::OverflowChain,
            Damage::PointerMapType { .. } | Damage::PointerMapEntry { .. } => Self::PointerMap,
            Damage::RecordHeaderLength { .. }
            | Damage::RecordHeaderCut { .. }
            | Damage::RecordValueCut { .. }
            | Damage::RecordBytesLeft { .. } => Self::Record,
            Damage::SchemaColumn { .. } | Damage::SchemaRoot { .. } => Self::Schema,
            _ => Self::PageKind,
        }
    }
}

/// Something that is wrong with a page.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) kind: FindingKind,
    /// The page that has it.
    pub(crate) page: PageNumber,
    /// Which of its cells, from 0, if it is about one.
    pub(crate) cell: Option<u16>,
    /// Where in the page, in bytes, if it is about one place of it.
    pub(crate) offset: Option<u32>,
    pub(crate) cause: Cause,
}

/// Why it is wrong.
#[derive(Clone, Debug)]
pub(crate) enum Cause {
    Damage(Damage),
    /// The system did not let us read it.
    Unreadable(Error),
    Limit(LimitExceeded),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damage(damage) => damage.fmt(f),
            Self::Unreadable(error) => error.fmt(f),
            Self::Limit(exceeded) => exceeded.fmt(f),
        }
    }
}

impl Fault {
    pub(crate) fn new(page: PageNumber, damage: Damage) -> Self {
        Self { kind: FindingKind::of(&damage), page, cell: None, offset: None, cause: Cause::Damage(damage) }
    }

    /// The same at an offset of the page.
    pub(crate) fn at(self, offset: u32) -> Self {
        Self { offset: Some(offset), ..self }
    }

    /// The same of a cell.
    pub(crate) fn of_cell(self, cell: u16) -> Self {
        Self { cell: Some(cell), ..self }
    }

    pub(crate) fn of_kind(self, kind: FindingKind) -> Self {
        Self { kind, ..self }
    }

    pub(super) fn unreadable(page: PageNumber, error: Error) -> Self {
        Self {
            kind: FindingKind::PageUnreadable,
            page,
            cell: None,
            offset: None,
            cause: Cause::Unreadable(error),
        }
    }

    pub(super) fn limit(page: PageNumber, exceeded: LimitExceeded) -> Self {
        Self { kind: FindingKind::Limit, page, cell: None, offset: None, cause: Cause::Limit(exceeded) }
    }
}

/// Who is told of faults, and decides whether the walk goes on.
pub(crate) trait FaultSink {
    /// Goes on where it gives `Ok`.
    fn tell(&mut self, fault: Fault, snapshot: &Snapshot) -> Result<()>;
}

/// Lets no fault pass: the first one is the error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strict;

impl FaultSink for Strict {
    fn tell(&mut self, fault: Fault, snapshot: &Snapshot) -> Result<()> {
        Err(match fault.cause {
            Cause::Damage(damage) => snapshot.damaged(fault.page, damage),
            Cause::Unreadable(error) => error,
            Cause::Limit(exceeded) => Error::new(snapshot.name(), Problem::LimitExceeded(exceeded)),
        })
    }
}

/// Collects what the caller makes of each fault.
impl<F: FnMut(Fault)> FaultSink for F {
    fn tell(&mut self, fault: Fault, _snapshot: &Snapshot) -> Result<()> {
        self(fault);
        Ok(())
    }
}
