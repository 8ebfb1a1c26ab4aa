//! Copies that belong together in a new folder, which appears when all of them are complete and durable (C4).
//!
//! | step | what could go wrong | what is there then |
//! |---|---|---|
//! | look: nothing is under the folder's name, which is none of a side file; the files' names agree with each other | refused | the old state |
//! | temporary folder beside it, a [`NewFile`] in it for each copy | no space, crash | the old state, after a crash also the temporary folder |
//! | each file synced and given its name in there | device error | as before |
//! | temporary folder synced, renamed, its own folder synced | crash, power cut | old state or all the copies |

use super::internals::{FileOptions, Internals};
use super::new_file::NewFile;
use super::new_folder::{NewFolder, not_begun};
use super::target::Target;
use crate::error::{Error, Problem, Result};
use crate::format::page_number::PageNumber;
use crate::format::shape::Shape;
use crate::side_files::{SUFFIXES, SideFiles};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A new folder for the copies of several sources, each under the file name of its source.
#[derive(Debug)]
pub(crate) struct FolderTarget {
    folder: NewFolder,
    options: FileOptions,
    /// In the order of the sources; none before it has begun.
    files: Vec<NewFile>,
}

impl FolderTarget {
    /// Looks at the paths of the sources, links resolved, before anything is read. A folder is never replaced.
    pub(crate) fn admit(path: &Path, sources: Vec<SideFiles>, options: FileOptions) -> Result<Self> {
        let options = FileOptions { replace: false, in_place: false, refresh: false, ..options };
        refuse_conflicts(&sources)?;
        Ok(Self { folder: NewFolder::admit(path, sources)?, options, files: Vec::new() })
    }

    /// Makes the temporary folder, empty; whatever was written before is void.
    pub(crate) fn begin(&mut self) -> Result<()> {
        self.folder.void();
        self.files.clear();
        let within = self.folder.begin()?.path().to_owned();
        let mut targets = Vec::new();
        for (place, source) in self.folder.sources().iter().enumerate() {
            let mut target = NewFile::new(within.join(file_name(source)), self.options).within_folder();
            target.admit(Some(source)).map_err(|error| error.renamed(&self.shown(place)))?;
            targets.push(target);
        }
        self.files = targets;
        Ok(())
    }

    /// The target in the folder for the copy of the source of that place.
    pub(crate) fn file(&mut self, place: usize) -> Result<InFolder<'_>> {
        let shown = self.shown(place);
        match self.files.get_mut(place) {
            Some(target) => Ok(InFolder { target, shown }),
            None => Err(not_begun(self.folder.path())),
        }
    }

    /// Makes the folder be there with all its files, each of them published in it.
    pub(crate) fn publish(&mut self) -> Result<()> {
        self.folder.publish(self.options.sync)?;
        self.files.clear();
        Ok(())
    }

    /// Where the copy of the source of that place will be, as the caller would name it.
    fn shown(&self, place: usize) -> PathBuf {
        self.folder.path().join(self.folder.sources().get(place).map(file_name).unwrap_or_default())
    }
}

/// Refuses names that are one, or of which one is a side file's of the other.
fn refuse_conflicts(sources: &[SideFiles]) -> Result<()> {
    let names: Vec<&OsStr> = sources.iter().map(file_name).collect();
    for (source, name) in sources.iter().zip(&names) {
        for (other, other_name) in sources.iter().zip(&names) {
            let side_file = |suffix| {
                let mut side_file = OsString::from(other_name);
                side_file.push(suffix);
                side_file
            };
            let (source, other) = (source.database(), other.database());
            let same = source != other && name == other_name;
            if same || SUFFIXES.iter().any(|suffix| *name == side_file(suffix)) {
                let other = other.path().to_owned();
                return Err(Error::new(source.path(), Problem::FileNameConflict { other }));
            }
        }
    }
    Ok(())
}

/// A file of the folder, whose errors name the place where it will be.
#[derive(Debug)]
pub(crate) struct InFolder<'f> {
    target: &'f mut NewFile,
    shown: PathBuf,
}

impl InFolder<'_> {
    /// Gives the sealed file its name in the folder.
    pub(crate) fn show(&mut self) -> Result<()> {
        self.target.show().map_err(|error| error.renamed(&self.shown))
    }
}

impl Target for InFolder<'_> {
    type Output = ();

    fn begin(&mut self, shape: Shape) -> Result<()> {
        self.target.begin(shape).map_err(|error| error.renamed(&self.shown))
    }

    fn write_pages(&mut self, first: PageNumber, pages: &[u8]) -> Result<()> {
        self.target.write_pages(first, pages).map_err(|error| error.renamed(&self.shown))
    }

    fn publish(mut self, _page_count: u32) -> Result<()> {
        self.show()
    }

    fn seal(&mut self, page_count: u32) -> Result<()> {
        self.target.seal(page_count).map_err(|error| error.renamed(&self.shown))
    }

    fn read_back(&mut self, first: PageNumber, buffer: &mut [u8]) -> Result<()> {
        self.target.read_back(first, buffer).map_err(|error| error.renamed(&self.shown))
    }

    fn path(&self) -> Option<&Path> {
        Some(&self.shown)
    }

    fn internals(&mut self) -> Option<&mut dyn Internals> {
        Some(self)
    }
}

impl Internals for InFolder<'_> {
    fn written_bytes(&self) -> Option<u64> {
        self.target.written_bytes()
    }

    fn take_pages(&mut self, first: PageNumber, count: u32, file: &File, offset: u64) -> Result<bool> {
        self.target.take_pages(first, count, file, offset).map_err(|error| error.renamed(&self.shown))
    }
}

fn file_name(source: &SideFiles) -> &OsStr {
    source.database().path().file_name().unwrap_or_default()
}
