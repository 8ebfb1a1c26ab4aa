//! Real SQLite, in other processes and with real locks, judges what litecopy does.
//!
//! Infrastructure: [`peer`] (SQLite in another process), [`writer`] (what a peer writes in the background, and how
//! to see one committed version in a copy), [`fingerprint`] (nothing of the source changed), [`content`] (what a
//! database holds), [`makers`] (databases of every kind), [`judge`] (a copy is right), [`pair`] (two databases that commit
//! together), [`files`], [`random`].
//!
//! Tests: [`kinds`], [`writers`], [`steps`], [`busy`], [`refused`], [`killed`], [`host`], [`hold`],
//! [`progress`], [`sets`], [`set_instants`], [`targets`], [`stream`].
//! Every other module is a group of tests; its first line tells of what. Some are of what only unix has: modes, owners, links, signals.
//!
//! The test process itself never keeps a SQLite connection to a file that litecopy reads: closing any descriptor of
//! a file drops all POSIX locks that the process has on it, SQLite's too.
#![cfg_attr(not(unix), allow(dead_code, unused_imports, reason = "what only tests on unix use"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

#[cfg(all(unix, feature = "evidence"))]
mod acquire;
mod busy;
mod check;
mod content;
mod copies;
mod damages;
mod dbstat;
mod endings;
#[cfg(unix)]
mod every;
mod fidelity;
mod files;
mod fingerprint;
mod hold;
#[cfg(unix)]
mod host;
#[cfg(unix)]
mod host_locks;
mod hot_journals;
mod judge;
mod killed;
mod kinds;
#[cfg(unix)]
mod links;
#[cfg(unix)]
mod locks;
mod makers;
mod model;
mod names;
#[cfg(unix)]
mod no_rights;
#[cfg(unix)]
mod opaque;
mod pacing;
mod pair;
mod peer;
mod progress;
mod protecting_journal;
mod random;
// Elsewhere nobody tells that a copy is not open, so that it counts one change more than its source.
#[cfg(target_os = "linux")]
mod refresh;
#[cfg(unix)]
mod refused;
mod restore;
#[cfg(unix)]
mod restore_bounds;
mod restore_kills;
mod restore_logs;
mod rollback_states;
mod schedules;
mod schema_damages;
mod scrub;
mod set_instants;
mod sets;
mod side_file_findings;
#[cfg(unix)]
mod source_notes;
mod states;
mod steps;
mod stream;
#[cfg(unix)]
mod styles;
mod super_journals;
#[cfg(all(unix, feature = "evidence"))]
mod tampering;
#[cfg(unix)]
mod targets;
mod verify;
mod versions;
mod wal_indexes;
mod wal_states;
mod writer;
mod writers;
