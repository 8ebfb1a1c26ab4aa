//! A copy under a path: a new file, or what is there already written over, as the options say.

use super::in_place_target::InPlaceTarget;
use super::internals::{FileOptions, Internals};
use super::new_file::NewFile;
use super::target::{PageOrder, Target};
use crate::attempt::Attempt;
use crate::error::{Error, Result};
use crate::format::page_number::PageNumber;
use crate::format::shape::Shape;
use crate::side_files::SideFiles;
use std::io;
use std::path::{Path, PathBuf};

/// A file for a copy. How it comes to be is said by [`CopyOptions`](crate::CopyOptions):
/// [`replace`](crate::CopyOptions::replace), [`in_place`](crate::CopyOptions::in_place),
/// [`refresh`](crate::CopyOptions::refresh), [`sync`](crate::CopyOptions::sync).
///
/// # Examples
///
/// ```no_run
/// use litecopy::{CopyOptions, FileTarget};
/// use std::ops::ControlFlow;
///
/// let target = FileTarget::new("backup.db");
/// CopyOptions::new().replace(true).begin("app.db", target)?.run(|progress| {
///     println!("{} pages left", progress.remaining);
///     ControlFlow::Continue(())
/// })?;
/// # Ok::<(), litecopy::Error>(())
/// ```
#[derive(Debug)]
pub struct FileTarget {
    path: PathBuf,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// Nobody has said yet how.
    Unsaid,
    New(Box<NewFile>),
    InPlace(Box<InPlaceTarget>),
}

impl FileTarget {
    /// A copy at `path`. Nothing is looked at or created yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), kind: Kind::Unsaid }
    }

    fn chosen(&mut self) -> Result<&mut dyn Target<Output = ()>> {
        match &mut self.kind {
            Kind::New(target) => Ok(&mut **target),
            Kind::InPlace(target) => Ok(&mut **target),
            Kind::Unsaid => Err(unsaid(&self.path)),
        }
    }
}

impl Target for FileTarget {
    type Output = ();

    fn begin(&mut self, shape: Shape) -> Result<()> {
        if matches!(self.kind, Kind::Unsaid) {
            // Used by a target of somebody's own: then it is a new file.
            self.admit(FileOptions::default(), None)?;
        }
        self.chosen()?.begin(shape)
    }

    fn write_pages(&mut self, first: PageNumber, pages: &[u8]) -> Result<()> {
        self.chosen()?.write_pages(first, pages)
    }

    fn publish(self, page_count: u32) -> Result<()> {
        match self.kind {
            Kind::New(target) => target.publish(page_count),
            Kind::InPlace(target) => target.publish(page_count),
            Kind::Unsaid => Err(unsaid(&self.path)),
        }
    }

    fn lock(&mut self) -> Result<Attempt<()>> {
        self.chosen()?.lock()
    }

    fn seal(&mut self, page_count: u32) -> Result<()> {
        self.chosen()?.seal(page_count)
    }

    fn read_back(&mut self, first: PageNumber, buffer: &mut [u8]) -> Result<()> {
        self.chosen()?.read_back(first, buffer)
    }

    fn order(&self) -> PageOrder {
        PageOrder::Any
    }

    fn path(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn internals(&mut self) -> Option<&mut dyn Internals> {
        if matches!(self.kind, Kind::Unsaid) { Some(self) } else { self.chosen().ok()?.internals() }
    }
}

/// Only to be told how: from then on the chosen one answers.
impl Internals for FileTarget {
    fn admit(&mut self, options: FileOptions, source: Option<&SideFiles>) -> Result<()> {
        let FileOptions { replace, in_place, refresh, .. } = options;
        let is_in_place = (in_place || (refresh && !replace)) && self.path.exists();
        self.kind = if is_in_place {
            let mut target = InPlaceTarget::new(&self.path).exact(refresh);
            target.admit(source)?;
            Kind::InPlace(Box::new(target))
        } else {
            let mut target = NewFile::new(&self.path, options);
            target.admit(source)?;
            Kind::New(Box::new(target))
        };
        Ok(())
    }
}

fn unsaid(path: &Path) -> Error {
    let unsaid = io::Error::new(io::ErrorKind::InvalidInput, "it has not begun");
    Error::from_io("write", path, unsaid)
}
