//! A new folder, filled under a temporary name, that appears under its own when all that belongs there is in it (C4).

#[cfg(feature = "evidence")]
use super::internals::FileOptions;
#[cfg(feature = "evidence")]
use super::new_file::NewFile;
use super::old_database::{confirm_place, refuse_a_turned_name};
use super::source_guard::refuse_the_source;
use crate::error::{Error, Problem, Result};
use crate::os::durable_folder::DurableFolder;
use crate::os::file_identity::Found;
use crate::side_files::SideFiles;
use std::io;
use std::path::{Path, PathBuf};

/// A folder that is not there yet. Dropped before it is published, it leaves nothing.
#[derive(Debug)]
pub(crate) struct NewFolder {
    /// As the caller named it, but for a separator at the end; for messages too.
    path: PathBuf,
    sources: Vec<SideFiles>,
    filling: Option<DurableFolder>,
}

impl NewFolder {
    /// Looks, before anything is read, whether a folder for what is made of these sources may appear at `path`. One that is there is
    /// never replaced.
    pub(crate) fn admit(path: &Path, sources: Vec<SideFiles>) -> Result<Self> {
        // A separator at the end, which says that it is a folder, is no part of its name.
        let folder = Self { path: path.components().collect(), sources, filling: None };
        folder.refuse_what_is_there()?;
        Ok(folder)
    }

    /// Makes the temporary folder, empty; whatever was in an earlier one is void.
    pub(crate) fn begin(&mut self) -> Result<&DurableFolder> {
        // An earlier one goes first, so that two never need the space of both.
        self.filling = None;
        let files = SideFiles::of_target(&self.path)?;
        let folder = DurableFolder::create(files.database())
            .map_err(Error::io("create a temporary folder beside it", &self.path))?;
        Ok(self.filling.insert(folder))
    }

    /// As the caller named it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder, under its temporary name.
    #[cfg(feature = "evidence")]
    pub(crate) fn filling(&self) -> Result<&DurableFolder> {
        self.filling.as_ref().ok_or_else(|| not_begun(&self.path))
    }

    /// A copy in the folder, under that name, of the database with the other name in it, whose permissions it gets.
    #[cfg(feature = "evidence")]
    pub(crate) fn copy(&self, name: &str, source: &str) -> Result<NewFile> {
        let folder = self.filling()?.path();
        let mut target = NewFile::new(folder.join(name), FileOptions::default()).within_folder();
        target.admit(Some(&SideFiles::of(&folder.join(source))?))?;
        Ok(target)
    }

    /// Where its files come from.
    pub(super) fn sources(&self) -> &[SideFiles] {
        &self.sources
    }

    /// Lets go of the temporary folder, with what is in it.
    pub(super) fn void(&mut self) {
        self.filling = None;
    }

    /// Makes the folder be there with all its files, each of them under its name in it.
    pub(crate) fn publish(&mut self, sync: bool) -> Result<()> {
        let Some(folder) = self.filling.take() else { return Err(not_begun(&self.path)) };
        let begun_at = SideFiles::of_place(folder.place().clone());
        refuse_a_turned_name(&self.path, &begun_at)?;
        self.refuse_what_is_there()?;
        let folder = folder.publish(sync).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists
            | io::ErrorKind::DirectoryNotEmpty
            | io::ErrorKind::NotADirectory => Error::new(&self.path, Problem::FolderExists),
            _ => Error::io("put the folder in its place", &self.path)(error),
        })?;
        let synced = folder.finish().map_err(Error::io("sync the folder of the finished copies", &self.path));
        synced.map_err(Error::in_doubt)?;
        confirm_place(&self.path, &begun_at, None)
    }

    fn refuse_what_is_there(&self) -> Result<()> {
        let files = SideFiles::of_target(&self.path)?;
        for source in &self.sources {
            refuse_the_source(&self.path, &files, source)?;
        }
        match files.database().look().map_err(Error::io("look at it", &self.path))? {
            Found::Nothing => Ok(()),
            _ => Err(Error::new(&self.path, Problem::FolderExists)),
        }
    }
}

/// The error for what is written before it has begun.
pub(super) fn not_begun(path: &Path) -> Error {
    Error::io("write", path)(io::Error::new(io::ErrorKind::InvalidInput, "it has not begun, or is done"))
}
