//! What the bytes of the four files mean: database, write-ahead log, wal-index, rollback journal.
//!
//! No I/O, no time, no paths, no panics: bytes in, types or [`Damage`](damage::Damage) out.
