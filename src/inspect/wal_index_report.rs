//! The wal-index: what the connections of a database in WAL mode tell each other.

use std::path::PathBuf;

use super::reading::{Findings, Looked};
use crate::error::Result;
use crate::format::Damage;
use crate::format::wal_index::{READ_MARK_UNUSED, WAL_INDEX_BYTES, WalIndex};

/// What a `-shm` file says. It means something only while somebody is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct WalIndexReport {
    /// The file.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::json_name::name"))]
    pub path: PathBuf,
    /// Its size.
    pub size_bytes: u64,
    /// Whether a connection is there that keeps it; if not, it is left over and nobody believes it.
    pub somebody_is_connected: bool,
    /// Whether header and checksum are right; if not, the numbers below are 0.
    pub header_is_valid: bool,
    /// Moves by one with each commit.
    pub change: u32,
    /// The last committed frame of the log; 0 for none.
    pub last_frame: u32,
    /// The database's size after it.
    pub page_count: u32,
    /// Frames up to this one are in the database file too.
    pub backfilled_frame_count: u32,
    /// How far each of the five reader slots reads; `None` for a slot that nobody uses. The first reads the
    /// database file alone.
    pub read_marks: [Option<u32>; 5],
    /// The salts of the log that it describes.
    pub salts: [u32; 2],
}

impl WalIndexReport {
    pub(super) fn read(
        looked: &Looked,
        somebody_is_connected: bool,
        findings: &mut Findings,
    ) -> Result<Self> {
        let mut report = Self {
            path: looked.path.clone(),
            size_bytes: looked.size_bytes,
            somebody_is_connected,
            header_is_valid: false,
            change: 0,
            last_frame: 0,
            page_count: 0,
            backfilled_frame_count: 0,
            read_marks: [None; 5],
            salts: [0; 2],
        };
        match read_wal_index(looked)? {
            Ok(index) => report.take(&index),
            // A left-over index may be anything: nobody will read it.
            Err(damage) if somebody_is_connected => findings.add(&looked.path, damage),
            Err(_) => {}
        }
        Ok(report)
    }

    fn take(&mut self, index: &WalIndex) {
        self.header_is_valid = true;
        self.change = index.header.change;
        self.last_frame = index.header.mx_frame;
        self.page_count = index.header.page_count;
        self.backfilled_frame_count = index.backfilled;
        self.read_marks = index.read_marks.map(|mark| (mark != READ_MARK_UNUSED).then_some(mark));
        self.salts = index.header.salts.numbers();
    }
}

/// Reads what the beginning of a wal-index says, or what is wrong with it.
pub(super) fn read_wal_index(looked: &Looked) -> Result<std::result::Result<WalIndex, Damage>> {
    let mut bytes = [0; WAL_INDEX_BYTES];
    let there = looked.read(&mut bytes, 0)?;
    Ok(WalIndex::parse(bytes.get(..there).unwrap_or_default()))
}
