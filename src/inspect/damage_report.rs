//! Something that is wrong with a file, as reports tell it.

use std::path::PathBuf;

/// Something that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DamageReport {
    /// Which file.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::json_name::name"))]
    pub path: PathBuf,
    /// What, where, and the value found.
    pub message: String,
}
