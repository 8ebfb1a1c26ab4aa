//! What a bundle of evidence says of itself: what was found, how it was taken, and what proves that the source is as it was.
//!
//! It stands in the manifest of the bundle's merged copy, and is written and read with it:
//! [acquire.md#the-manifest](crate::notes::acquire#the-manifest). Times are in UTC, in the form of RFC 3339; sums are lower-case
//! hexadecimal digits.

use std::path::Path;

/// How the files of a database were taken into a bundle, and as what they were found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Bundle {
    /// The program, its version and commit.
    pub tool: String,
    /// What the machine is called.
    pub host: String,
    /// Its operating system.
    pub system: String,
    /// The user as whom it was run; `None` where users have no numbers.
    pub user_id: Option<u32>,
    /// When it began, before any lock was asked for.
    pub begun: String,
    /// When the manifest was written.
    pub ended: String,
    /// The database, as it was named.
    pub source: FoundName,
    /// Whether the source was the same when it was read again at the end: the database file and a hot journal wholly, the log up to its
    /// last commit.
    pub source_unchanged: bool,
    /// The files as they were found, in the order in which they were looked for.
    pub files: Vec<BundleFile>,
    /// The header of the database file; `None` of an empty one.
    pub header: Option<BundleHeader>,
    /// What the journal means for who opens the database.
    pub journal: BundleJournal,
    /// The log, if there is one with a header that counts.
    pub log: Option<BundleLog>,
    /// Who held which lock just before the bundle's own were taken.
    pub locks: Vec<BundleLock>,
    /// Who had the files open just before.
    pub opened_by: BundleOpeners,
    /// What was held while the files were read, and for how long.
    pub held: BundleHold,
    /// Whether the pages were taken for encrypted ones, which can only be copied ([`opaque`](crate::SourceOptions::opaque)).
    pub opaque: bool,
    /// Why there is no merged copy; `None` where there is one.
    pub no_merged_copy: Option<String>,
    /// The SHA-256 of `report.txt`.
    pub report_sha256: String,
}

/// What a file is to its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FileRole {
    /// The database file.
    Database,
    /// The file `-journal`.
    Journal,
    /// The super-journal that the journal names.
    SuperJournal,
    /// The file `-wal`.
    Log,
    /// The file `-shm`.
    WalIndex,
}

impl FileRole {
    /// All of them, in the order of a bundle.
    pub const ALL: [Self; 5] = [Self::Database, Self::Journal, Self::SuperJournal, Self::Log, Self::WalIndex];

    /// Under which name a bundle has such a file, whatever it is called where it was found.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Database => "found.db",
            Self::Journal => "found.db-journal",
            Self::SuperJournal => "super-journal",
            Self::Log => "found.db-wal",
            Self::WalIndex => "found.db-shm",
        }
    }
}

/// A path as it was found: text, or where it is none all its bytes in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum FoundName {
    /// It is valid UTF-8.
    Text(String),
    /// It is not.
    Bytes {
        /// Its bytes.
        invalid_text: String,
    },
}

impl From<&Path> for FoundName {
    fn from(path: &Path) -> Self {
        match path.to_str() {
            Some(text) => Self::Text(text.to_owned()),
            None => Self::Bytes { invalid_text: hex(path.as_os_str().as_encoded_bytes()) },
        }
    }
}

/// A file as it was found, and its copy in the bundle.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct BundleFile {
    /// What it is to the database.
    pub role: FileRole,
    /// Its name in the bundle.
    pub name: String,
    /// Where it was found, symbolic links resolved.
    pub path: FoundName,
    /// The size of the copy.
    pub size_bytes: u64,
    /// The SHA-256 of the copy.
    pub sha256: String,
    /// What the system said of it before it was read.
    pub before: FileStatus,
    /// The same when it had been read again.
    pub after: FileStatus,
    /// The SHA-256 of as many bytes of it, read again at the end from where it was found.
    pub read_again_sha256: String,
    /// Up to where it was then what the copy is; the size of the copy if it was the same.
    pub same_bytes: u64,
}

impl BundleFile {
    /// Whether it was the same, byte for byte and of the same size, when it was read again.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        self.same_bytes == self.size_bytes && self.after.size_bytes == self.size_bytes
    }
}

/// What the system says of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct FileStatus {
    /// Its size.
    pub size_bytes: u64,
    /// The device that it lies on.
    pub device: Option<u64>,
    /// Its number there.
    pub inode: Option<u64>,
    /// How many names it has.
    pub link_count: Option<u64>,
    /// Kind and permissions, in octal digits.
    pub mode: Option<String>,
    /// Its owner's number.
    pub user_id: Option<u32>,
    /// Its group's number.
    pub group_id: Option<u32>,
    /// When it was last read, as far as the system marks that.
    pub accessed: Option<String>,
    /// When its content was last changed.
    pub modified: Option<String>,
    /// When its content or what the system says of it was last changed.
    pub changed: Option<String>,
}

/// The header of the database file, as stored.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct BundleHeader {
    /// Its first 100 bytes.
    pub bytes: String,
    /// What SQLite would refuse it for.
    pub damage: Option<String>,
    /// Bytes of a page; `None` where the field is none.
    pub page_size: Option<u32>,
    /// Pages, as the header says.
    pub page_count: u32,
    /// Counts transactions in rollback mode.
    pub change_counter: u32,
    /// Counts changes of the schema.
    pub schema_cookie: u32,
    /// `PRAGMA user_version`.
    pub user_version: i32,
    /// `PRAGMA application_id`.
    pub application_id: u32,
    /// The SQLite that wrote last.
    pub sqlite_version: String,
}

/// What a journal means for who opens the database.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct BundleJournal {
    /// Whether it is hot: a writer died, and who opens the database next rolls back. The merged copy is what that gives.
    pub hot: bool,
    /// Why, or why not.
    pub why: String,
}

/// The log as it was found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct BundleLog {
    /// Bytes of a page.
    pub page_size: u32,
    /// Counts how often the log was begun anew.
    pub checkpoint_sequence: u32,
    /// The two numbers that tell its frames from earlier ones.
    pub salts: [u32; 2],
    /// The first frame that counts; 0 for none.
    pub first_frame: u32,
    /// The last frame that counts: the last one of the last commit. Up to it the merged copy goes.
    pub last_frame: u32,
    /// Whether somebody alive kept the wal-index, which then told that frame. Else it is what recovery finds.
    pub told_by_wal_index: bool,
    /// How many frames, from the first on, have the right salts and checksums.
    pub valid_frames: u32,
    /// How many commits these are.
    pub commits: u32,
    /// For how many frames the file has room, older ones included.
    pub file_frames: u64,
}

/// A lock that somebody held.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct BundleLock {
    /// SQLite's name of it.
    pub lock: String,
    /// The locked file.
    pub path: FoundName,
    /// Whether it keeps every other out.
    pub exclusive: bool,
    /// By which process, where the system tells.
    pub process_id: Option<u32>,
    /// The name of that process.
    pub command: Option<FoundName>,
}

/// Who had the files open.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct BundleOpeners {
    /// Processes that had the database, its log, its wal-index or its journal open.
    pub processes: Vec<BundleProcess>,
    /// Whether all processes of the machine could be asked.
    pub complete: bool,
}

/// A process.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct BundleProcess {
    /// Its number.
    pub process_id: u32,
    /// Its name.
    pub command: Option<FoundName>,
    /// Which of the files it had open.
    pub open: Vec<FileRole>,
}

/// What was held while the files were read.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct BundleHold {
    /// The locks, all of them shared, in SQLite's words; none with `immutable` or lock style `none`.
    pub locks: Vec<String>,
    /// From when.
    pub from: String,
    /// Until when.
    pub until: String,
    /// Whether commits had to wait meanwhile: in rollback mode.
    pub commits_waited: bool,
    /// For how long nobody could commit in WAL mode, while the wal-index and the end of the log were copied, in nanoseconds;
    /// `None` where that was not kept still, or needed not be.
    pub gate_nanoseconds: Option<u64>,
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for byte in bytes {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
