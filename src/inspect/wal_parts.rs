//! What a log is made of, as reports: its header, its commits, its frames, and its end.

use crate::format::PageSize;
use crate::format::byte_reader::ByteReader;
use crate::format::damage::Damage;
use crate::format::wal_checksum::{ByteOrder, WalChecksum};
use crate::format::wal_header::{Salts, WAL_HEADER_BYTES, WalHeader};

/// The first 32 bytes of a log, every field as it is stored, also where SQLite takes it for none; [wal.md#header](crate::notes::wal#header).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct WalHeaderReport {
    /// 0x377f0682 or 0x377f0683.
    pub magic: u32,
    /// `big` or `little`: the order of the words that the checksums are made of, the lowest bit of the magic.
    pub byte_order: &'static str,
    /// 3007000.
    pub format: u32,
    /// The page size in bytes.
    pub page_size: u32,
    /// One more with each reset of the log.
    pub checkpoint_sequence: u32,
    /// The two numbers that tell this generation of frames from earlier ones.
    pub salt: [u32; 2],
    /// The checksum of the header as stored.
    pub checksum: [u32; 2],
    /// Whether it is the right one.
    pub checksum_ok: bool,
    /// The first rule, in SQLite's order of checks, that the header breaks: SQLite reads no frame then.
    pub damage: Option<String>,
}

impl WalHeaderReport {
    pub(super) fn new(bytes: &[u8; WAL_HEADER_BYTES]) -> Self {
        // 32 bytes hold all the fields: what would be missing is zero, and never is.
        let number = |offset: usize| ByteReader::at(bytes, offset).be_u32().unwrap_or_default();
        let header = lenient_header(bytes);
        Self {
            magic: number(0),
            byte_order: match header.byte_order {
                ByteOrder::Big => "big",
                ByteOrder::Little => "little",
            },
            format: number(4),
            page_size: number(8),
            checkpoint_sequence: number(12),
            salt: [number(16), number(20)],
            checksum: [number(24), number(28)],
            checksum_ok: header.checksum
                == WalChecksum::SEED.extend(header.byte_order, bytes.get(..24).unwrap_or_default()),
            damage: WalHeader::parse(bytes).err().map(|damage| damage.to_string()),
        }
    }
}

/// How the frames of a log are laid out, and whether any of them can be valid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) header: WalHeader,
    pub(super) can_be_valid: bool,
}

impl Layout {
    /// `None` where there are no frames to be told apart.
    pub(super) fn new(bytes: &[u8; WAL_HEADER_BYTES]) -> Option<Self> {
        match WalHeader::parse(bytes) {
            Ok(header) => Some(Self { header, can_be_valid: true }),
            // SQLite refuses the database; what is in the log can be told all the same.
            Err(Damage::WalVersion { .. }) => {
                Some(Self { header: lenient_header(bytes), can_be_valid: true })
            }
            Err(_) => {
                let page_bytes = ByteReader::at(bytes, 8).be_u32().unwrap_or_default();
                PageSize::new(page_bytes)?;
                Some(Self { header: lenient_header(bytes), can_be_valid: false })
            }
        }
    }
}

/// The header without its rules.
fn lenient_header(bytes: &[u8; WAL_HEADER_BYTES]) -> WalHeader {
    let number = |offset: usize| ByteReader::at(bytes, offset).be_u32().unwrap_or_default();
    WalHeader {
        byte_order: if number(0) & 1 == 1 { ByteOrder::Big } else { ByteOrder::Little },
        page_size: PageSize::new(number(8)).unwrap_or_default(),
        checkpoint_sequence: number(12),
        salts: Salts(ByteReader::at(bytes, 16).array().unwrap_or_default()),
        checksum: WalChecksum { s1: number(24), s2: number(28) },
    }
}

/// A transaction that is committed in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct WalCommit {
    /// Its number, from 1 on.
    pub commit: u32,
    /// Its first frame.
    pub first_frame: u32,
    /// Its last, which commits it.
    pub last_frame: u32,
    /// The size in pages of the database after it.
    pub page_count: u32,
    /// The pages that it wrote, each once, in order.
    pub pages: Vec<u32>,
    /// The tables and indexes that these belong to, those with most pages first; `sqlite_schema` for page 1. Free pages
    /// belong to none. Empty until [`CommitOwners`](super::CommitOwners) tells them.
    pub owners: Vec<String>,
    /// How many of the pages belong to each of them.
    pub owner_page_counts: Vec<u32>,
}

/// A frame of the log, valid or not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct WalFrameReport {
    /// Its number, from 1 on.
    pub frame: u32,
    /// The page whose image it has.
    pub page: u32,
    /// The table or index that the page of a committed frame belongs to; `None` until
    /// [`CommitOwners`](super::CommitOwners) tells it.
    pub owner: Option<String>,
    /// The size in pages of the database after the transaction that ends with it; 0 when none does.
    pub commit_page_count: u32,
    /// The transaction that it belongs to, when that is committed.
    pub commit: Option<u32>,
    /// The generation that it belongs to.
    pub salt: [u32; 2],
    /// The running checksum as stored.
    pub checksum: [u32; 2],
    /// What it counts for.
    pub state: WalFrameState,
}

/// What a frame counts for; [wal.md#states-of-a-frame](crate::notes::wal#states-of-a-frame).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum WalFrameState {
    /// The newest committed image of its page.
    Committed,
    /// Committed, but a later commit, or a later frame of the same, has the page too.
    Superseded,
    /// Valid, but no commit follows: of a transaction under way, rolled back, or cut off by a crash.
    Uncommitted,
    /// Behind the end of the valid frames: of an earlier generation, or damaged.
    Stale,
    /// The same, with zeros for salts and sums: of a transaction that wrote a page a second time, and had not summed its
    /// frames anew when it ended.
    Unsummed,
}

impl WalFrameState {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Superseded => "superseded",
            Self::Uncommitted => "uncommitted",
            Self::Stale => "stale",
            Self::Unsummed => "unsummed",
        }
    }
}

/// Where and why a log ends, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct WalEnd {
    /// How many frames, from the first on, are valid.
    pub valid_frames: u32,
    /// How many of these belong to committed transactions: what a reader sees.
    pub committed_frames: u32,
    /// How many transactions these are.
    pub commits: u32,
    /// Why no more frames are valid.
    pub reason: WalEndReason,
    /// The same in words, with the values found; `None` where the file ends with a commit.
    pub detail: Option<String>,
    /// Valid frames behind the last commit.
    pub uncommitted_frames: u32,
    /// Frames behind the valid ones, but for the unsummed.
    pub stale_frames: u32,
    /// Frames behind the valid ones with zeros for salts and sums.
    pub unsummed_frames: u32,
    /// How many whole frames the file has room for.
    pub file_frames: u32,
    /// The size in bytes of the file.
    pub file_bytes: u64,
    /// The size in pages of the database after the last commit; 0 without one.
    pub page_count: u32,
}

/// Why the valid frames of a log end where they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum WalEndReason {
    /// The file ends there, and the last frame is a commit; or there is no log.
    EndOfFile,
    /// The next frame has other salts: it is of an earlier generation.
    Salt,
    /// The next frame, or the log's header, is not what its writer summed.
    Checksum,
    /// The next frame is for page 0.
    PageNumber,
    /// The file ends within the next frame, or within the header.
    PartialFrame,
    /// The file ends there, with a transaction that is not committed.
    NoCommit,
}

impl WalEndReason {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EndOfFile => "end-of-file",
            Self::Salt => "salt",
            Self::Checksum => "checksum",
            Self::PageNumber => "page-number",
            Self::PartialFrame => "partial-frame",
            Self::NoCommit => "no-commit",
        }
    }
}
