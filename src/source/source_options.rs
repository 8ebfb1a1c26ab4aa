//! How a source is to be read.

use crate::format::PageSize;
use crate::limits::Limits;
use crate::lock::LockStyle;

/// How a [`Source`](crate::Source) is to be read; the defaults are those of [`Source::open`](crate::Source::open).
///
/// ```no_run
/// use litecopy::{CopyOptions, Limits, SourceOptions};
///
/// # fn main() -> litecopy::Result<()> {
/// let source = SourceOptions::new().immutable(true).limits(Limits::untrusted()).open("evidence.db")?;
/// CopyOptions::new().copy(source, "copy.db")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "options do nothing by themselves"]
#[non_exhaustive]
pub struct SourceOptions {
    pub(crate) limits: Limits,
    pub(crate) lock_style: LockStyle,
    pub(crate) immutable: bool,
    pub(crate) opaque: Option<Opaque>,
    pub(crate) as_of: Option<u64>,
    pub(crate) alone: bool,
    pub(crate) as_found: Option<AsFound>,
    /// Whether what is read has to be a version that was committed, as for a copy; who only looks may see the file as it is.
    pub(crate) committed: bool,
}

/// What was decided about the files of a database where they were found, of which these are copies: nobody can be asked any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AsFound {
    /// Whether the journal was hot.
    pub(crate) rolls_back: bool,
    /// Whether somebody alive kept the wal-index: what it says of the log counts.
    pub(crate) index_is_live: bool,
}

/// A database whose pages cannot be read, only copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opaque {
    /// `None`: as the log says.
    pub(crate) page_size: Option<PageSize>,
    /// Whether the file must be a whole number of pages. Of a database with a wrong header, as much as there is is looked at.
    pub(crate) must_divide: bool,
}

impl SourceOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the files may make us do.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// By what kind of lock others are kept from writing meanwhile; it must be the one that they use.
    pub fn lock_style(mut self, style: LockStyle) -> Self {
        self.lock_style = style;
        self
    }

    /// Whether nobody can change the files: an evidence image, a file system snapshot, read-only media. No lock is taken
    /// then, and nothing is checked at the end. A block device is read only so.
    ///
    /// Unlike with SQLite's `immutable=1`, a hot journal and a log count: what is seen is what SQLite would recover.
    pub fn immutable(mut self, immutable: bool) -> Self {
        self.immutable = immutable;
        self
    }

    /// The version to read: 0 is the database file alone, with neither log nor journal laid over it, 1 and more the state
    /// after that many of the commits that are valid in the log. `None`, the default: the newest, as SQLite sees it.
    /// Reports show the file alone as it is; a copy of it is only made where it is what was there before the log began.
    ///
    /// A version counts from the last time that the log was begun anew. Of one before the newest, pages that later commits
    /// changed are read from the database file; where a checkpoint has brought such a commit there, the version is gone
    /// ([`VersionGone`](crate::ErrorKind::VersionGone)), and one past the last commit was never there
    /// ([`NoSuchVersion`](crate::ErrorKind::NoSuchVersion), which says how many there are).
    /// `[wal.md#versions-in-a-log]`
    ///
    /// ```no_run
    /// use litecopy::{CopyOptions, SourceOptions};
    ///
    /// let before = SourceOptions::new().as_of(Some(3));
    /// CopyOptions::new().source(before).copy("app.db", "after-the-third-commit.db")?;
    /// # Ok::<(), litecopy::Error>(())
    /// ```
    pub fn as_of(mut self, version: Option<u64>) -> Self {
        self.as_of = version;
        self
    }

    /// Whether nobody writes the database under another name: a hard link, a bind mount, a name that it had before. A
    /// process that has it open in WAL mode, without a wal-index beside this name, is refused otherwise
    /// ([`LogElsewhere`](crate::ErrorKind::LogElsewhere)): what it commits would not be seen, and what it checkpoints would tear
    /// the copy.
    pub fn alone(mut self, alone: bool) -> Self {
        self.alone = alone;
        self
    }

    /// Copies a database whose pages are encrypted, header and all, as it is. Its page size cannot be read then: it is
    /// `page_size`, or what the log says, if there is one.
    pub fn opaque(mut self, page_size: Option<PageSize>) -> Self {
        self.opaque = Some(Opaque { page_size, must_divide: true });
        self
    }
}
