//! Copies a live SQLite database, page by page, without libsqlite3.

pub mod format;
mod os;
