//! The files of one database: taken from the input, laid into a folder, read back.

use crate::repair::{repair_journal, repair_log, repair_wal_index};
use litecopy::SourceBytes;
use std::fs;
use std::path::{Path, PathBuf};

/// The bytes of a database and of what lies beside it; an empty side file is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    pub database: Vec<u8>,
    pub wal: Vec<u8>,
    pub wal_index: Vec<u8>,
    pub journal: Vec<u8>,
}

/// How an input is to be taken: its first byte.
#[derive(Clone, Copy, Debug)]
pub struct Flags(pub u8);

impl Flags {
    /// Whether the sums of log, wal-index and journal are made right again.
    pub fn repairs(self) -> bool {
        self.0 & 1 != 0
    }

    /// One of a few, for what the target chooses.
    pub fn choice(self) -> u8 {
        self.0 >> 1
    }
}

impl Files {
    /// Takes an input apart: flags, four lengths (little-endian, 3 bytes each), then the four files.
    pub fn from_input(data: &[u8]) -> Option<(Flags, Self)> {
        let (&[flags], data) = data.split_first_chunk::<1>()?;
        let (lengths, mut rest) = data.split_first_chunk::<12>()?;
        let mut parts = lengths.chunks_exact(3).map(|length| {
            let length = u32::from_le_bytes([length[0], length[1], length[2], 0]) as usize;
            let (part, behind) = rest.split_at(length.min(rest.len()));
            rest = behind;
            part.to_vec()
        });
        let mut files = Self {
            database: parts.next()?,
            wal: parts.next()?,
            wal_index: parts.next()?,
            journal: parts.next()?,
        };
        let flags = Flags(flags);
        if flags.repairs() {
            files.repair();
        }
        Some((flags, files))
    }

    /// Makes the sums of the side files right again.
    pub fn repair(&mut self) {
        repair_log(&mut self.wal);
        repair_wal_index(&mut self.wal_index);
        repair_journal(&mut self.journal);
    }

    fn parts(&self) -> [(&'static str, &Vec<u8>); 4] {
        [
            ("", &self.database),
            ("-wal", &self.wal),
            ("-shm", &self.wal_index),
            ("-journal", &self.journal),
        ]
    }

    /// Lays them into the folder, the database under this name.
    pub fn write(&self, folder: &Path, name: &str) -> PathBuf {
        for (suffix, bytes) in self.parts() {
            let path = folder.join(format!("{name}{suffix}"));
            if suffix.is_empty() || !bytes.is_empty() {
                fs::write(path, bytes).unwrap();
            } else {
                let _ = fs::remove_file(path);
            }
        }
        let path = folder.join(name);
        age(&path);
        path
    }

    /// What lies there now.
    pub fn read(folder: &Path, name: &str) -> Self {
        let file = |suffix| fs::read(folder.join(format!("{name}{suffix}"))).unwrap_or_default();
        Self { database: file(""), wal: file("-wal"), wal_index: file("-shm"), journal: file("-journal") }
    }

    /// As a source of bytes, which knows no wal-index.
    pub fn as_source(&self) -> SourceBytes {
        SourceBytes {
            database: self.database.clone(),
            wal: self.wal.clone(),
            journal: self.journal.clone(),
        }
    }
}

/// Makes the files of a database look as if they had been written long ago: else a reader waits until the clock of the file system
/// would tell of a further change.
pub fn age(database: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let path = format!("{}{suffix}", database.display());
        if let Ok(file) = fs::File::options().write(true).open(path) {
            file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(3600)).unwrap();
        }
    }
}
