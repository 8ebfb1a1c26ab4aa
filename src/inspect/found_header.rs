//! The database header as it is found, made usable where it breaks a rule, with the rules that it breaks.

use crate::error::Result;
use crate::format::database_header::{DATABASE_HEADER_BYTES, DATABASE_MAGIC};
use crate::format::{BtreePage, Damage, DatabaseHeader, PageNumber, PageSize};
use crate::source::Snapshot;

/// How many pages are looked at to guess the page size.
const GUESS_PAGES: u32 = 32;

/// A header with which the rest can be decoded.
#[derive(Clone, Debug)]
pub(super) struct FoundHeader {
    pub(super) header: DatabaseHeader,
    /// The rules that the stored one breaks, in SQLite's order of checks.
    pub(super) damage: Vec<Damage>,
}

impl FoundHeader {
    /// The header of a snapshot. Of an empty one, that of a database without tables.
    pub(super) fn read(snapshot: &Snapshot) -> Result<Self> {
        let mut first = vec![0; snapshot.page_size().bytes_usize()];
        if snapshot.page_count() > 0 {
            snapshot.read_pages(PageNumber::FIRST, &mut first)?;
            return Self::make_usable(&first, || guess_page_size(snapshot));
        }
        let empty = Self::make_usable(&first, || PageSize::DEFAULT)?;
        Ok(Self { damage: Vec::new(), ..empty })
    }

    /// Puts the header's page count under what it breaks, if it is more than there are.
    pub(super) fn refused_count(&mut self, page_count: u32) {
        self.damage.extend(self.header.checked_page_count(page_count).err());
    }

    /// Mends one broken rule after the other. There are fewer than ten, and each is mended for good.
    fn make_usable(first: &[u8], page_size: impl FnOnce() -> PageSize) -> Result<Self> {
        let mut bytes = [0; DATABASE_HEADER_BYTES];
        for (place, byte) in bytes.iter_mut().zip(first) {
            *place = *byte;
        }
        let mut page_size = Some(page_size);
        let mut damage = Vec::new();
        loop {
            let broken = match DatabaseHeader::parse(&bytes) {
                Ok(header) => return Ok(Self { header, damage }),
                Err(broken) => broken,
            };
            let mended: (usize, &[u8]) = match broken {
                Damage::NotADatabase { .. } => (0, &DATABASE_MAGIC),
                Damage::ReadVersion { .. } => (19, &[1]),
                Damage::PayloadFractions { .. } => (21, &[64, 32, 32]),
                Damage::UsableBytes { .. } => (20, &[0]),
                _ => {
                    let guessed = page_size.take().map_or(PageSize::DEFAULT, |guess| guess());
                    (16, &guessed.header_code().to_be_bytes())
                }
            };
            for (place, byte) in bytes.iter_mut().skip(mended.0).zip(mended.1) {
                *place = *byte;
            }
            damage.push(broken);
        }
    }
}

/// The page size for which the most of the first bytes of the file are b-tree pages; the larger one where several are as
/// good.
fn guess_page_size(snapshot: &Snapshot) -> PageSize {
    let unit = snapshot.page_size().bytes();
    let score = |size: PageSize| {
        let units = size.bytes().div_ceil(unit).max(1);
        let mut bytes = vec![0; size.bytes_usize()];
        let mut found = 0;
        for index in 1..GUESS_PAGES {
            let first = PageNumber::FIRST.checked_add(index.saturating_mul(units));
            let Some(first) = first.filter(|page| page.get() <= snapshot.page_count()) else { break };
            let is_page = snapshot.read_pages(first, &mut bytes).is_ok()
                && BtreePage::parse(&bytes, first, size.bytes())
                    .is_ok_and(|page| page.cells().all(|it| it.is_ok()));
            found += u64::from(is_page) * u64::from(size.bytes());
        }
        found
    };
    let fits = PageSize::ALL.iter().copied().filter(|size| size.bytes() >= unit);
    let best = fits.map(|size| (score(size), size)).max().filter(|&(score, _)| score > 0);
    best.map_or(PageSize::DEFAULT, |(_, size)| size)
}
