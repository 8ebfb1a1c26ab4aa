//! The course of an acquisition: look, hold, take, let go, merge, write down, publish.

use super::bundle_folder::{Folder, MANIFEST, MERGED, REPORT, SUMS, sha256, sums_text};
use super::file_copy::Work;
use super::found_files::{self, FoundFiles};
use super::options::{AcquireOptions, AcquireProgress, Acquired};
use super::surroundings::Surroundings;
use super::{facts, merged_copy, report_text, utc_time};
use crate::attempt::{Attempt, Obstacle};
use crate::error::{Error, Result};
use crate::format::PageSize;
use crate::format::frame_number::frame_bytes;
use crate::format::wal_header::WAL_HEADER_BYTES;
use crate::halt::Halt;
use crate::inspect::{JournalState, wait_for};
use crate::manifest::{Bundle, BundleHeader, BundleHold, BundleJournal, BundleLog, FileRole, Manifest, hex};
use crate::os::clock::Deadline;
use crate::os::host;
use crate::side_files::SideFiles;
use crate::source::{AsFound, StillFiles};
use crate::targets::NewFolder;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Instant, SystemTime};

/// The permissions of what we say ourselves, less the process's mask.
const OUR_MODE: u32 = 0o444;

/// The files as they were taken, and what was decided about them while they were held still.
struct Taken {
    found: FoundFiles,
    journal: BundleJournal,
    as_found: AsFound,
    log: Option<BundleLog>,
    held: BundleHold,
}

/// # Acquiring
impl AcquireOptions {
    /// Takes the database at `source`, its log, wal-index and journal as they lie there into a new folder, with the merged
    /// copy, a manifest and a report. The source is only read. `progress` is told how far it has come.
    ///
    /// A database that cannot be read is taken all the same; there is no merged copy then, and the manifest says why.
    ///
    /// # Errors
    ///
    /// [`TargetExists`](crate::ErrorKind::TargetExists) and its like for a folder that is there, [`Busy`](crate::ErrorKind::Busy) at the
    /// timeout, and whatever keeps the files from being read or the bundle from being written. Nothing lies at `folder` then.
    pub fn acquire(
        &self,
        source: impl AsRef<Path>,
        folder: impl AsRef<Path>,
        mut progress: impl FnMut(AcquireProgress),
    ) -> Result<Acquired> {
        acquire(self, source.as_ref(), folder.as_ref(), &mut progress)
    }
}

fn acquire(
    options: &AcquireOptions,
    source: &Path,
    folder: &Path,
    progress: &mut dyn FnMut(AcquireProgress),
) -> Result<Acquired> {
    let begun = SystemTime::now();
    let files = SideFiles::of(source)?;
    let mut new_folder = NewFolder::admit(folder, vec![files.clone()])?;
    let folder = &new_folder.path().to_owned();
    let surroundings = match Surroundings::look(&files) {
        // A device that nobody can change has no locks.
        Err(_) if options.source.immutable => Surroundings::default(),
        looked => looked?,
    };
    let halt = Halt::new(Deadline::after(None), options.cancel.clone());
    let mut work = Work { halt: &halt, held: None, progress, done_bytes: 0, total_bytes: 0 };
    let mut taken = wait_for(files.database().path(), options.lock_timeout, || {
        halt.check(files.database().path())?;
        take(options, &files, &mut new_folder, &mut work)
    })?;
    work.held = None;
    taken.found.sync()?;
    let bundle = Folder { folder: new_folder.filling()?.path(), shown: folder };
    for file in &mut taken.found.files {
        let path = bundle.path(file.role.name());
        (file.sha256, _) = bundle.digest(file.role.name(), |bytes| work.step(&path, bytes))?;
    }
    let merged =
        merged_copy::make((&bundle, &new_folder), &options.source, taken.as_found, options.cancel.clone())?;
    let (mut manifest, no_merged_copy) = match merged {
        Ok(manifest) => (manifest, None),
        Err(why) => (no_copy(), Some(why)),
    };
    manifest.begun = begun;
    let mut told = describe(source, (begun, taken, surroundings), facts::header(&bundle)?);
    (told.no_merged_copy, told.opaque) = (no_merged_copy, options.source.opaque.is_some());
    let (manifest, manifest_sha256) = write_down(&new_folder, folder, manifest, told)?;
    new_folder.publish(true)?;
    Ok(Acquired { folder: folder.to_owned(), manifest, manifest_sha256 })
}

/// Holds the files still, and takes them; busy also when they did not stay as they were.
fn take(
    options: &AcquireOptions,
    files: &SideFiles,
    new_folder: &mut NewFolder,
    work: &mut Work<'_>,
) -> Result<Attempt<Taken>> {
    let still = match StillFiles::hold(files, &options.source)? {
        Attempt::Got(still) => still,
        Attempt::Busy(obstacle) => return Ok(Attempt::Busy(obstacle)),
    };
    let (since, from) = (Instant::now(), utc_time::now());
    work.held = Some((since, options.max_hold));
    let shown = new_folder.path().to_owned();
    let filling = new_folder.begin()?;
    let found = found_files::take(&still, files, (filling, &shown), work);
    if !still.stood()? {
        return Ok(Attempt::Busy(Obstacle::Change));
    }
    let found = found?;
    let until = utc_time::now();
    let bundle = Folder { folder: filling.path(), shown: &shown };
    let index_is_live = still.index_is_live();
    let log = facts::log(&bundle, index_is_live)?;
    let (hot, why) = verdict(still.journal());
    if !is_of_one_moment(&found, hot, log.as_ref()) {
        return Ok(Attempt::Busy(Obstacle::Change));
    }
    let held = BundleHold {
        locks: still.lock_names(),
        from,
        until,
        commits_waited: still.holds_commits_up(),
        gate_nanoseconds: found.gate.map(|gate| u64::try_from(gate.as_nanos()).unwrap_or(u64::MAX)),
    };
    let journal = BundleJournal { hot, why: why.to_owned() };
    let as_found = AsFound { rolls_back: hot, index_is_live };
    Ok(Attempt::Got(Taken { found, journal, as_found, log, held }))
}

/// Whether all that counts was the same when it was read again: the database, a hot journal, the log up to its last commit.
fn is_of_one_moment(found: &FoundFiles, hot: bool, log: Option<&BundleLog>) -> bool {
    let whole = |role| found.of_role(role).is_none_or(|file| file.is_unchanged());
    let kept_bytes = log.map_or(0, |log| {
        let frame_bytes = PageSize::new(log.page_size).map_or(0, frame_bytes) as u64;
        frame_bytes.saturating_mul(log.last_frame.into()).saturating_add(WAL_HEADER_BYTES as u64)
    });
    let log_kept =
        found.of_role(FileRole::Log).is_none_or(|file| file.same_bytes >= kept_bytes.min(file.size_bytes));
    whole(FileRole::Database) && (!hot || whole(FileRole::Journal)) && log_kept
}

/// Whether a journal is hot, and why.
fn verdict(journal: Option<JournalState>) -> (bool, &'static str) {
    match journal {
        None => (false, "there is no journal"),
        Some(JournalState::Hot) => (
            true,
            "it begins as one that was synced, and no writer lives: who opens the database next rolls back first",
        ),
        Some(JournalState::Empty) => (false, "it has no bytes, which counts as none"),
        Some(JournalState::Zeroed) => (
            false,
            "its first byte is zero: the transaction ended, or its writer had not changed the database yet",
        ),
        Some(JournalState::OfLiveWriter) => (
            false,
            "its writer lives: somebody held RESERVED or more on the database, which has nothing of that transaction yet; the \
             journal may have been written while it was copied",
        ),
        Some(JournalState::DatabaseEmpty) => (false, "the database is empty: there is nothing to bring back"),
        Some(JournalState::Committed) => (false, "its super-journal is gone: the transaction was committed"),
    }
}

/// The manifest of a copy that there is none of.
fn no_copy() -> Manifest {
    let now = SystemTime::now();
    Manifest {
        page_size: PageSize::DEFAULT,
        page_sums: Vec::new(),
        sha256: sha256(&[]),
        source_stamp: String::new(),
        begun: now,
        ended: now,
        bundle: None,
    }
}

fn describe(
    source: &Path,
    (begun, taken, surroundings): (SystemTime, Taken, Surroundings),
    header: Option<BundleHeader>,
) -> Bundle {
    Bundle {
        tool: format!("litecopy {}", env!("LITECOPY_VERSION")),
        host: host::name(),
        system: host::system(),
        user_id: host::user_id(),
        begun: utc_time::of(begun),
        ended: utc_time::now(),
        source: source.into(),
        // Else it would have been taken again.
        source_unchanged: true,
        files: taken.found.files,
        header,
        journal: taken.journal,
        log: taken.log,
        locks: surroundings.locks,
        opened_by: surroundings.opened_by,
        held: taken.held,
        opaque: false,
        no_merged_copy: None,
        report_sha256: String::new(),
    }
}

/// Writes report, manifest and sums; gives back the manifest and its SHA-256.
fn write_down(
    new_folder: &NewFolder,
    shown: &Path,
    mut manifest: Manifest,
    mut bundle: Bundle,
) -> Result<(Manifest, [u8; 32])> {
    let write = |name: &str, text: &[u8]| -> Result<[u8; 32]> {
        let path = shown.join(name);
        let written = || -> io::Result<()> {
            let mut file = new_folder.filling().map_err(io::Error::other)?.create_file(name, OUR_MODE)?;
            file.write_all(text)?;
            file.sync_all()
        };
        written().map_err(Error::io("write", &path)).map(|()| sha256(text))
    };
    let report = report_text::report(&bundle, &manifest);
    bundle.report_sha256 = hex(&write(REPORT, report.as_bytes())?);
    let mut sums: Vec<(String, &str)> =
        bundle.files.iter().map(|file| (file.sha256.clone(), file.role.name())).collect();
    sums.push((bundle.report_sha256.clone(), REPORT));
    if bundle.no_merged_copy.is_none() {
        sums.push((hex(&manifest.sha256), MERGED));
    }
    manifest.bundle = Some(Box::new(bundle));
    let mut text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| Error::from_io("write", shown.join(MANIFEST), error.into()))?;
    text.push(b'\n');
    let manifest_sha256 = write(MANIFEST, &text)?;
    sums.push((hex(&manifest_sha256), MANIFEST));
    write(SUMS, sums_text(sums).as_bytes())?;
    Ok((manifest, manifest_sha256))
}
