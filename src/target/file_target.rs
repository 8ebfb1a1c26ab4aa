//! A copy in a file, which appears under its name when it is complete and durable, and not before (C4).
//!
//! | step | what could go wrong | what is there then |
//! |---|---|---|
//! | look: target is not the source, not a side file of it, not there (or to be replaced and not in use) | refused | the old state |
//! | temporary file in the same folder, pages written | no space, crash | the old state, after a crash also the temporary file |
//! | synced | device error | the old state |
//! | look again for side files of the target's name; the old file, if any, locked exclusively | refused | the old state |
//! | renamed, in one step with the look whether the name is free | crash | old state or copy |
//! | folder synced | power cut before | old state or copy |

use super::Target;
use super::source_guard::refuse_the_source;
use crate::error::{Error, Problem, Result};
use crate::format::page_number::PageNumber;
use crate::format::page_size::PageSize;
use crate::format::shape::Shape;
use crate::lock::database_lock::{ExclusiveLock, try_exclusive};
use crate::lock::lock_holders;
use crate::os::durable_file::{DurableFile, IfThere};
use crate::os::file_identity::{self, Found};
use crate::os::lock_file::LockFile;
use crate::os::page_cache;
use crate::side_files::SideFiles;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// A new file, or one that replaces an old one, for a copy.
#[derive(Debug)]
pub struct FileTarget {
    /// As the caller named it, for messages.
    path: PathBuf,
    if_there: IfThere,
    like: Option<Metadata>,
    page_size: PageSize,
    file: Option<DurableFile>,
    /// The end of what was ever written to the file: behind it all is zeros without our doing.
    written_bytes: u64,
    /// Whether the system may still have what was written in its cache.
    cached: bool,
}

impl FileTarget {
    /// A file that must not be there yet. Nothing is created before the first page is written.
    #[must_use]
    pub fn create(path: impl Into<PathBuf>) -> Self {
        Self::with(path.into(), IfThere::Refuse)
    }

    /// A file that takes the place of the one that is there, if any; one that is in use is not replaced.
    #[must_use]
    pub fn replace(path: impl Into<PathBuf>) -> Self {
        Self::with(path.into(), IfThere::Replace)
    }

    fn with(path: PathBuf, if_there: IfThere) -> Self {
        Self {
            path,
            if_there,
            like: None,
            page_size: PageSize::DEFAULT,
            file: None,
            written_bytes: 0,
            cached: false,
        }
    }

    fn problem(&self, problem: Problem) -> Error {
        Error::new(&self.path, problem)
    }

    /// Refuses what SQLite would apply to the copy: an empty journal or log counts as none.
    fn refuse_side_files(&self, files: &SideFiles) -> Result<()> {
        for side_file in files.all() {
            match file_identity::look(&side_file).map_err(Error::io("look at", &side_file))? {
                Found::Nothing | Found::File { size_bytes: 0 } => {}
                _ => return Err(self.problem(Problem::SideFileInTheWay { side_file })),
            }
        }
        Ok(())
    }

    /// Refuses what may not be replaced; the old file, if there is one, stays locked as long as the guard lives.
    fn lock_the_old(&self, files: &SideFiles) -> Result<Option<ExclusiveLock>> {
        let path = files.database();
        let found = match file_identity::look(path).map_err(Error::io("look at", &self.path))? {
            Found::Nothing => return Ok(None),
            Found::File { .. } | Found::Other if self.if_there == IfThere::Refuse => {
                return Err(self.problem(Problem::TargetExists));
            }
            Found::File { .. } => None,
            Found::Folder => Some("a folder"),
            Found::Other => Some("a device, a pipe or a link that leads nowhere"),
        };
        if let Some(found) = found {
            return Err(self.problem(Problem::NotAFile { found }));
        }
        let old = LockFile::open_to_write(path).map_err(Error::io("replace", &self.path))?;
        match try_exclusive(old).map_err(Error::io("lock", &self.path))? {
            Some(lock) => Ok(Some(lock)),
            None => {
                let holders = lock_holders(path).unwrap_or_default();
                Err(self.problem(Problem::TargetInUse { holders }))
            }
        }
    }
}

impl Target for FileTarget {
    fn admit(&mut self, source: Option<&Path>) -> Result<()> {
        let files = SideFiles::of_new(&self.path)?;
        if let Some(source) = source {
            refuse_the_source(&self.path, &files, source)?;
            self.like = Some(std::fs::metadata(source).map_err(Error::io("look at", source))?);
        }
        self.lock_the_old(&files)?;
        self.refuse_side_files(&files)
    }

    fn begin(&mut self, shape: Shape) -> Result<()> {
        let files = SideFiles::of_new(&self.path)?;
        // An earlier one goes first, so that two never need the space of both.
        self.file = None;
        let file = DurableFile::create(files.database(), self.like.as_ref())
            .map_err(Error::io("create a temporary file beside it", &self.path))?;
        (self.page_size, self.file, self.written_bytes) = (shape.page_size, Some(file), 0);
        Ok(())
    }

    fn write_pages(&mut self, first: PageNumber, pages: &[u8]) -> Result<()> {
        let Some(file) = &self.file else { return Err(not_begun(&self.path)) };
        let offset = first.offset(self.page_size);
        // Empty pages of a database that has grown need neither time nor space.
        if offset >= self.written_bytes && pages.iter().all(|&byte| byte == 0) {
            return Ok(());
        }
        self.written_bytes = self.written_bytes.max(offset.saturating_add(pages.len() as u64));
        file.write_at(pages, offset).map_err(Error::io("write", &self.path))
    }

    fn seal(&mut self, page_count: u32) -> Result<()> {
        let Some(file) = &self.file else { return Err(not_begun(&self.path)) };
        let size_bytes = u64::from(page_count) * u64::from(self.page_size.bytes());
        file.set_size(size_bytes).map_err(Error::io("set its size", &self.path))?;
        file.sync().map_err(Error::io("sync", &self.path))?;
        self.cached = true;
        Ok(())
    }

    fn publish(&mut self) -> Result<()> {
        let file = self.file.take().ok_or_else(|| not_begun(&self.path))?;
        let files = SideFiles::of_new(&self.path)?;
        let old = self.lock_the_old(&files)?;
        self.refuse_side_files(&files)?;
        let published = file.publish(self.if_there);
        drop(old);
        published.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => self.problem(Problem::TargetExists),
            _ => Error::io("put the copy in its place", &self.path)(error),
        })
    }

    fn read_back(&mut self, first: PageNumber, buffer: &mut [u8]) -> Result<()> {
        let Some(file) = &self.file else { return Err(not_begun(&self.path)) };
        if std::mem::take(&mut self.cached) {
            page_cache::forget(file.as_file());
        }
        file.read_at(buffer, first.offset(self.page_size)).map_err(Error::io("read back", &self.path))
    }

    fn path(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn as_file(&self) -> Option<&File> {
        self.file.as_ref().map(DurableFile::as_file)
    }
}

fn not_begun(path: &Path) -> Error {
    Error::io("write", path)(io::Error::new(
        io::ErrorKind::InvalidInput,
        "the copy has not begun, or is done",
    ))
}
