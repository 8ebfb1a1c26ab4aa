//! Between any two system calls of a run of litecopy another process acts: on the source, on the target, on the folder.
//!
//! The command pauses before one of its calls (`tests/faults/shim.c`); there the test, which is another process with
//! SQLite's own locks, does one thing, and lets the command go on. Each pair of a run and an act is tried at many calls,
//! with `LITECOPY_ALL_MOMENTS=1` at every one. SQLite judges what is there afterwards ([`verdict`]).
//!
//! [`scene`]: the databases, and how the command is run on them. [`acts`]: what is done at the pause. [`moments`]: at which
//! calls. [`pairs`]: the tests.
//! [`by_a_user`]: the same where root runs the command and a user acts.
#![cfg(all(
    target_os = "linux",
    target_env = "gnu",
    target_endian = "little",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

use std::io::{Write, stderr};

#[allow(dead_code, reason = "shared with the judge, which needs all of it")]
#[path = "../judge/files.rs"]
mod files;
#[allow(dead_code, reason = "shared with the judge, which needs all of it")]
#[path = "../judge/fingerprint.rs"]
mod fingerprint;
#[allow(dead_code, reason = "shared with the judge, which needs all of it")]
#[path = "../judge/random.rs"]
mod random;
#[allow(dead_code, reason = "shared with the faults, which need all of it")]
#[path = "../faults/shim.rs"]
mod shim;

mod acts;
mod by_a_user;
mod dead_writer;
mod moments;
mod pairs;
mod paused;
mod scene;
mod verdict;

/// Says something past the test harness, which would keep it for itself.
pub(crate) fn tell(text: &str) {
    drop(writeln!(stderr(), "{text}"));
}
