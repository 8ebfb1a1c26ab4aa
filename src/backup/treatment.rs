//! What is done to the pages of a copy on their way, beyond moving them.

use crate::format::PageOneEdit;
use crate::format::database_header::SqliteVersion;

/// How the header of a copy compares with that of its source.
///
/// # Examples
///
/// ```no_run
/// use litecopy::{CopyOptions, Fidelity};
///
/// CopyOptions::new().fidelity(Fidelity::Api).copy("app.db", "as-sqlite-would.db")?;
/// # Ok::<(), litecopy::Error>(())
/// ```
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Treatment {
    pub(super) fidelity: Fidelity,
    pub(super) skip_free: bool,
    pub(super) scrub: bool,
    pub(super) verify: bool,
    pub(super) manifest: bool,
}

impl Treatment {
    /// Whether there may be pages of which nothing is copied.
    pub(super) fn leaves_out(self) -> bool {
        self.skip_free || self.scrub
    }

    /// Whether the sum of each page is kept, and compared.
    pub(super) fn compares(self) -> bool {
        self.verify || self.manifest
    }
}
