//! The affinity of a column: what SQLite makes of a value before it stores it.

/// A column's affinity. [schema.md#affinity](crate::notes::schema#affinity)
///
/// ```
/// use litecopy::schema::Affinity;
///
/// assert_eq!(Affinity::from_declared_type("VARCHAR(10)"), Affinity::Text);
/// assert_eq!(Affinity::from_declared_type("FLOATING POINT"), Affinity::Integer); // it has INT in it
/// assert_eq!(Affinity::from_declared_type(""), Affinity::Blob);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
pub enum Affinity {
    /// Values stay as they are.
    Blob,
    /// Numbers become text.
    Text,
    /// Text that is a number becomes one.
    Numeric,
    /// As numeric.
    Integer,
    /// As numeric, and integers are read as reals; a whole number may be stored as an integer all the same.
    Real,
}

impl Affinity {
    /// The affinity that SQLite derives from a declared type, by the first rule that fits: `INT` in it, then `CHAR`, `CLOB`
    /// or `TEXT`, then `BLOB` or no type, then `REAL`, `FLOA` or `DOUB`.
    #[must_use]
    pub fn from_declared_type(declared_type: &str) -> Self {
        let name = declared_type.to_ascii_uppercase();
        let has = |part: &str| name.contains(part);
        if has("INT") {
            Self::Integer
        } else if has("CHAR") || has("CLOB") || has("TEXT") {
            Self::Text
        } else if has("BLOB") || name.is_empty() {
            Self::Blob
        } else if has("REAL") || has("FLOA") || has("DOUB") {
            Self::Real
        } else {
            Self::Numeric
        }
    }
}
