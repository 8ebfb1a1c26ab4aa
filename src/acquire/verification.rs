//! Whether a bundle of evidence is still what it was: everything in it is made anew and compared.
//!
//! Nothing that stands in a bundle is believed: its files are opened by their fixed names, no name in the manifest is, and no link is
//! followed; the manifest is read only if it is no longer than one of these files can be.

use super::bundle_folder::{Folder, MANIFEST, MERGED, REPORT, SUMS, sha256, sums_text};
use super::{facts, merged_copy};
use crate::error::{Error, Result};
use crate::manifest::{Bundle, FileRole, Manifest, hex};
use crate::os::file_identity::Found;
use crate::os::random_access::ReadAt;
use crate::source::{AsFound, SourceOptions};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What a manifest may have beside the sums of pages, and for each page of the smallest size, at most.
const MOST_BYTES: u64 = 4 << 20;
const MOST_BYTES_A_PAGE: u64 = 16;
const SMALLEST_PAGE_BYTES: u64 = 512;

/// The longest report that there can be, and more.
const MOST_REPORT_BYTES: u64 = 16 << 20;

/// What of the sums is compared as text.
const MOST_SUMS_BYTES: u64 = 64 << 10;

/// Whether a bundle is what it was when it was made.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct BundleReport {
    /// The folder, as it was named.
    #[serde(serialize_with = "crate::json_name::name")]
    pub folder: PathBuf,
    /// Whether nothing is wrong.
    pub intact: bool,
    /// All that is wrong.
    pub findings: Vec<BundleFinding>,
    /// The SHA-256 of the file `manifest.json`, as lower-case hexadecimal digits; `None` where it cannot be read.
    pub manifest_sha256: Option<String>,
    /// Whether that was compared with one that was given. If not, a bundle that was made anew as a whole would be found intact too.
    pub compared_with_given: bool,
    /// Whether the merged copy was compared, page by page, with what the files as found give.
    pub merged_copy_compared: bool,
}

/// Something that is wrong with a bundle.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct BundleFinding {
    /// The file that it is about, by its name in the folder.
    #[serde(serialize_with = "crate::json_name::name")]
    pub file: PathBuf,
    /// What kind of thing it is.
    pub kind: BundleFindingKind,
    /// In words.
    pub detail: String,
}

/// What can be wrong with a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum BundleFindingKind {
    /// A file that belongs to it is not there, or cannot be read.
    Missing,
    /// Something is there that does not belong to it.
    Extra,
    /// A file is not as long as it was.
    Size,
    /// A file has another SHA-256 than it had.
    Sha256,
    /// The manifest is none, or contradicts itself.
    Manifest,
    /// The manifest says of header or log what the files do not.
    Facts,
    /// The merged copy is not what the files as found give.
    MergedCopy,
}

/// Checks the bundle in `folder`: that each file is there and has its size and sum, that nothing else is there, that the manifest is one, and
/// that the merged copy is what the files as found give.
///
/// `manifest_sha256` is what was told when the bundle was made. Without it, what was changed on purpose, with all sums made anew,
/// cannot be found; changes to single files can.
///
/// # Errors
///
/// When there is no such folder, or it cannot be listed. All that is wrong inside is told in the report.
///
/// # Examples
///
/// ```no_run
/// let report = litecopy::verify_bundle("evidence-7", None)?;
/// for finding in &report.findings {
///     println!("{}: {}", finding.file.display(), finding.detail);
/// }
/// # Ok::<(), litecopy::Error>(())
/// ```
pub fn verify_bundle(folder: impl AsRef<Path>, manifest_sha256: Option<[u8; 32]>) -> Result<BundleReport> {
    let path = folder.as_ref();
    let folder = Folder { folder: path, shown: path };
    let mut check = Check {
        folder,
        report: BundleReport {
            folder: path.to_owned(),
            intact: false,
            findings: Vec::new(),
            manifest_sha256: None,
            compared_with_given: manifest_sha256.is_some(),
            merged_copy_compared: false,
        },
    };
    let there = check.names()?;
    let manifest = check.manifest(manifest_sha256);
    let expected = check.files(manifest.as_ref());
    for name in there.iter().filter(|name| !expected.contains(name.to_str().unwrap_or_default())) {
        check.tell(name, BundleFindingKind::Extra, "does not belong to the bundle");
    }
    if let Some((manifest, bundle)) =
        manifest.as_ref().and_then(|manifest| Some((manifest, manifest.bundle.as_deref()?)))
    {
        check.contents(manifest, bundle);
    }
    check.report.intact = check.report.findings.is_empty();
    Ok(check.report)
}

/// A check under way.
struct Check<'f> {
    folder: Folder<'f>,
    report: BundleReport,
}

impl Check<'_> {
    fn tell(&mut self, file: impl AsRef<Path>, kind: BundleFindingKind, detail: impl ToString) {
        let (file, detail) = (file.as_ref().to_owned(), detail.to_string());
        self.report.findings.push(BundleFinding { file, kind, detail });
    }

    /// What keeps a file from being read is told as that it is missing.
    fn or_missing<T>(&mut self, name: &str, result: Result<T>) -> Option<T> {
        match result {
            Ok(read) => Some(read),
            Err(error) => {
                self.tell(name, BundleFindingKind::Missing, error.problem());
                None
            }
        }
    }

    /// All names in the folder.
    fn names(&self) -> Result<BTreeSet<PathBuf>> {
        let names = self.folder.place(MANIFEST)?.names_beside();
        let names = names.map_err(Error::io("list", self.folder.shown))?;
        Ok(names.into_iter().map(PathBuf::from).collect())
    }

    /// Reads the manifest, if it is one.
    fn manifest(&mut self, given: Option<[u8; 32]>) -> Option<Manifest> {
        let merged_bytes = match self.folder.place(MERGED).map(|place| place.look()) {
            Ok(Ok(Found::File { size_bytes })) => size_bytes,
            _ => 0,
        };
        let pages = merged_bytes / SMALLEST_PAGE_BYTES;
        let most_bytes = pages.saturating_mul(MOST_BYTES_A_PAGE).saturating_add(MOST_BYTES);
        let read = self.folder.read(MANIFEST, most_bytes);
        let Some(bytes) = self.or_missing(MANIFEST, read)? else {
            self.tell(
                MANIFEST,
                BundleFindingKind::Manifest,
                "is longer than a manifest of these files can be",
            );
            return None;
        };
        let sum = sha256(&bytes);
        self.report.manifest_sha256 = Some(hex(&sum));
        if given.is_some_and(|given| given != sum) {
            self.tell(MANIFEST, BundleFindingKind::Sha256, "has not the SHA-256 that was given");
        }
        match serde_json::from_slice::<Manifest>(&bytes) {
            Ok(manifest) if manifest.bundle.is_some() => Some(manifest),
            Ok(_) => {
                self.tell(
                    MANIFEST,
                    BundleFindingKind::Manifest,
                    "is the manifest of a copy, not of a bundle",
                );
                None
            }
            Err(error) => {
                self.tell(MANIFEST, BundleFindingKind::Manifest, format!("is no manifest: {error}"));
                None
            }
        }
    }

    /// Compares sizes and sums; gives the names of all that belongs to the bundle.
    fn files(&mut self, manifest: Option<&Manifest>) -> BTreeSet<String> {
        let mut expected: BTreeSet<String> = [MANIFEST, REPORT, SUMS].map(str::to_owned).into();
        let Some((manifest, bundle)) =
            manifest.and_then(|manifest| Some((manifest, manifest.bundle.as_deref()?)))
        else {
            // What is one by its name may belong to it.
            expected.extend(FileRole::ALL.map(|role| role.name().to_owned()));
            expected.insert(MERGED.to_owned());
            return expected;
        };
        let mut sums = vec![(self.report.manifest_sha256.clone().unwrap_or_default(), MANIFEST)];
        let mut roles = BTreeSet::new();
        for file in &bundle.files {
            if !roles.insert(file.role) || file.name != file.role.name() {
                self.tell(MANIFEST, BundleFindingKind::Manifest, "names a file twice, or by a wrong name");
                continue;
            }
            self.file(file.role.name(), Some(file.size_bytes), &file.sha256, &mut sums);
        }
        if !roles.contains(&FileRole::Database) {
            self.tell(MANIFEST, BundleFindingKind::Manifest, "names no database");
        }
        self.file(REPORT, None, &bundle.report_sha256, &mut sums);
        if bundle.no_merged_copy.is_none() {
            self.file(MERGED, Some(manifest.size_bytes()), &hex(&manifest.sha256), &mut sums);
        }
        expected.extend(sums.iter().map(|&(_, name)| name.to_owned()));
        let read = self.folder.read(SUMS, MOST_SUMS_BYTES);
        if let Some(found) = self.or_missing(SUMS, read)
            && found.is_none_or(|found| found != sums_text(sums).as_bytes())
        {
            self.tell(SUMS, BundleFindingKind::Sha256, "does not agree with the manifest and its SHA-256");
        }
        expected
    }

    /// Compares one file; `sums` is told what it should be.
    fn file<'n>(
        &mut self,
        name: &'n str,
        size_bytes: Option<u64>,
        sum: &str,
        sums: &mut Vec<(String, &'n str)>,
    ) {
        sums.push((sum.to_owned(), name));
        let opened = self
            .folder
            .open(name)
            .and_then(|file| file.size_bytes().map_err(Error::io("look at it", &self.folder.path(name))));
        let Some(found_bytes) = self.or_missing(name, opened) else { return };
        // What is not as long as it was need not be read, whatever length it claims.
        let detail = match size_bytes {
            Some(size_bytes) if size_bytes != found_bytes => {
                Some(format!("has {found_bytes} bytes, it had {size_bytes}"))
            }
            None if found_bytes > MOST_REPORT_BYTES => {
                Some(format!("has {found_bytes} bytes, which no report has"))
            }
            _ => None,
        };
        if let Some(detail) = detail {
            return self.tell(name, BundleFindingKind::Size, detail);
        }
        let digest = self.folder.digest(name, |_| Ok(()));
        let Some((found, _)) = self.or_missing(name, digest) else { return };
        if found != sum {
            self.tell(name, BundleFindingKind::Sha256, format!("has the SHA-256 {found}, it had {sum}"));
        }
    }

    /// Makes anew what the manifest says of the files' content, and what the merged copy has to be.
    fn contents(&mut self, manifest: &Manifest, bundle: &Bundle) {
        // Whether the wal-index was in use cannot be asked any more.
        let index_is_live = bundle.log.as_ref().is_some_and(|log| log.told_by_wal_index);
        let header = facts::header(&self.folder);
        if self.or_missing(FileRole::Database.name(), header).is_some_and(|header| header != bundle.header) {
            self.tell(MANIFEST, BundleFindingKind::Facts, "does not say what the header of the database is");
        }
        let log = facts::log(&self.folder, index_is_live);
        if self.or_missing(FileRole::Log.name(), log).is_some_and(|log| log != bundle.log) {
            self.tell(MANIFEST, BundleFindingKind::Facts, "does not say what the log is");
        }
        if bundle.no_merged_copy.is_some() {
            return;
        }
        let options = SourceOptions::new();
        let options = if bundle.opaque { options.opaque(Some(manifest.page_size)) } else { options };
        let as_found = AsFound { rolls_back: bundle.journal.hot, index_is_live };
        match merged_copy::difference(&self.folder, &options, as_found) {
            Ok(None) => {}
            Ok(Some(difference)) => self.tell(MERGED, BundleFindingKind::MergedCopy, difference),
            Err(error) => {
                let detail = format!("cannot be compared with the files as found: {}", error.problem());
                self.tell(MERGED, BundleFindingKind::MergedCopy, detail);
            }
        }
        self.page_sums(manifest);
        self.report.merged_copy_compared = true;
    }

    /// Compares the sums of the pages of the merged copy.
    fn page_sums(&mut self, manifest: &Manifest) {
        match merged_copy::sums_agree(&self.folder, manifest) {
            Ok(true) => {}
            Ok(false) => self.tell(
                MANIFEST,
                BundleFindingKind::Manifest,
                "has other sums of pages than the merged copy",
            ),
            Err(error) => self.tell(MERGED, BundleFindingKind::Missing, error.problem()),
        }
    }
}
