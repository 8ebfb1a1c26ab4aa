//! Why rows end before their end.

use std::io;

use litecopy::Error;

/// Why rows end before their end.
pub(super) enum Stopped {
    Reading(Error),
    Writing(io::Error),
    /// The header is damaged, and no schema is found: it may be no database at all.
    NoDatabase,
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Reading(error)
    }
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Writing(error)
    }
}
