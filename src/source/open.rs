//! Opens a source by what it comes from.

use super::origin::{Kind, Origin};
use super::source_database::Source;
use super::source_options::SourceOptions;
use crate::error::Result;

impl Source {
    /// A database by its path, a member of a set, or bytes, which are believed to be of one moment; for other options than the
    /// defaults, see [`SourceOptions::open`]. A file is opened to see that it can be read; nothing is locked.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound), [`NotAFile`](crate::ErrorKind::NotAFile),
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied), [`Io`](crate::ErrorKind::Io).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// let mut source = litecopy::Source::open("app.db")?;
    /// let stamp = source.stamp()?;
    /// # Ok::<(), litecopy::Error>(())
    /// ```
    pub fn open(origin: impl Into<Origin>) -> Result<Self> {
        SourceOptions::new().open(origin)
    }
}

impl SourceOptions {
    /// Opens a source that is read so. One that is open already stays as it was opened.
    ///
    /// # Errors
    ///
    /// As [`Source::open`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// let evidence = litecopy::SourceOptions::new().immutable(true).open("image/app.db")?;
    /// litecopy::CopyOptions::new().copy(evidence, "app.db")?;
    /// # Ok::<(), litecopy::Error>(())
    /// ```
    pub fn open(&self, origin: impl Into<Origin>) -> Result<Source> {
        match origin.into().0 {
            Kind::Path(path) => Source::from_path(&path, self),
            Kind::Bytes(bytes) => Ok(Source::from_bytes(bytes, self)),
            Kind::Open(source) => Ok(*source),
        }
    }
}
