//! Rows and dumps beside real SQLite: what `rows` gives is what SELECT gives, what `dump` writes restores the source, and
//! what was deleted is found again.
//!
//! [`schemas`] makes databases modelled on well-known programs, [`corpus`] others of every shape, [`select`] asks SQLite.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

mod command;
mod corpus;
mod damage;
mod deleted;
mod dump;
mod hostile;
mod random;
mod refused;
mod schemas;
mod select;
mod selected;
