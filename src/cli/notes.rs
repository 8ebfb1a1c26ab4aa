//! What is worth knowing although nothing failed.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use litecopy::format::database_header::SqliteVersion;
use litecopy::{FileDetour, SourceNotes};
use serde_json::json;

use super::numbers::counted;
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

    /// Nothing but the limits keeps a stranger's file from what it must not reach.
    pub(crate) fn no_sandbox(why: &str) -> Self {
        Self {
            kind: "no_sandbox",
            name: None,
            message: format!("{why}: the command is not shut off from other files than those it needs"),
            advice: "Run it as a user that may read nothing else",
            cause: ("reason", why.to_owned()),
        }
    }

    /// What else is worth knowing of the source.
    pub(crate) fn of_source(notes: &SourceNotes) -> Vec<Self> {
        let note = |kind, message: String, advice, cause| Self { kind, name: None, message, advice, cause };
        let mut list = Vec::new();
        if notes.unsummed_frames > 0 {
            list.push(note(
                "unsummed_frames",
                format!(
                    "{} of the log have no checksum, as SQLite before 3.50.2 leaves them: a crash would lose what was committed \
                     with them and since",
                    counted(notes.unsummed_frames.into(), "frame", "frames")
                ),
                "Run a checkpoint (PRAGMA wal_checkpoint) in the application that writes it",
                ("frames", notes.unsummed_frames.to_string()),
            ));
        }
        if notes.other_links > 0 {
            list.push(note(
                "other_links",
                format!(
                    "the source has {} (hard links): a log or journal beside another of them was not seen",
                    counted(notes.other_links, "other name", "other names")
                ),
                "Copy it by the name that its users have",
                ("other_links", notes.other_links.to_string()),
            ));
        }
        if let Some(detour) = notes.detour {
            let (word, how) = match detour {
                FileDetour::SingleFileMount => ("single-file-mount", "is mounted as a single file"),
                _ => ("overlay-layer", "lies in a layer of an overlay"),
            };
            list.push(note(
                "detour",
                format!("the source {how}: a log or journal that its users have beside it was not seen"),
                "Copy it by the path that its users have, or mount the folder that it lies in",
                ("detour", word.to_owned()),
            ));
        }
        if notes.process_locks {
            list.push(note(
                "process_locks",
                "the system has no locks that belong to an open file: those of the whole process were taken".to_owned(),
                "They hold all the same; but no other part of this process may open and close the database meanwhile",
                ("process_locks", "true".to_owned()),
            ));
        }
        if notes.trailing_bytes > 0 {
            list.push(note(
                "trailing_bytes",
                format!(
                    "the source ends inside a page, of which it has {}: what is missing reads as zeros, as with SQLite",
                    counted(notes.trailing_bytes.into(), "byte", "bytes")
                ),
                "It may have been cut short: compare it with another copy",
                ("bytes", notes.trailing_bytes.to_string()),
            ));
        }
        list
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
