//! The wal-index whole: both copies of its header, marks and locks, and whether it is what the log says.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::named_file::{NamedFile, SideFileKind};
use super::reading::Looked;
use super::shm_comparison::Claims;
use super::shm_header::ShmHeader;
use super::wal_timeline::WalTimeline;
use crate::error::{Error, Result};
use crate::format::byte_reader::ByteReader;
use crate::format::lock_bytes::WAL_INDEX_LOCKS;
use crate::format::wal_checksum::ByteOrder;
use crate::format::wal_header::WAL_VERSION;
use crate::format::wal_index::{READ_MARK_UNUSED, WAL_INDEX_BYTES, WAL_INDEX_HEADER_BYTES};
use crate::lock::{LockHolder, lock_holders};
use crate::os::clock::Deadline;
use crate::os::place::Place;
use crate::os::random_access::{ReadAt, read_padded_around};
use crate::side_files::SideFiles;
use crate::source::SourceOptions;

const WAL_INDEX: SideFileKind = SideFileKind {
    suffix: "-shm",
    is_magic: |bytes| {
        let version = bytes.first_chunk::<4>().copied().unwrap_or_default();
        [WAL_VERSION.to_le_bytes(), WAL_VERSION.to_be_bytes()].contains(&version)
    },
    place_of: SideFiles::wal_index,
};

/// How often a wal-index that is not as the log is looked at again, since a commit may be under way; and after what pause.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(5);

/// What a wal-index (`-shm`) says, and whether it is so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ShmContents {
    /// The file that the wal-index is, or would be.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::json_name::name"))]
    pub path: PathBuf,
    /// Its size in bytes; 0 where there is none.
    pub size_bytes: u64,
    /// The order of its bytes, `big` or `little`: that of the machine that made it.
    pub byte_order: &'static str,
    /// Both copies of the header, as far as they are there.
    pub headers: Vec<ShmHeader>,
    /// Whether the copies are the same, byte for byte: else a writer is just at it, or died there.
    pub headers_agree: bool,
    /// The last committed frame, as the first copy says; 0 for none.
    pub mx_frame: u32,
    /// The size in pages of the database after it.
    pub page_count: u32,
    /// Frames up to this one are in the database file.
    pub backfill: u32,
    /// Frames up to this one may be in the database file.
    pub backfill_attempted: u32,
    /// How far each of the five reader slots reads; `None` for a mark that is not in use.
    pub read_marks: Vec<Option<u32>>,
    /// Who held which lock on it just before.
    pub locks: Vec<LockHolder>,
    /// Whether a connection is there that keeps it. If not, it is left over, and the next connection makes it anew.
    pub somebody_is_connected: bool,
    /// Whether it says of the log what the log itself says; `None` without a wal-index, and where neither log nor database is
    /// there. A database without a log is as one with an empty log.
    pub agrees_with_log: Option<bool>,
    /// Where it does not, in words; the first of them, where there are many.
    pub differences: Vec<String>,
}

/// Reads the wal-index of the database at `path`; or the wal-index at `path` itself.
///
/// It is compared with the log beside it, frame by frame, also with its hash tables. While others write, a difference may be the
/// moment between a commit in the log and in the wal-index: it is looked at again, ten times within 50 ms.
///
/// `timeout` bounds the wait for the locks under which the log is read; without it, for ever.
///
/// ```no_run
/// use litecopy::SourceOptions;
/// use litecopy::inspect::inspect_shm;
///
/// let shm = inspect_shm("app.db", &SourceOptions::new(), None)?;
/// println!("{} frames, {} of them backfilled", shm.mx_frame, shm.backfill);
/// # Ok::<(), litecopy::Error>(())
/// ```
///
/// # Errors
///
/// Whatever keeps the files from being read; [`Busy`](crate::ErrorKind::Busy) at the timeout. Damage is none.
pub fn inspect_shm(
    path: impl AsRef<Path>,
    options: &SourceOptions,
    timeout: Option<Duration>,
) -> Result<ShmContents> {
    let NamedFile { place, database } = WAL_INDEX.find(path.as_ref())?;
    let locks = match &database {
        Some(files) => {
            let holders = lock_holders(files.database().path())?;
            holders.into_iter().filter(|lock| lock.path == place.path()).collect()
        }
        None => Vec::new(),
    };
    let log = database.map_or_else(|| log_beside(place.path()), |files| files.database().path().to_owned());
    let mut tries = TRIES;
    loop {
        let mut contents = ShmContents::read(&place, locks.clone())?;
        if contents.size_bytes == 0 {
            return Ok(contents);
        }
        contents.differences = match WalTimeline::open(&log, options, timeout) {
            Ok(timeline) => contents.compare(&place, &timeline)?,
            Err(error) if error.kind() == crate::error::ErrorKind::NotFound => {
                contents.differences.push("there is no log to compare it with".to_owned());
                return Ok(contents);
            }
            Err(error) => return Err(error),
        };
        let agrees = contents.differences.is_empty();
        contents.agrees_with_log = Some(agrees);
        tries -= 1;
        if agrees || !contents.somebody_is_connected || tries == 0 {
            return Ok(contents);
        }
        Deadline::after(None).sleep(PAUSE);
    }
}

/// The log beside a wal-index without a database.
fn log_beside(wal_index: &Path) -> PathBuf {
    let stem = wal_index.to_str().and_then(|name| name.strip_suffix("-shm"));
    stem.map_or_else(|| wal_index.to_owned(), |stem| format!("{stem}-wal").into())
}

impl ShmContents {
    /// What a wal-index says that is made of bytes, compared with its log: nobody holds a lock on it.
    ///
    /// # Errors
    ///
    /// Whatever keeps the log from being read.
    pub fn from_bytes(shm: Vec<u8>, log: &WalTimeline) -> Result<Self> {
        let mut contents = Self::new(Path::new("memory"), Vec::new());
        contents.size_bytes = shm.len() as u64;
        contents.take(&shm);
        contents.differences = contents.compare_with(&shm, log)?;
        contents.agrees_with_log = Some(contents.differences.is_empty());
        Ok(contents)
    }

    fn new(path: &Path, locks: Vec<LockHolder>) -> Self {
        Self {
            path: path.to_owned(),
            size_bytes: 0,
            byte_order: "little",
            headers: Vec::new(),
            headers_agree: false,
            mx_frame: 0,
            page_count: 0,
            backfill: 0,
            backfill_attempted: 0,
            read_marks: Vec::new(),
            somebody_is_connected: locks.iter().any(|lock| lock.lock == "DMS"),
            locks,
            agrees_with_log: None,
            differences: Vec::new(),
        }
    }

    fn read(place: &Place, locks: Vec<LockHolder>) -> Result<Self> {
        let mut contents = Self::new(place.path(), locks);
        let Some(looked) = Looked::open(place)? else {
            contents.differences.push("there is no wal-index".to_owned());
            return Ok(contents);
        };
        let mut bytes = [0; WAL_INDEX_BYTES];
        let there = read_padded_around(looked.bytes(), &mut bytes, 0, WAL_INDEX_LOCKS)
            .map_err(Error::io("read", place.path()))?;
        contents.size_bytes = looked.size_bytes;
        contents.take(bytes.get(..there).unwrap_or_default());
        Ok(contents)
    }

    fn take(&mut self, bytes: &[u8]) {
        let order = order_of(bytes);
        let (copies, _) = bytes.as_chunks::<WAL_INDEX_HEADER_BYTES>();
        let copies = copies.get(..2).unwrap_or(copies);
        self.byte_order = if order == ByteOrder::Big { "big" } else { "little" };
        self.headers = copies.iter().map(|copy| ShmHeader::new(order, copy)).collect();
        self.headers_agree = matches!(copies, [first, second] if first == second);
        if let Some(first) = self.headers.first() {
            (self.mx_frame, self.page_count) = (first.mx_frame, first.page_count);
        }
        let number = |offset: usize| ByteReader::at(bytes, offset).u32_in(order).ok();
        self.backfill = number(96).unwrap_or_default();
        self.read_marks = (0..5)
            .map_while(|slot| number(100 + slot * 4))
            .map(|mark| Some(mark).filter(|&mark| mark != READ_MARK_UNUSED))
            .collect();
        self.backfill_attempted = number(128).unwrap_or_default();
    }

    fn compare(&self, place: &Place, timeline: &WalTimeline) -> Result<Vec<String>> {
        let Some(looked) = Looked::open(place)? else { return Ok(vec!["it is gone".to_owned()]) };
        self.compare_with(looked.bytes(), timeline)
    }

    fn compare_with(&self, bytes: &dyn ReadAt, timeline: &WalTimeline) -> Result<Vec<String>> {
        let order = if self.byte_order == "big" { ByteOrder::Big } else { ByteOrder::Little };
        let (headers, headers_agree, backfill) = (&self.headers, self.headers_agree, self.backfill);
        Claims { headers, headers_agree, backfill, order, bytes }.differences(timeline)
    }
}

/// The order in which the version reads as one.
fn order_of(bytes: &[u8]) -> ByteOrder {
    if bytes.starts_with(&WAL_VERSION.to_be_bytes()) {
        ByteOrder::Big
    } else if bytes.starts_with(&WAL_VERSION.to_le_bytes()) {
        ByteOrder::Little
    } else {
        ByteOrder::NATIVE
    }
}
