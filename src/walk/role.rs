//! What a page is to the one that leads to it, and where it is named.

use super::fault::Fault;
use crate::format::pointer_map::PointerKind;
use crate::format::{Damage, PageNumber};

/// What a page is to the one that leads to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    TreeRoot,
    TreeChild,
    FreelistTrunk,
    FreelistLeaf,
    FirstOverflow,
    LaterOverflow,
}

impl Role {
    /// In words that follow "cannot be".
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::TreeRoot => "the root of a b-tree",
            Self::TreeChild => "a child in a b-tree",
            Self::FreelistTrunk => "a freelist trunk",
            Self::FreelistLeaf => "a freelist leaf",
            Self::FirstOverflow | Self::LaterOverflow => "a page of an overflow chain",
        }
    }

    /// What the pointer map calls it.
    pub(super) fn pointer_kind(self) -> PointerKind {
        match self {
            Self::TreeRoot => PointerKind::Root,
            Self::TreeChild => PointerKind::Btree,
            Self::FreelistTrunk | Self::FreelistLeaf => PointerKind::Free,
            Self::FirstOverflow => PointerKind::FirstOverflow,
            Self::LaterOverflow => PointerKind::LaterOverflow,
        }
    }
}

/// Where a page is named: by which page, and where in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named {
    pub(crate) page: PageNumber,
    pub(crate) cell: Option<u16>,
    pub(crate) offset: Option<u32>,
}

impl Named {
    pub(crate) fn by(page: PageNumber) -> Self {
        Self { page, cell: None, offset: None }
    }

    pub(crate) fn at(page: PageNumber, offset: u32) -> Self {
        Self { page, cell: None, offset: Some(offset) }
    }

    /// The fault of what names.
    pub(super) fn fault(self, damage: Damage) -> Fault {
        Fault { cell: self.cell, offset: self.offset, ..Fault::new(self.page, damage) }
    }
}
