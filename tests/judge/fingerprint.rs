//! The state of a folder, to show that a copy left no trace: names, sizes, times, modes, inodes and content.
//!
//! The folder's own times are part of it, so that a file which came and went again is seen too. The time of the
//! last status change (ctime) cannot be set back by a program, so it also tells of times that were reset.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::files::for_each_chunk;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    inode: u64,
    mode: u32,
    owner: (u32, u32),
    links: u64,
    /// What a live SQLite changes all the time in its own files; `None` where the caller does not compare it.
    moving: Option<Moving>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Moving {
    size_bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    content_hash: u64,
}

/// What a folder looked like at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fingerprint(BTreeMap<String, Entry>);

impl Fingerprint {
    pub(crate) fn of(folder: &Path) -> Self {
        let mut entries = BTreeMap::from([(".".to_owned(), entry(folder))]);
        for found in fs::read_dir(folder).unwrap() {
            let found = found.unwrap();
            entries.insert(found.file_name().into_string().unwrap(), entry(&found.path()));
        }
        Self(entries)
    }

    /// Without size, times and content of the names that end so: of what living peers change meanwhile.
    pub(crate) fn excluding(mut self, ending: &str) -> Self {
        for (name, entry) in &mut self.0 {
            if name.ends_with(ending) {
                entry.moving = None;
            }
        }
        self
    }
}

/// Panics with the difference unless the two are the same.
#[track_caller]
pub(crate) fn assert_same(before: &Fingerprint, after: &Fingerprint) {
    let mut differences = Vec::new();
    for (name, old) in &before.0 {
        match after.0.get(name) {
            None => differences.push(format!("{name}: gone")),
            Some(new) if new != old => differences.push(format!("{name}:\n  was {old:?}\n  is  {new:?}")),
            Some(_) => {}
        }
    }
    for name in after.0.keys().filter(|name| !before.0.contains_key(*name)) {
        differences.push(format!("{name}: appeared"));
    }
    assert!(differences.is_empty(), "the folder changed\n{}", differences.join("\n"));
}

fn entry(path: &Path) -> Entry {
    let metadata = fs::symlink_metadata(path).unwrap();
    let mut hasher = DefaultHasher::new();
    if metadata.is_file() {
        for_each_chunk(path, |at, bytes| {
            hasher.write_u64(at);
            hasher.write(bytes);
        });
    }
    let content_hash = hasher.finish();
    #[cfg(unix)]
    return Entry {
        inode: metadata.ino(),
        mode: metadata.mode(),
        owner: (metadata.uid(), metadata.gid()),
        links: metadata.nlink(),
        moving: Some(Moving {
            size_bytes: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            content_hash,
        }),
    };
    // Elsewhere content, size and time of each file have to do.
    #[cfg(not(unix))]
    {
        let time = metadata.modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
        let modified = (time.as_secs().try_into().unwrap(), time.subsec_nanos().into());
        let moving = Moving { size_bytes: metadata.len(), modified, changed: (0, 0), content_hash };
        Entry { inode: 0, mode: 0, owner: (0, 0), links: 0, moving: Some(moving) }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::files::Folder;
    use std::os::unix::fs::PermissionsExt;

    fn differs(change: impl FnOnce(&Folder)) -> bool {
        let folder = Folder::new();
        fs::write(folder.join("a.db"), b"page").unwrap();
        fs::write(folder.join("a.db-shm"), b"index").unwrap();
        let before = Fingerprint::of(folder.path());
        assert_same(&before, &Fingerprint::of(folder.path()));
        change(&folder);
        let after = Fingerprint::of(folder.path());
        assert_eq!(before == after, std::panic::catch_unwind(|| assert_same(&before, &after)).is_ok());
        before != after
    }

    #[test]
    fn every_change_is_seen() {
        assert!(!differs(|folder| assert_eq!(fs::read(folder.join("a.db")).unwrap(), b"page")));
        assert!(differs(|folder| fs::write(folder.join("a.db"), b"page").unwrap()), "times");
        assert!(differs(|folder| fs::write(folder.join("a.db"), b"pagE").unwrap()), "content");
        assert!(differs(|folder| fs::remove_file(folder.join("a.db-shm")).unwrap()), "gone");
        assert!(differs(|folder| fs::write(folder.join("a.db-wal"), b"").unwrap()), "appeared");
        assert!(differs(|folder| {
            fs::set_permissions(folder.join("a.db"), fs::Permissions::from_mode(0o400)).unwrap();
        }));
        assert!(
            differs(|folder| {
                fs::write(folder.join("a.db-journal"), b"").unwrap();
                fs::remove_file(folder.join("a.db-journal")).unwrap();
            }),
            "came and went"
        );
    }

    #[test]
    fn what_is_excluded_may_move_but_not_go() {
        let folder = Folder::new();
        fs::write(folder.join("a.db-shm"), b"index").unwrap();
        let before = Fingerprint::of(folder.path()).excluding("-shm");
        fs::write(folder.join("a.db-shm"), b"other").unwrap();
        assert_same(&before, &Fingerprint::of(folder.path()).excluding("-shm"));
        fs::remove_file(folder.join("a.db-shm")).unwrap();
        assert_ne!(before, Fingerprint::of(folder.path()).excluding("-shm"));
    }
}
