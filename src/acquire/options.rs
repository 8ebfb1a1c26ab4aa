//! What is asked for: options, progress, and what is given back.

use crate::halt::CancelToken;
use crate::manifest::Manifest;
use crate::source::SourceOptions;
use std::path::PathBuf;
use std::time::Duration;

/// How to take the files of a database into a bundle of evidence: plain data, as [`CopyOptions`](crate::CopyOptions).
///
/// # Examples
///
/// ```no_run
/// use litecopy::{AcquireOptions, verify_bundle};
///
/// let acquired = AcquireOptions::new().acquire("phone/sms.db", "evidence-7", |_| {})?;
/// println!("write this down: {}", acquired.manifest_sha256_digits());
/// assert!(verify_bundle("evidence-7", Some(acquired.manifest_sha256))?.intact);
/// # Ok::<(), litecopy::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing by themselves"]
pub struct AcquireOptions {
    pub(super) source: SourceOptions,
    pub(super) lock_timeout: Option<Duration>,
    pub(super) max_hold: Option<Duration>,
    pub(super) cancel: Option<CancelToken>,
}

impl Default for AcquireOptions {
    fn default() -> Self {
        Self {
            source: SourceOptions::default(),
            lock_timeout: Some(Duration::from_secs(30)),
            max_hold: None,
            cancel: None,
        }
    }
}

impl AcquireOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How the source is read: what its files may make us do, how they are locked. A version that is asked for
    /// ([`as_of`](SourceOptions::as_of)) does not count: the files are taken as they are.
    pub fn source(mut self, source: SourceOptions) -> Self {
        self.source = source;
        self
    }

    /// How long to wait for the locks; `None` waits without end. Default 30 s.
    pub fn lock_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.lock_timeout = timeout.into();
        self
    }

    /// How long the files may be held still; then it ends with [`HoldLimit`](crate::ErrorKind::HoldLimit). `None`, the default, for as
    /// long as it takes to copy and read them. [acquire.md#what-is-held](crate::notes::acquire#what-is-held)
    pub fn max_hold(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.max_hold = time.into();
        self
    }

    /// By what it can be stopped from elsewhere: it ends with [`Cancelled`](crate::ErrorKind::Cancelled), and leaves nothing.
    pub fn cancel(mut self, token: impl Into<Option<CancelToken>>) -> Self {
        self.cancel = token.into();
        self
    }
}

/// How far an acquisition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AcquireProgress {
    /// How many bytes were copied, read again or hashed: three for each byte that was found.
    pub done_bytes: u64,
    /// How many there are to be.
    pub total_bytes: u64,
}

/// A bundle that is there, whole and safely stored.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Acquired {
    /// The folder, as it was named.
    pub folder: PathBuf,
    /// What is in it.
    pub manifest: Manifest,
    /// The SHA-256 of the file `manifest.json`. Who has written it down elsewhere finds every later change, also one that was
    /// made on purpose.
    pub manifest_sha256: [u8; 32],
}

impl Acquired {
    /// That SHA-256 as lower-case hexadecimal digits.
    #[must_use]
    pub fn manifest_sha256_digits(&self) -> String {
        crate::manifest::hex(&self.manifest_sha256)
    }
}
