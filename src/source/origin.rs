//! Where a database to be copied comes from.

use super::database_set::SetMember;
use super::source_bytes::SourceBytes;
use super::source_database::Source;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where a database to be copied comes from: a path, a member of a set, bytes, or a [`Source`] that is open already.
///
/// Nobody needs to name it: what takes one takes whatever can be turned into one.
///
/// # Examples
///
/// ```no_run
/// use litecopy::{CopyOptions, DatabaseSet, Source, SourceBytes};
///
/// let options = CopyOptions::new();
/// options.copy("app.db", "from-a-path.db")?;
/// let set = DatabaseSet::open("app.db")?.attach("logs", "logs.db")?;
/// options.copy(set.member("logs")?, "from-a-set.db")?;
/// let image = std::fs::read("resting.db").unwrap_or_default();
/// options.copy(SourceBytes { database: image, ..SourceBytes::default() }, "from-bytes.db")?;
/// options.copy(Source::open("app.db")?, "from-a-source.db")?;
/// # Ok::<(), litecopy::Error>(())
/// ```
#[derive(Debug)]
pub struct Origin(pub(super) Kind);

#[derive(Debug)]
pub(super) enum Kind {
    Path(PathBuf),
    Bytes(SourceBytes),
    Open(Box<Source>),
}

impl<P: AsRef<Path> + ?Sized> From<&P> for Origin {
    fn from(path: &P) -> Self {
        Self(Kind::Path(path.as_ref().to_owned()))
    }
}

impl From<PathBuf> for Origin {
    fn from(path: PathBuf) -> Self {
        Self(Kind::Path(path))
    }
}

impl From<String> for Origin {
    fn from(path: String) -> Self {
        Self(Kind::Path(path.into()))
    }
}

impl From<OsString> for Origin {
    fn from(path: OsString) -> Self {
        Self(Kind::Path(path.into()))
    }
}

impl From<SetMember<'_>> for Origin {
    fn from(member: SetMember<'_>) -> Self {
        Self(Kind::Path(member.path().to_owned()))
    }
}

impl From<SourceBytes> for Origin {
    fn from(bytes: SourceBytes) -> Self {
        Self(Kind::Bytes(bytes))
    }
}

impl From<Source> for Origin {
    fn from(source: Source) -> Self {
        Self(Kind::Open(Box::new(source)))
    }
}
