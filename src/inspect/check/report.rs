//! What is asked of a check, and what it answers.

use crate::walk::FindingKind;
use std::path::PathBuf;

/// What a check looks at, and how much it tells.
///
/// ```
/// use litecopy::inspect::CheckOptions;
///
/// let quick = CheckOptions::new().quick(true);
/// assert_ne!(quick, CheckOptions::default());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "options do nothing by themselves"]
#[non_exhaustive]
pub struct CheckOptions {
    pub(super) quick: bool,
    pub(super) all: bool,
    pub(super) single_thread: bool,
}

impl CheckOptions {
    /// Everything is looked at, and 100 findings are told.
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves out what needs a second look at rows: whether each index entry has its row, and each row its entry, and whether
    /// keys are unique. Entries are counted all the same.
    pub fn quick(mut self, quick: bool) -> Self {
        self.quick = quick;
        self
    }

    /// Tells of every finding, not of the first 100 only.
    pub fn all(mut self, all: bool) -> Self {
        self.all = all;
        self
    }

    /// Makes no second thread. Else the b-trees of a database of some size are gone through by two; what is told is the same.
    pub fn single_thread(mut self, single_thread: bool) -> Self {
        self.single_thread = single_thread;
        self
    }
}

/// After how many pages progress is told.
pub(super) const PROGRESS_PAGES: u32 = 1024;

/// How far a check has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckProgress {
    /// Pages that have been looked at. It begins anew where something is found that has to be told in order.
    pub done: u32,
    /// All pages.
    pub page_count: u32,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CheckReport {
    /// The database.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::json_name::name"))]
    pub path: PathBuf,
    /// The size of a page in bytes.
    pub page_size: u32,
    /// How many pages there are.
    pub page_count: u32,
    /// Which version was asked for: 0 for the file alone, else the commit in the log; `None` for the newest.
    pub as_of: Option<u64>,
    /// Whether no finding is damage, also none that is not told here.
    pub sound: bool,
    /// What was found, damage first.
    pub findings: Vec<Finding>,
    /// Whether more was found than is told here.
    pub cut: bool,
    /// What could not be checked, and why.
    pub not_checked: Vec<String>,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Finding {
    /// What sort of rule it is about.
    pub kind: FindingKind,
    /// How bad it is.
    pub severity: Severity,
    /// The page that has it, if it is about one.
    pub page: Option<u32>,
    /// Where in the page, in bytes, if it is about one place of it.
    pub offset: Option<u32>,
    /// The table or index, if it is about one.
    pub owner: Option<String>,
    /// What it is, in words.
    pub detail: String,
}

/// How bad a finding is. In JSON its name is in small letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
pub enum Severity {
    /// SQLite calls it corrupt, or gives other rows than there are.
    Damage,
    /// SQLite stores and reads it without complaint.
    Note,
}
