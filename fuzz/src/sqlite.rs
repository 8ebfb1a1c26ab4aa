//! What SQLite itself reads.

use crate::MOST_PAGES;
use rusqlite::{Connection, ErrorCode, MAIN_DB};
use std::path::Path;

/// What SQLite says of a database.
#[derive(Debug)]
pub enum Verdict {
    /// Its logical image.
    Image(Vec<u8>),
    /// It is no database, or damaged, by SQLite's own rules.
    Refused(String),
    /// It could not be read for another reason.
    Other(String),
}

/// Opens the database and has all of its pages given; this recovers it, so its files change.
pub fn read(path: &Path) -> Verdict {
    let image = Connection::open(path).and_then(|mut connection| {
        connection.busy_timeout(std::time::Duration::ZERO)?;
        // A schema that makes no sense is no reason to refuse the pages.
        connection.execute_batch("PRAGMA writable_schema=ON")?;
        // The first transaction looks at the header, rolls back, and recovers.
        match connection.query_row("PRAGMA page_count", [], |row| row.get::<_, i64>(0))? {
            // To be serialized it would get its first page.
            0 => return Ok(Vec::new()),
            // All of them would be kept in memory.
            claimed if claimed > MOST_PAGES => return Err(rusqlite::Error::InvalidQuery),
            _ => {}
        }
        connection.serialize(MAIN_DB).map(|image| image.to_vec())
    });
    match image {
        Ok(image) => Verdict::Image(image),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Verdict::Refused(error.to_string()),
            _ => Verdict::Other(error.to_string()),
        },
    }
}

/// Whether SQLite finds the database sound, and why not.
pub fn integrity(path: &Path) -> Result<(), String> {
    let connection = Connection::open(path).map_err(|error| error.to_string())?;
    let answer = connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
    match answer {
        Ok(answer) if answer == "ok" => Ok(()),
        Ok(answer) => Err(answer),
        Err(error) => Err(error.to_string()),
    }
}
