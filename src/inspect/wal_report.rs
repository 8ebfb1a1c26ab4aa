//! The write-ahead log: its header, how many of its frames count, and where and why the valid ones end.

use std::path::PathBuf;

use super::header_report::HeaderReport;
use super::reading::{Findings, Looked};
use crate::error::Result;
use crate::format::database_header::DATABASE_HEADER_BYTES;
use crate::format::frame_number::FRAME_HEADER_BYTES;
use crate::format::frame_number::{FrameNumber, frame_bytes, whole_frames_in};
use crate::format::wal_checksum::ByteOrder;
use crate::format::wal_frame::{FrameChain, FrameFault, WalFrame};
use crate::format::wal_header::{WAL_HEADER_BYTES, WalHeader};
use crate::limits::{Limit, Limits};
#[cfg(feature = "evidence")]
use crate::os::place::Place;

/// What a `-wal` file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct WalReport {
    /// The file.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::json_name::name"))]
    pub path: PathBuf,
    /// Its size.
    pub size_bytes: u64,
    /// Whether it has a header that SQLite accepts; if not, it counts as empty, and the numbers below are 0.
    pub header_is_valid: bool,
    /// The page size in bytes.
    pub page_size: u32,
    /// `big` or `little`: the order of the words that the checksums are made of.
    pub checksum_order: &'static str,
    /// One more with each reset of the log.
    pub checkpoint_sequence: u32,
    /// The two numbers that tell this generation of frames from earlier ones.
    pub salts: [u32; 2],
    /// How many whole frames the file has room for, those of earlier generations included.
    pub frame_count: u64,
    /// How many frames, from the first on, are valid.
    pub valid_frame_count: u32,
    /// How many of these belong to committed transactions: what a reader sees.
    pub committed_frame_count: u32,
    /// How many transactions these are.
    pub commit_count: u32,
    /// The database's size after the last of them; 0 without one.
    pub page_count: u32,
    /// Why the valid frames end before the file does, where they do.
    pub end_of_valid_frames: Option<String>,
    /// The header of the database as the log has it, where it has a committed page 1: newer than that in the file.
    pub database_header: Option<HeaderReport>,
}

impl WalReport {
    /// The log at `place`; `None` where there is none.
    #[cfg(feature = "evidence")]
    pub(crate) fn of_place(place: &Place, limits: &Limits) -> Result<Option<Self>> {
        let log = Looked::open(place)?;
        log.map(|looked| Self::read(&looked, limits, &mut Findings::default())).transpose()
    }

    /// Looks at a log of which nobody may cut anything off meanwhile (or which may change: then it is of the moment).
    pub(super) fn read(looked: &Looked, limits: &Limits, findings: &mut Findings) -> Result<Self> {
        let mut report = Self {
            path: looked.path.clone(),
            size_bytes: looked.size_bytes,
            header_is_valid: false,
            page_size: 0,
            checksum_order: "little",
            checkpoint_sequence: 0,
            salts: [0; 2],
            frame_count: 0,
            valid_frame_count: 0,
            committed_frame_count: 0,
            commit_count: 0,
            page_count: 0,
            end_of_valid_frames: None,
            database_header: None,
        };
        if looked.size_bytes == 0 {
            return Ok(report);
        }
        let mut bytes = [0; WAL_HEADER_BYTES];
        let there = looked.read(&mut bytes, 0)?;
        match WalHeader::parse(bytes.get(..there).unwrap_or_default()) {
            Ok(header) => match limits.allow(Limit::LogBytes, looked.size_bytes) {
                Ok(()) => report.read_frames(looked, &header)?,
                Err(exceeded) => {
                    report.take_header(looked, &header);
                    report.end_of_valid_frames = Some(format!("the first, none is read: {exceeded}"));
                }
            },
            Err(damage) if damage.leaves_wal_empty() => {
                findings.add(&looked.path, format!("counts as empty: {damage}"));
            }
            Err(damage) => findings.add(&looked.path, damage),
        }
        Ok(report)
    }

    fn take_header(&mut self, looked: &Looked, header: &WalHeader) {
        self.header_is_valid = true;
        self.page_size = header.page_size.bytes();
        self.checksum_order = if header.byte_order == ByteOrder::Big { "big" } else { "little" };
        self.checkpoint_sequence = header.checkpoint_sequence;
        self.salts = header.salts.numbers();
        self.frame_count = whole_frames_in(looked.size_bytes, header.page_size);
    }

    fn read_frames(&mut self, looked: &Looked, header: &WalHeader) -> Result<()> {
        self.take_header(looked, header);
        let mut chain = FrameChain::new(header);
        let mut buffer = vec![0; frame_bytes(header.page_size)];
        let mut pending_header = None;
        while let Some(number) = chain.next_frame() {
            let there = looked.read(&mut buffer, number.offset_in_wal(header.page_size))?;
            let bytes = buffer.get(..there).unwrap_or_default();
            match chain.accept(bytes) {
                Ok(frame) => self.take(&frame, bytes, &mut pending_header),
                Err(FrameFault::Short { available: 0, .. }) => break,
                Err(fault) => {
                    self.end_of_valid_frames = Some(format!("frame {number}: {fault}"));
                    break;
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, frame: &WalFrame, bytes: &[u8], pending_header: &mut Option<HeaderReport>) {
        self.valid_frame_count = frame.number.get();
        if frame.page_number.get() == 1 {
            let image = bytes.get(FRAME_HEADER_BYTES..).unwrap_or_default();
            *pending_header = image.first_chunk::<DATABASE_HEADER_BYTES>().map(HeaderReport::read);
        }
        if frame.is_commit() {
            self.committed_frame_count = FrameNumber::get(frame.number);
            self.commit_count = self.commit_count.saturating_add(1);
            self.page_count = frame.commit_page_count;
            if pending_header.is_some() {
                self.database_header = pending_header.take();
            }
        }
    }
}
