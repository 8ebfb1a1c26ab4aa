//! A database that is attached to a set by `NAME=PATH`.

use std::path::PathBuf;

/// A database that is attached, and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attached {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// `NAME=PATH`; the name ends at the first `=`.
pub(crate) fn attached(words: &str) -> Result<Attached, String> {
    match words.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => {
            Ok(Attached { name: name.to_owned(), path: path.into() })
        }
        _ => Err("a database is attached by NAME=PATH".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_attached_has_a_name_and_a_path() {
        let of = |name: &str, path: &str| Ok(Attached { name: name.to_owned(), path: path.into() });
        assert_eq!(attached("logs=a/b.db"), of("logs", "a/b.db"));
        assert_eq!(attached("a=b=c"), of("a", "b=c"));
        for wrong in ["", "logs", "=a.db", "logs="] {
            assert!(attached(wrong).is_err(), "{wrong}");
        }
    }
}
