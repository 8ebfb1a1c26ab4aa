//! What is worth knowing of a source although its copy is right.

use crate::os::mounts::Detour;

/// What whoever keeps a database should know of it. All zero: nothing.
///
/// ```no_run
/// use litecopy::copy_database;
///
/// # fn main() -> litecopy::Result<()> {
/// let report = copy_database("app.db", "backup.db")?;
/// if report.source_notes.other_links > 0 {
///     eprintln!("app.db has other names: are its users in WAL mode under one of them?");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SourceNotes {
    /// How many frames of the log have no checksum. Its users see them; a crash would lose them, and all that was committed
    /// since. A checkpoint brings them to safety. SQLite up to 3.50.1 leaves such frames (`[wal.md#frames-without-checksums]`).
    pub unsummed_frames: u32,
    /// How many names the file has beside this one. A log or a journal that lies beside another of them is not seen.
    pub other_links: u64,
    /// By what way other than its folder the file is reached; what lies beside it where its users see it is not seen.
    pub detour: Option<FileDetour>,
    /// The system gave no locks of an open file, so that they are those of the process: if something else in it has the database open and
    /// closes it, they are gone.
    pub process_locks: bool,
    /// Bytes behind the last whole page. Where the header counts the page that they begin, what is missing of it reads as zeros, as with
    /// SQLite; else they are no part of the database.
    pub trailing_bytes: u32,
}

/// How a file can be reached so that other files beside it are not those that its users see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum FileDetour {
    /// It is mounted alone, without the folder that it lies in elsewhere.
    SingleFileMount,
    /// It lies in a folder that is a layer of an overlay; its users see it through the overlay.
    OverlayLayer,
}

impl From<Detour> for FileDetour {
    fn from(detour: Detour) -> Self {
        match detour {
            Detour::SingleFileMount => Self::SingleFileMount,
            Detour::OverlayLayer => Self::OverlayLayer,
        }
    }
}
