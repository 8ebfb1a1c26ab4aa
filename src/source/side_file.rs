//! A log or a journal as it is, to be looked at, whether SQLite would heed it or not.

use crate::error::{Error, Result};
use crate::os::place::{Access, Place};
use crate::os::random_access::{ReadAt, read_padded};
use std::io;
use std::path::PathBuf;

/// A side file, open.
pub(crate) struct SideFile {
    file: Box<dyn ReadAt>,
    path: PathBuf,
}

impl SideFile {
    /// `None` where there is none.
    pub(super) fn open(place: &Place) -> Result<Option<Self>> {
        let path = place.path().to_owned();
        match place.open(Access::Read) {
            Ok((file, _)) => Ok(Some(Self { file: Box::new(file), path })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("open", &path)(error)),
        }
    }

    /// One that is made of bytes.
    pub(super) fn from_bytes(file: impl ReadAt + 'static, path: PathBuf) -> Self {
        Self { file: Box::new(file), path }
    }

    pub(crate) fn size_bytes(&self) -> Result<u64> {
        self.file.size_bytes().map_err(Error::io("look at it", &self.path))
    }

    /// Reads from `offset` on; behind the end it reads as zeros.
    pub(crate) fn read(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        read_padded(self.file.as_ref(), buffer, offset).map_err(Error::io("read", &self.path))?;
        Ok(())
    }
}
