//! Whether the pointer map says of a page what the walk found. `[pages.md#pointer-map]`

use super::fault::Fault;
use super::role::Role;
use crate::format::pointer_map::PointerKind;
use crate::format::{Damage, PageNumber, PointerMap, PointerMapEntry};
use crate::source::Snapshot;

/// The pointer map, and the page of it that was read last.
pub(super) struct PointerCheck {
    map: PointerMap,
    /// The page of the map whose bytes these are.
    at: Option<PageNumber>,
    bytes: Vec<u8>,
}

impl PointerCheck {
    pub(super) fn new(map: PointerMap) -> Self {
        Self { map, at: None, bytes: Vec::new() }
    }

    /// What is wrong with the entry of a page that plays a role for the page `from`.
    pub(super) fn fault_of(
        &mut self,
        snapshot: &Snapshot,
        page: PageNumber,
        role: Role,
        from: PageNumber,
    ) -> Option<Fault> {
        let map_page = self.map.map_page_of(page).filter(|_| page != PageNumber::FIRST)?;
        if self.at != Some(map_page) {
            self.at = None;
            self.bytes.resize(snapshot.page_size().bytes_usize(), 0);
            if let Err(error) = snapshot.read_pages(map_page, &mut self.bytes) {
                return Some(Fault::unreadable(map_page, error));
            }
            self.at = Some(map_page);
        }
        let offset = self.map.entry_offset(page)?;
        let kind = role.pointer_kind();
        let parent = match kind {
            PointerKind::Root | PointerKind::Free => None,
            _ => Some(from),
        };
        let damage = match self.map.entry(&self.bytes, page) {
            Ok(Some(entry)) if entry == (PointerMapEntry { kind, parent }) => return None,
            Ok(Some(entry)) => Damage::PointerMapEntry {
                page: page.get(),
                found: (entry.kind as u8, entry.parent.map_or(0, PageNumber::get)),
                expected: (kind as u8, parent.map_or(0, PageNumber::get)),
            },
            Ok(None) => return None,
            Err(damage) => damage,
        };
        Some(Fault::new(map_page, damage).at(offset))
    }
}
