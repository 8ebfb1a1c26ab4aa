//! What a copy was when it was made: the sum of each page, that of the whole, the version that it is of.
//!
//! With the feature `serde` a manifest is written as, and read from, what [manifest.md#the-file](crate::notes::manifest#the-file) describes.

#[cfg(feature = "evidence")]
mod bundle;

#[cfg(feature = "evidence")]
pub(crate) use bundle::hex;
#[cfg(feature = "evidence")]
pub use bundle::{
    Bundle, BundleFile, BundleHeader, BundleHold, BundleJournal, BundleLock, BundleLog, BundleOpeners,
    BundleProcess, FileRole, FileStatus, FoundName,
};

use crate::format::PageSize;
use std::time::SystemTime;

/// What a copy was when it was made, by which it can be checked years later.
///
/// [`CopyOptions::manifest`](crate::CopyOptions::manifest) asks for one,
/// [`inspect::verify_copy`](crate::inspect::verify_copy) checks a file against it.
///
/// # Examples
///
/// ```no_run
/// use litecopy::{CopyOptions, FileTarget, inspect::verify_copy, quiet};
///
/// let backup = CopyOptions::new().manifest(true).begin("app.db", FileTarget::new("backup.db"))?;
/// if let Some(manifest) = backup.run(quiet)?.manifest {
///     assert!(verify_copy("backup.db", &manifest)?.unchanged);
/// }
/// # Ok::<(), litecopy::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(into = "form::Form", try_from = "form::Form"))]
#[non_exhaustive]
pub struct Manifest {
    /// The size of each page.
    pub page_size: PageSize,
    /// The CRC32 of each page, from the first to the last.
    pub page_sums: Vec<u32>,
    /// The SHA-256 of all bytes of the copy.
    pub sha256: [u8; 32],
    /// What told the version of the source from others, as text: two versions of one database have different ones.
    pub source_stamp: String,
    /// When the first page was read. Kept to the second.
    pub begun: SystemTime,
    /// When the copy had been compared with what was read. Kept to the second.
    pub ended: SystemTime,
    /// Of the merged copy in a bundle of evidence: what the bundle says of itself ([`AcquireOptions`](crate::AcquireOptions)).
    #[cfg(feature = "evidence")]
    pub bundle: Option<Box<Bundle>>,
}

impl Manifest {
    /// The size of the copy.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.page_sums.len() as u64 * u64::from(self.page_size.bytes())
    }
}

/// Why something is no manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg(feature = "serde")]
#[non_exhaustive]
pub enum ManifestError {
    /// It is of a version that this program does not know.
    #[error("manifest version {found}, only 1 is known")]
    Version {
        /// The version found.
        found: u64,
    },
    /// Its page size is none.
    #[error("page size {found} is not a power of two from 512 to 65536")]
    PageSize {
        /// The number found.
        found: u32,
    },
    /// It has not one sum for each page.
    #[error("sums of {found} pages for {page_count}")]
    SumCount {
        /// How many sums there are.
        found: u64,
        /// How many pages it says there are.
        page_count: u32,
    },
    /// The sum of a page is not written as it should be.
    #[error("a line of crc32 is not of 8 hexadecimal digits for each page")]
    Crc32,
    /// The sum of the whole is not written as it should be.
    #[error("sha256 is not of 64 hexadecimal digits")]
    Sha256,
}

#[cfg(feature = "serde")]
mod form {
    use super::{Manifest, ManifestError};
    use crate::format::PageSize;
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    /// The only version of the form yet.
    const VERSION: u64 = 1;

    /// The pages whose sums share a line.
    const PAGES_PER_LINE: usize = 16;

    const CRC32_DIGITS: usize = 8;

    /// How a manifest is written.
    #[derive(serde::Serialize, serde::Deserialize)]
    pub(super) struct Form {
        litecopy_manifest: u64,
        page_size: u32,
        page_count: u32,
        sha256: String,
        source_stamp: String,
        begun_unix_seconds: u64,
        ended_unix_seconds: u64,
        #[cfg(feature = "evidence")]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bundle: Option<Box<super::Bundle>>,
        crc32: Vec<String>,
    }

    impl From<Manifest> for Form {
        fn from(manifest: Manifest) -> Self {
            let line = |sums: &[u32]| sums.iter().map(|sum| format!("{sum:08x}")).collect();
            Self {
                litecopy_manifest: VERSION,
                page_size: manifest.page_size.bytes(),
                page_count: u32::try_from(manifest.page_sums.len()).unwrap_or(u32::MAX),
                sha256: manifest.sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
                source_stamp: manifest.source_stamp,
                begun_unix_seconds: seconds(manifest.begun),
                ended_unix_seconds: seconds(manifest.ended),
                #[cfg(feature = "evidence")]
                bundle: manifest.bundle,
                crc32: manifest.page_sums.chunks(PAGES_PER_LINE).map(line).collect(),
            }
        }
    }

    impl TryFrom<Form> for Manifest {
        type Error = ManifestError;

        fn try_from(form: Form) -> Result<Self, ManifestError> {
            if form.litecopy_manifest != VERSION {
                return Err(ManifestError::Version { found: form.litecopy_manifest });
            }
            let page_size =
                PageSize::new(form.page_size).ok_or(ManifestError::PageSize { found: form.page_size })?;
            let mut page_sums = Vec::new();
            for line in &form.crc32 {
                let (sums, rest) = line.as_bytes().as_chunks::<CRC32_DIGITS>();
                if !rest.is_empty() {
                    return Err(ManifestError::Crc32);
                }
                for sum in sums {
                    page_sums.push(number(sum).ok_or(ManifestError::Crc32)?);
                }
            }
            if page_sums.len() as u64 != u64::from(form.page_count) {
                let found = page_sums.len() as u64;
                return Err(ManifestError::SumCount { found, page_count: form.page_count });
            }
            Ok(Self {
                page_size,
                page_sums,
                sha256: sha256(&form.sha256).ok_or(ManifestError::Sha256)?,
                source_stamp: form.source_stamp,
                begun: time(form.begun_unix_seconds),
                ended: time(form.ended_unix_seconds),
                #[cfg(feature = "evidence")]
                bundle: form.bundle,
            })
        }
    }

    /// The number of hexadecimal digits, and of nothing else: no sign.
    fn number(digits: &[u8]) -> Option<u32> {
        digits
            .iter()
            .try_fold(0_u32, |number, &digit| Some(number.checked_mul(16)? + char::from(digit).to_digit(16)?))
    }

    fn sha256(digits: &str) -> Option<[u8; 32]> {
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        let bytes: Vec<u8> =
            pairs.iter().map(|pair| u8::try_from(number(pair)?).ok()).collect::<Option<_>>()?;
        bytes.try_into().ok().filter(|_| rest.is_empty())
    }

    fn seconds(time: SystemTime) -> u64 {
        time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    /// A time that the system cannot tell is its beginning.
    fn time(seconds: u64) -> SystemTime {
        UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(UNIX_EPOCH)
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use proptest::prelude::*;

        fn manifest(page_count: u32) -> Manifest {
            Manifest {
                page_size: PageSize::DEFAULT,
                page_sums: (0..page_count).map(|page| page.wrapping_mul(0x9e37_79b9)).collect(),
                sha256: std::array::from_fn(|at| u8::try_from(at).unwrap() * 8),
                source_stamp: "rollback 00".to_owned(),
                begun: time(1_700_000_000),
                ended: time(1_700_000_007),
                #[cfg(feature = "evidence")]
                bundle: None,
            }
        }

        fn read(text: &str) -> Result<Manifest, String> {
            serde_json::from_str(text).map_err(|error| error.to_string())
        }

        #[test]
        fn what_is_written_is_read() {
            for page_count in [0, 1, 16, 17, 100] {
                let manifest = manifest(page_count);
                let text = serde_json::to_string(&manifest).unwrap();
                assert!(text.starts_with("{\"litecopy_manifest\":1,\"page_size\":4096,"), "{text}");
                assert_eq!(read(&text), Ok(manifest));
            }
        }

        #[test]
        fn what_is_none_is_refused_by_name() {
            let text = serde_json::to_string(&manifest(3)).unwrap();
            for (what, instead, message) in [
                ("manifest\":1", "manifest\":2", "manifest version 2, only 1 is known"),
                ("4096", "4095", "page size 4095"),
                ("\"page_count\":3", "\"page_count\":4", "sums of 3 pages for 4"),
                ("\"page_count\":3", "\"page_count\":4294967296", "invalid value"),
                ("9e3779b9", "9e3779b", "a line of crc32 is not of 8 hexadecimal digits"),
                ("9e3779b9", "9e3779bg", "a line of crc32 is not of 8 hexadecimal digits"),
                ("9e3779b9", "+e3779b9", "a line of crc32 is not of 8 hexadecimal digits"),
                ("000810", "0810", "sha256 is not of 64 hexadecimal digits"),
                ("000810", "000810ff", "sha256 is not of 64 hexadecimal digits"),
                ("000810", "é0810", "sha256 is not of 64 hexadecimal digits"),
                ("\"source_stamp\"", "\"stamp\"", "missing field `source_stamp`"),
            ] {
                assert!(text.contains(what), "{what}");
                let error = read(&text.replacen(what, instead, 1)).unwrap_err();
                assert!(error.contains(message), "{error}");
            }
            for cut in 0..text.len() {
                assert!(read(&text[..cut]).is_err(), "{cut}");
            }
        }

        proptest! {
            #[test]
            fn no_digits_panic(line in ".{0,20}", sha256 in ".{0,70}", seconds: u64) {
                let form = Form {
                    litecopy_manifest: 1,
                    page_size: 512,
                    page_count: 1,
                    sha256,
                    source_stamp: String::new(),
                    begun_unix_seconds: seconds,
                    ended_unix_seconds: seconds,
                    #[cfg(feature = "evidence")]
                    bundle: None,
                    crc32: vec![line],
                };
                let _ = Manifest::try_from(form);
            }
        }
    }
}
