//! What is done to the pages of a copy on their way, beyond moving them.

use crate::format::PageOneEdit;
use crate::format::database_header::SqliteVersion;

/// How the header of a copy compares with that of its source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fidelity {
    /// As it is in the source: the copy is the logical image of the source, byte for byte.
    #[default]
    Exact,
    /// As SQLite's online backup makes it in a new file: change counter and schema cookie begin anew, the page count is
    /// filled in, and an empty source gives a database of one page. The number of the SQLite that wrote last stays the
    /// source's (`[treatments.md#what-the-online-backup-edits]`).
    Api,
    /// The same, with the number of this version, as that SQLite's online backup makes it: byte for byte.
    ApiOf(SqliteVersion),
}

impl Fidelity {
    /// What is edited on page 1, if anything.
    pub(super) fn edit(self) -> Option<PageOneEdit> {
        match self {
            Self::Exact => None,
            Self::Api => Some(PageOneEdit::over(None)),
            Self::ApiOf(version) => {
                Some(PageOneEdit { sqlite_version: Some(version), ..PageOneEdit::over(None) })
            }
        }
    }
}

/// What is done to the pages of a copy on their way; by default nothing.
///
/// ```no_run
/// use litecopy::{CopyOptions, Treatment};
///
/// let treatment = Treatment::new().scrub(true).verify(true);
/// CopyOptions::new().treatment(treatment).copy("app.db", "to-publish.db")?;
/// # Ok::<(), litecopy::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "a treatment does nothing by itself"]
pub struct Treatment {
    pub(super) fidelity: Fidelity,
    pub(super) skip_free: bool,
    pub(super) scrub: bool,
    pub(super) verify: bool,
    pub(super) manifest: bool,
}

impl Treatment {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// How the header of the copy compares with that of its source.
    pub fn fidelity(mut self, fidelity: Fidelity) -> Self {
        self.fidelity = fidelity;
        self
    }

    /// Whether free pages are left out: they are neither read nor written, and are zeros in the copy (holes, where the
    /// file system has them). It takes one bit of memory a page.
    ///
    /// The freelist is believed, as SQLite believes it; one that cannot be (a loop, a page that there is not) is
    /// [`Damaged`](crate::ErrorKind::Damaged). A database that is copied as opaque has no freelist that could be read.
    pub fn skip_free(mut self, skip_free: bool) -> Self {
        self.skip_free = skip_free;
        self
    }

    /// Whether nothing that was deleted is left in the copy: free pages are left out, and the unused bytes of all other
    /// pages are zeros, as are pages that belong to nothing. The content stays the same.
    ///
    /// For this all b-trees are walked before the first page is copied, and one that cannot be walked is
    /// [`Damaged`](crate::ErrorKind::Damaged). It takes up to three bits of memory a page and 8 bytes for each overflow
    /// chain.
    pub fn scrub(mut self, scrub: bool) -> Self {
        self.scrub = scrub;
        self
    }

    /// Whether the copy is read back from its device before it is shown, and each page compared with what was read of
    /// the source, by its CRC32. It takes 4 bytes of memory a page.
    ///
    /// A difference is [`NotAsWritten`](crate::ErrorKind::NotAsWritten), and there is no copy then.
    pub fn verify(mut self, verify: bool) -> Self {
        self.verify = verify;
        self
    }

    /// Whether there may be pages of which nothing is copied.
    pub(super) fn leaves_out(self) -> bool {
        self.skip_free || self.scrub
    }

    /// Whether a [`Manifest`](crate::Manifest) of the copy is made, which [`Backup::manifest`](crate::Backup::manifest) gives when
    /// it is done. For that it is read back as by [`verify`](Self::verify), but for a
    /// [refresh by the manifest of the last time](crate::CopyOptions::refresh_with_manifest).
    #[cfg(feature = "manifest")]
    pub fn manifest(mut self, manifest: bool) -> Self {
        self.manifest = manifest;
        self
    }

    /// Whether the sum of each page is kept, and compared.
    pub(super) fn compares(self) -> bool {
        self.verify || self.manifest
    }
}
