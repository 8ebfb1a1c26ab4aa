//! How a source is to be read.

use crate::limits::Limits;

/// How a [`Source`](crate::Source) is to be read; the defaults are those of [`Source::open`](crate::Source::open).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "options do nothing by themselves"]
#[non_exhaustive]
pub struct SourceOptions {
    pub(crate) limits: Limits,
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
}
