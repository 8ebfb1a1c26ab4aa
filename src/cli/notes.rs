//! What is worth knowing although nothing failed.

use litecopy::format::database_header::SqliteVersion;
use serde_json::json;

/// Something that whoever keeps the database should know.
pub(crate) struct Note {
    kind: &'static str,
    pub(crate) message: String,
    sqlite_version: String,
}

impl Note {
    /// The SQLite that wrote last can lose what was committed.
    pub(crate) fn wal_reset_fault(version: SqliteVersion) -> Self {
        Self {
            kind: "wal_reset_fault",
            message: format!("the source was {}", wal_reset_words(&version.to_string())),
            sqlite_version: version.to_string(),
        }
    }

    /// For stderr.
    pub(crate) fn text(&self) -> String {
        format!(
            "litecopy: note: {}\n  The copy is right: it holds what the source holds. {WAL_RESET_ADVICE}",
            self.message
        )
    }

    /// The same for a program.
    pub(crate) fn json(&self) -> serde_json::Value {
        json!({
            "event": "note",
            "kind": self.kind,
            "message": self.message,
            "advice": WAL_RESET_ADVICE,
            "sqlite_version": self.sqlite_version,
        })
    }
}

/// What to do about the WAL-reset fault.
pub(crate) const WAL_RESET_ADVICE: &str =
    "Update the SQLite of the application that writes it, to 3.51.3 or later (3.50.7, 3.44.6)";

/// What it means that an SQLite of this version wrote last.
pub(crate) fn wal_reset_words(version: &str) -> String {
    format!(
        "last written by SQLite {version}, which can lose committed pages when a commit resets the log just as a \
         checkpoint begins (the WAL-reset fault)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_says_which_version_what_it_does_and_what_to_do() {
        let note = Note::wal_reset_fault(SqliteVersion(3_050_006));
        let text = note.text();
        for words in ["SQLite 3.50.6", "lose committed pages", "copy is right", "3.51.3"] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert_eq!(text.lines().count(), 2);
        let json = note.json();
        assert_eq!((&json["event"], &json["kind"]), (&"note".into(), &"wal_reset_fault".into()));
        assert_eq!(json["sqlite_version"], "3.50.6");
    }
}
