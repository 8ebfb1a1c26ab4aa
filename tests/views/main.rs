//! The verbs that show side files, pages and differences, over databases that SQLite made; each says what SQLite says.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

mod diff;
mod journal;
mod maps;
mod pages;
mod scene;
mod shm;
mod wal;
