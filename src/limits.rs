//! What a file may make us do: a bound on everything that a file's bytes control (C10).
//!
//! | limit | bounds | default | hard bound |
//! |---|---|---:|---:|
//! | `pages` | the pages of a database | the hard bound | 4294967294 |
//! | `log-bytes` | the size of a `-wal` that is read | the hard bound | 281578055860232 |
//! | `journal-bytes` | the size of a hot `-journal` that is read | the hard bound | 844424929739284 |
//! | `overlay-bytes` | memory for where the pages lie that log or journal have | 1073741824 | 68719476704 |
//! | `chain-length` | the pages of one overflow chain | 2100841 | 4511521 |
//! | `record-bytes` | the length of one record | 1000000000 | 2147483647 |
//! | `schema-bytes` | the records of the schema together, where they are listed | 67108864 | 281474976579584 |
//!
//! Each hard bound is the most that the format can say; [limits.md#hard-bounds](crate::notes::limits#hard-bounds) derives them, and why the defaults are
//! as they are. A limit of a value lets through what is as large as the value, and refuses what is larger.

use crate::format::btree_cell::{LONGEST_PAYLOAD_BYTES, shortest_local_bytes};
use crate::format::database_header::LEAST_USABLE_BYTES;
use crate::format::overflow::chain_length;
use std::fmt;
use std::str::FromStr;

/// One of the things that are limited.
///
/// ```
/// use litecopy::{Limit, Limits};
///
/// let mut limits = Limits::untrusted();
/// limits.set(Limit::Pages, 1_000);
/// assert_eq!(limits.get(Limit::Pages), 1_000);
/// assert_eq!(Limit::Pages.name(), "pages");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Limit {
    /// The pages of a database.
    Pages,
    /// The size in bytes of a write-ahead log that has to be read.
    LogBytes,
    /// The size in bytes of a hot rollback journal.
    JournalBytes,
    /// The memory in bytes that it may take to know where the pages lie which a log or a journal lays over the file: 8
    /// for each page in a log, 16 for each in a journal.
    OverlayBytes,
    /// The pages of one overflow chain.
    ChainLength,
    /// The length in bytes of one record of a table or an index.
    RecordBytes,
    /// The length in bytes of all records of the schema together, where they are listed.
    SchemaBytes,
}

impl Limit {
    /// All of them, in the order of the table above.
    pub const ALL: &'static [Self] = &Self::EACH;

    const EACH: [Self; 7] = [
        Self::Pages,
        Self::LogBytes,
        Self::JournalBytes,
        Self::OverlayBytes,
        Self::ChainLength,
        Self::RecordBytes,
        Self::SchemaBytes,
    ];

    /// Its name, as [`FromStr`] reads it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pages => "pages",
            Self::LogBytes => "log-bytes",
            Self::JournalBytes => "journal-bytes",
            Self::OverlayBytes => "overlay-bytes",
            Self::ChainLength => "chain-length",
            Self::RecordBytes => "record-bytes",
            Self::SchemaBytes => "schema-bytes",
        }
    }

    /// The most that it can be set to: what the format can say at most.
    #[must_use]
    pub fn hard_bound(self) -> i64 {
        const MOST_PAGES: i64 = 0xffff_fffe;
        const MOST_FRAMES: i64 = 0xffff_ffff;
        match self {
            Self::Pages => MOST_PAGES,
            // The header, and each frame that can be numbered with the largest page.
            Self::LogBytes => 32 + MOST_FRAMES * (24 + 65536),
            // Each page that can be, of the largest size, in a segment of its own with the largest sector: its header,
            // and a record of 65544 bytes, which reaches into a second sector. Then the record of a super-journal.
            Self::JournalBytes => MOST_PAGES * 3 * 65536 + 532,
            // An entry of a journal's index for each page that can be.
            Self::OverlayBytes => MOST_PAGES * 16,
            // The longest payload in the smallest pages.
            Self::ChainLength => longest_chain(LONGEST_PAYLOAD_BYTES),
            Self::RecordBytes => LONGEST_PAYLOAD_BYTES as i64,
            // All pages of the largest database.
            Self::SchemaBytes => MOST_PAGES * 65536,
        }
    }

    /// What it is when nobody has set it.
    #[must_use]
    pub fn default_value(self) -> i64 {
        /// The longest record that SQLite itself reads and writes, unless it is built otherwise.
        const SQLITE_LONGEST_RECORD_BYTES: u32 = 1_000_000_000;
        match self {
            Self::Pages | Self::LogBytes | Self::JournalBytes => self.hard_bound(),
            Self::OverlayBytes => 1 << 30,
            Self::ChainLength => longest_chain(SQLITE_LONGEST_RECORD_BYTES),
            Self::RecordBytes => SQLITE_LONGEST_RECORD_BYTES.into(),
            Self::SchemaBytes => 64 << 20,
        }
    }
}

impl Limit {
    /// What it is in [`Limits::untrusted`].
    #[must_use]
    pub fn untrusted_value(self) -> i64 {
        const PAGES: i64 = 1 << 20;
        const RECORD_BYTES: u32 = 1 << 24;
        match self {
            Self::Pages => PAGES,
            Self::LogBytes | Self::JournalBytes => 1 << 30,
            Self::OverlayBytes => PAGES * 16,
            Self::ChainLength => longest_chain(RECORD_BYTES),
            Self::RecordBytes | Self::SchemaBytes => RECORD_BYTES.into(),
        }
    }
}

/// The most overflow pages that a payload of so many bytes can have.
fn longest_chain(payload_bytes: u32) -> i64 {
    chain_length(payload_bytes, shortest_local_bytes(LEAST_USABLE_BYTES), LEAST_USABLE_BYTES).into()
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is none of a [`Limit`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no limit; there are {}", Limit::EACH.map(Limit::name).join(", "))]
pub struct UnknownLimit {
    /// The name that was given.
    pub name: String,
}

impl FromStr for Limit {
    type Err = UnknownLimit;

    fn from_str(name: &str) -> std::result::Result<Self, UnknownLimit> {
        let found = Self::EACH.into_iter().find(|limit| limit.name() == name);
        found.ok_or_else(|| UnknownLimit { name: name.to_owned() })
    }
}

/// The value of each [`Limit`], with the semantics of SQLite's own run-time limits.
///
/// ```
/// use litecopy::{Limit, Limits};
///
/// let mut limits = Limits::default();
/// let before = limits.set(Limit::Pages, 1_000_000);
/// assert_eq!(before, Limit::Pages.default_value());
/// assert_eq!(limits.set(Limit::Pages, -1), 1_000_000); // negative: only asks
/// assert_eq!(limits.set(Limit::Pages, i64::MAX), 1_000_000); // too much: cut to the hard bound, silently
/// assert_eq!(limits.get(Limit::Pages), Limit::Pages.hard_bound());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    values: [i64; Limit::EACH.len()],
}

impl Default for Limits {
    fn default() -> Self {
        Self { values: Limit::EACH.map(Limit::default_value) }
    }
}

impl Limits {
    /// The defaults: generous, they only keep a hostile file from taking the machine's memory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// For files of strangers, such as uploads: no more than a database of everyday size needs.
    ///
    /// A million pages (4 GiB at the usual size), a log or journal of 1 GiB, records of 16 MiB, and 16 MiB of memory for where the
    /// pages of a log or journal lie. [limits.md#the-limits](crate::notes::limits#the-limits)
    ///
    /// ```
    /// use litecopy::{Limit, Limits};
    ///
    /// let mut limits = Limits::untrusted();
    /// assert_eq!(limits.set(Limit::Pages, 10_000), 1 << 20);
    /// ```
    #[must_use]
    pub fn untrusted() -> Self {
        Self { values: Limit::EACH.map(Limit::untrusted_value) }
    }

    /// The value of a limit.
    #[must_use]
    pub fn get(&self, limit: Limit) -> i64 {
        self.values.get(limit as usize).copied().unwrap_or_default()
    }

    /// Sets a limit, and returns what it was before, whether or not that changed.
    ///
    /// A negative value leaves it as it is. One above the [hard bound](Limit::hard_bound) is cut to that, silently.
    pub fn set(&mut self, limit: Limit, value: i64) -> i64 {
        let before = self.get(limit);
        if let Some(place) = self.values.get_mut(limit as usize).filter(|_| value >= 0) {
            *place = value.min(limit.hard_bound());
        }
        before
    }

    /// Whether a file may have `wanted`.
    pub(crate) fn allow(&self, limit: Limit, wanted: u64) -> std::result::Result<(), LimitExceeded> {
        let value = self.get(limit);
        if wanted <= value.unsigned_abs() { Ok(()) } else { Err(LimitExceeded { limit, value, wanted }) }
    }
}

/// A file wanted more than a limit lets it have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[error("the limit {limit} is {value}, the file wants {wanted}")]
pub struct LimitExceeded {
    /// Which limit.
    pub limit: Limit,
    /// Its value.
    pub value: i64,
    /// What the file wanted; where it is counted as it grows, how far it had come.
    pub wanted: u64,
}

/// How much is free, for messages; nothing where the system says that it is enough and yet gives none of it.
pub(crate) struct Room {
    pub(crate) needed_bytes: u64,
    pub(crate) free_bytes: u64,
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.free_bytes < self.needed_bytes {
            write!(f, ", {} are free", self.free_bytes)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_value_comes_back_whether_or_not_it_changed() {
        for &limit in Limit::ALL {
            let mut limits = Limits::new();
            let default = limit.default_value();
            assert_eq!(limits.get(limit), default);
            assert_eq!(limits.set(limit, 7), default);
            assert_eq!(limits.set(limit, 7), 7);
            assert_eq!(limits.set(limit, -1), 7);
            assert_eq!(limits.set(limit, i64::MIN), 7);
            assert_eq!(limits.set(limit, limit.hard_bound() + 1), 7, "{limit}");
            assert_eq!(limits.set(limit, 0), limit.hard_bound(), "cut silently");
            assert_eq!(limits.get(limit), 0);
            let others = Limit::EACH.into_iter().filter(|&other| other != limit);
            assert!(others.into_iter().all(|other| limits.get(other) == other.default_value()), "{limit}");
        }
    }

    #[test]
    fn names_are_read_and_unknown_ones_refused() {
        for &limit in Limit::ALL {
            assert_eq!(limit.to_string().parse(), Ok(limit));
        }
        let error = "page".parse::<Limit>().unwrap_err();
        assert!(
            error.to_string().contains("`page`") && error.to_string().contains("overlay-bytes"),
            "{error}"
        );
        assert!("".parse::<Limit>().is_err() && "Pages".parse::<Limit>().is_err());
    }

    /// The numbers of the table at the top of this file, and of the notes.
    #[test]
    fn the_hard_bounds_are_those_of_the_format() {
        assert_eq!(
            Limit::EACH.map(Limit::hard_bound),
            [
                4_294_967_294,
                281_578_055_860_232,
                844_424_929_739_284,
                68_719_476_704,
                4_511_521,
                2_147_483_647,
                281_474_976_579_584,
            ]
        );
        assert_eq!(Limit::EACH.map(Limit::default_value)[3..], [1 << 30, 2_100_841, 1_000_000_000, 64 << 20]);
        assert!(Limit::ALL.iter().all(|limit| limit.default_value() <= limit.hard_bound()));
    }

    #[test]
    fn exactly_enough_is_enough() {
        let mut limits = Limits::new();
        limits.set(Limit::RecordBytes, 10);
        assert_eq!(limits.allow(Limit::RecordBytes, 10), Ok(()));
        let exceeded = limits.allow(Limit::RecordBytes, 11).unwrap_err();
        assert_eq!(exceeded.to_string(), "the limit record-bytes is 10, the file wants 11");
    }
}
