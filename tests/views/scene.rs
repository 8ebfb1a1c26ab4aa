//! A database in a folder of its own, and the command beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

/// A database `app.db`, and SQLite's connection to it.
pub(crate) struct Scene {
    folder: TempDir,
    pub(crate) sqlite: Connection,
}

impl Scene {
    pub(crate) fn new(sql: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Connection::open(folder.path().join("app.db")).unwrap();
        sqlite.execute_batch(sql).unwrap();
        Self { folder, sqlite }
    }

    /// In WAL mode with small pages, where nobody checkpoints by itself.
    pub(crate) fn in_wal_mode(sql: &str) -> Self {
        Self::new(&format!(
            "PRAGMA page_size = 512; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; {sql}"
        ))
    }

    pub(crate) fn run(&self, sql: &str) {
        self.sqlite.execute_batch(sql).unwrap();
    }

    pub(crate) fn number(&self, sql: &str) -> u32 {
        self.sqlite.query_row(sql, (), |row| row.get(0)).unwrap()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.file("")
    }

    pub(crate) fn file(&self, suffix: &str) -> PathBuf {
        self.folder.path().join(format!("app.db{suffix}"))
    }

    /// Copies of the files as they are now, as a crash would leave them, under another name.
    pub(crate) fn left_by_a_crash(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        for suffix in ["", "-wal", "-journal", "-shm"] {
            if self.file(suffix).exists() {
                fs::copy(self.file(suffix), with_suffix(&path, suffix)).unwrap();
            }
        }
        path
    }
}

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.to_owned().into_os_string();
    path.push(suffix);
    path.into()
}

/// Changes a byte of a file.
pub(crate) fn change_byte(path: &Path, offset: u64, change: fn(u8) -> u8) {
    use std::os::unix::fs::FileExt;
    let file = fs::File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[change(byte[0])], offset).unwrap();
}

/// The exit code of the command, and what it says on stdout and stderr.
pub(crate) fn litecopy(verb: &str, path: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("litecopy"));
    let output = command.arg(verb).arg(path).args(arguments).env_remove("COLUMNS").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// What the command says where all is well.
pub(crate) fn said(verb: &str, path: &Path, arguments: &[&str]) -> String {
    let (code, stdout, stderr) = litecopy(verb, path, arguments);
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    stdout
}

/// The same as JSON, a value for each line.
pub(crate) fn json_lines(verb: &str, path: &Path, arguments: &[&str]) -> Vec<Value> {
    let text = said(verb, path, &[arguments, &["--json"]].concat());
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Compares a text with `tests/views/golden/NAME.txt`. With LITECOPY_WRITE_GOLDENS set the file is written instead.
pub(crate) fn assert_golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/views/golden/{name}.txt"));
    if std::env::var_os("LITECOPY_WRITE_GOLDENS").is_some() {
        fs::write(&path, text).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, golden, "{}", path.display());
}

/// A text without what is different in each run: the folder, and hexadecimal numbers of eight digits (salts and sums); and with the
/// byte order of most machines.
pub(crate) fn steady(text: &str, folder: &Path) -> String {
    let folder = fs::canonicalize(folder).unwrap();
    let mut text = text.replace(&format!("{}/", folder.display()), "");
    if cfg!(target_endian = "big") {
        text = text.replace("big-endian", "little-endian");
    }
    let is_hex = |word: &str| word.len() == 8 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    words
        .map(|word| match word.char_indices().last() {
            Some((end, _)) if is_hex(&word[..end]) => format!("########{}", &word[end..]),
            _ if is_hex(word) => "########".to_owned(),
            _ => word.to_owned(),
        })
        .collect()
}

/// The seed of this run, printed so that a failure can be repeated with LITECOPY_SEED.
pub(crate) fn seed() -> u64 {
    let told = std::env::var("LITECOPY_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = told.unwrap_or_else(|| {
        std::time::UNIX_EPOCH.elapsed().map_or(1, |time| time.as_secs() ^ u64::from(time.subsec_nanos()))
    });
    println!("LITECOPY_SEED={seed}");
    seed
}

/// Numbers that look random (xorshift64*).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.max(1);
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % bound
    }
}
