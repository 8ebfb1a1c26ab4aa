//! The collating sequence of a column: how SQLite compares its text.

use std::fmt;

/// A collating sequence, by name. [schema.md#collations](crate::notes::schema#collations)
///
/// ```
/// use litecopy::schema::Collation;
///
/// assert_eq!(Collation::from_name("nocase"), Collation::NoCase);
/// assert_eq!(Collation::default(), Collation::Binary);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Collation {
    /// `BINARY`: byte by byte.
    #[default]
    Binary,
    /// `NOCASE`: the 26 letters of ASCII without their case.
    NoCase,
    /// `RTRIM`: spaces at the end do not count.
    Rtrim,
    /// One that an application brings; only that application knows its order.
    Other(String),
}

impl Collation {
    /// The collating sequence of this name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        let known = [("BINARY", Self::Binary), ("NOCASE", Self::NoCase), ("RTRIM", Self::Rtrim)];
        let found = known.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or_else(|| Self::Other(name.to_ascii_uppercase()), |(_, collation)| collation)
    }

    /// Its name, in capitals.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Binary => "BINARY",
            Self::NoCase => "NOCASE",
            Self::Rtrim => "RTRIM",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Collation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
