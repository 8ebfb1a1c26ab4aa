//! What is worth knowing although nothing failed.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use litecopy::format::database_header::SqliteVersion;
use serde_json::json;

use super::printable::printable;

/// Something that whoever keeps the database should know.
pub(crate) struct Note {
    kind: &'static str,
    /// Of which database of a set.
    name: Option<String>,
    pub(crate) message: String,
    advice: &'static str,
    /// Under what name it is told to programs, and its value.
    cause: (&'static str, String),
}

impl Note {
    /// The SQLite that wrote last can lose what was committed.
    pub(crate) fn wal_reset_fault(version: SqliteVersion) -> Self {
        Self {
            kind: "wal_reset_fault",
            name: None,
            message: format!("the source was {}", wal_reset_words(&version.to_string())),
            advice: WAL_RESET_ADVICE,
            cause: ("sqlite_version", version.to_string()),
        }
    }

    /// The source lies where locks may not be what they seem.
    pub(crate) fn network(file_system: &str) -> Self {
        Self {
            kind: "network_file_system",
            name: None,
            message: format!(
                "the source is on a network file system ({file_system}), whose locks may not reach programs on other hosts"
            ),
            advice: "Copy it on the host that writes it",
            cause: ("file_system", file_system.to_owned()),
        }
    }

    /// The same, said of the database of that name in a set.
    pub(crate) fn of(self, name: Option<String>) -> Self {
        Self { name, ..self }
    }

    /// Whether this process has not said it yet, of this database or of another. From now on it has.
    pub(crate) fn is_new(&self) -> bool {
        static SAID: Mutex<BTreeSet<(&str, String)>> = Mutex::new(BTreeSet::new());
        let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
        said.insert((self.kind, self.cause.1.clone()))
    }

    /// For stderr.
    pub(crate) fn text(&self) -> String {
        let reassurance = if self.kind == "wal_reset_fault" {
            "The copy is right: it holds what the source holds. "
        } else {
            ""
        };
        let of = self.name.as_ref().map(|name| format!("{}: ", printable(name))).unwrap_or_default();
        format!("litecopy: note: {of}{}\n  {reassurance}{}", self.message, self.advice)
    }

    /// The same for a program.
    pub(crate) fn json(&self) -> serde_json::Value {
        let mut note = json!({
            "event": "note",
            "kind": self.kind,
            "message": self.message,
            "advice": self.advice,
        });
        if let Some(members) = note.as_object_mut() {
            members.insert(self.cause.0.to_owned(), self.cause.1.clone().into());
            if let Some(name) = &self.name {
                members.insert("name".to_owned(), name.clone().into());
            }
        }
        note
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
        assert_eq!(Note::network("NFS").json()["file_system"], "NFS");
        let named = Note::network("NFS").of(Some("logs".to_owned()));
        assert!(named.text().starts_with("litecopy: note: logs: ") && named.json()["name"] == "logs");
    }
}
