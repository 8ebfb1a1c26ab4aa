//! Whatever fails under a copy, the promise of its target holds: system calls that fail or are cut short, a full disk, the
//! power going, the process killed.
//!
//! Infrastructure: [`shim`] (stands between the command and the kernel, `shim.c`), [`sources`] (databases, and how
//! SQLite sees them), [`kinds`] (the kinds of targets, and what must be seen of each), [`disk`] (which states a power cut can leave). From `tests/judge`:
//! [`content`], [`files`], [`fingerprint`], [`random`].
//!
//! Tests: [`matrix`], [`disk_full`], [`power_cut`], [`kills`], [`lacking`].
//!
//! The command is tried as it ships, in a process of its own. On Linux with glibc only, for that is where the shim works;
//! where the kernel or the machine does not allow what a test needs, it says SKIP on stderr.
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
#[path = "../judge/content.rs"]
mod content;
#[allow(dead_code, reason = "shared with the judge, which needs all of it")]
#[path = "../judge/files.rs"]
mod files;
#[allow(dead_code, reason = "shared with the judge, which needs all of it")]
#[path = "../judge/fingerprint.rs"]
mod fingerprint;
#[allow(dead_code, reason = "shared with the judge, which needs all of it")]
#[path = "../judge/random.rs"]
mod random;

mod disk;
mod disk_full;
mod kills;
mod kinds;
mod lacking;
mod matrix;
mod power_cut;
mod shim;
mod sources;

/// Says something past the test harness, which would keep it for itself.
pub(crate) fn tell(text: &str) {
    drop(writeln!(stderr(), "{text}"));
}
