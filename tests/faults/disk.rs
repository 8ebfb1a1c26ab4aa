//! A disk that remembers what was synced: from the calls of a run it tells which states a power cut can leave.
//!
//! What it assumes, which is less than most file systems give:
//!
//! - What was written to a file is on the disk once the file was synced. Until then each 512-byte sector that was written
//!   may be there or not, whatever the order, and so may each change of the size. A sector of new space that is not
//!   there is zeros, or bytes of somebody else's old file.
//! - A name made, moved or removed is so once its folder was synced; syncing the file does not help. Until then each such
//!   change may be there or not, whatever the others; but a rename is one change.
//! - What was synced stays; a sector that was not written to stays.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::kinds::is_temporary;
use crate::random::Random;
use crate::shim::Call;

const SECTOR_BYTES: usize = 512;

/// The files and folders below one folder, as they are and as they are on the disk for good.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    top: PathBuf,
    nodes: Vec<Node>,
    /// The node of an inode number; such a number may be used again for another file.
    inodes: HashMap<u64, usize>,
    /// Changes of names that no sync of their folder has made lasting, oldest first.
    moves: Vec<Move>,
}

#[derive(Debug, Clone)]
enum Node {
    File { durable: Vec<u8>, size: usize, pending: Vec<Change> },
    Folder { durable: Entries, now: Entries },
}

type Entries = BTreeMap<String, usize>;

#[derive(Debug, Clone)]
enum Change {
    Bytes { offset: usize, bytes: Vec<u8> },
    Size(usize),
}

/// A change of names that happens as one: in a folder a name leads to a node, or to nothing.
type Move = Vec<(usize, String, Option<usize>)>;

/// How much of what was not synced a power cut leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Luck {
    Nothing,
    Everything,
    /// Each piece by itself, with this probability in percent.
    Some(u64),
}

/// What is on a disk: the content of each file by its path, `None` for a folder. Temporary ones are left out: nobody looks
/// into them.
pub(crate) type Found = BTreeMap<String, Option<Vec<u8>>>;

const TOP: usize = 0;

impl Disk {
    /// The files of a folder without folders in it, all of them synced; links are left out.
    pub(crate) fn of(top: &Path) -> Self {
        let empty = Node::Folder { durable: Entries::new(), now: Entries::new() };
        let mut disk =
            Self { top: top.to_owned(), nodes: vec![empty], inodes: HashMap::new(), moves: Vec::new() };
        disk.inodes.insert(fs::metadata(top).unwrap().ino(), TOP);
        for entry in fs::read_dir(top).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_symlink() {
                continue;
            }
            let durable = fs::read(entry.path()).unwrap();
            let size = durable.len();
            let node = disk.add(Node::File { durable, size, pending: Vec::new() });
            disk.inodes.insert(entry.metadata().unwrap().ino(), node);
            disk.change(vec![(TOP, entry.file_name().into_string().unwrap(), Some(node))]);
        }
        disk.sync(TOP);
        disk
    }

    /// Does what a call of the log did.
    pub(crate) fn follow(&mut self, call: &Call) {
        if !call.done {
            return;
        }
        let offset = usize::try_from(call.offset).unwrap();
        let length = usize::try_from(call.length).unwrap();
        match call.name.as_str() {
            "open" | "open-empty" => self.open(call),
            "write" | "pwrite" | "copy_file_range" => {
                self.write(call, Change::Bytes { offset, bytes: call.data.clone() });
            }
            "clone" => self.write(call, Change::Bytes { offset: 0, bytes: call.data.clone() }),
            "ftruncate" => self.write(call, Change::Size(offset)),
            "extend" => {
                let size = self.size_of(call).max(offset + length);
                self.write(call, Change::Size(size));
            }
            "punch" => {
                let end = self.size_of(call).min(offset + length);
                let bytes = vec![0; end.saturating_sub(offset)];
                self.write(call, Change::Bytes { offset, bytes });
            }
            "sync" => self.sync(self.inodes[&call.inode]),
            "mkdir" => {
                let node = self.add(Node::Folder { durable: Entries::new(), now: Entries::new() });
                self.put(&call.path, Some(node));
            }
            "unlink" | "rmdir" => self.put(&call.path, None),
            "link" => self.put(&call.second, self.find(&call.path)),
            "rename" => {
                let (from, to) = (self.place(&call.path), self.place(&call.second));
                let node = self.find(&call.path);
                self.change(vec![(from.0, from.1, None), (to.0, to.1, node)]);
            }
            "reserve" => {}
            // The others change nothing that a power cut could take away, and promise nothing.
            name => assert!(
                ["read", "look", "lock", "list", "mode", "advice"].contains(&call.kind.as_str()),
                "{name}: the disk does not know what this call does"
            ),
        }
    }

    /// A state that the disk can be in after a power cut now.
    pub(crate) fn after_a_cut(&self, random: &mut Random, names: Luck, content: Luck) -> Found {
        let mut folders: BTreeMap<usize, Entries> = BTreeMap::new();
        for (number, node) in self.nodes.iter().enumerate() {
            if let Node::Folder { durable, .. } = node {
                folders.insert(number, durable.clone());
            }
        }
        for step in &self.moves {
            if names.keeps(random) {
                for (folder, name, node) in step {
                    set(folders.get_mut(folder).unwrap(), name, *node);
                }
            }
        }
        let mut found = Found::new();
        self.collect(&folders, TOP, "", &mut |path, node| {
            let left = match &self.nodes[node] {
                Node::Folder { .. } => None,
                Node::File { durable, pending, .. } => Some(left_of(durable, pending, random, content)),
            };
            found.insert(path, left);
        });
        found
    }

    fn collect(
        &self,
        folders: &BTreeMap<usize, Entries>,
        folder: usize,
        path: &str,
        see: &mut impl FnMut(String, usize),
    ) {
        for (name, node) in folders[&folder].iter().filter(|(name, _)| !is_temporary(name)) {
            see(format!("{path}{name}"), *node);
            if folders.contains_key(node) {
                self.collect(folders, *node, &format!("{path}{name}/"), see);
            }
        }
    }

    fn open(&mut self, call: &Call) {
        let node = match self.find(&call.path) {
            Some(node) => node,
            // A link, opened as such: it is left out.
            None if call.kind != "create" => return,
            None => {
                let node = self.add(Node::File { durable: Vec::new(), size: 0, pending: Vec::new() });
                self.put(&call.path, Some(node));
                node
            }
        };
        self.inodes.insert(call.inode, node);
        if call.name == "open-empty" {
            self.write(call, Change::Size(0));
        }
    }

    fn write(&mut self, call: &Call, change: Change) {
        let Node::File { size, pending, .. } = &mut self.nodes[self.inodes[&call.inode]] else {
            panic!("written to a folder: {call:?}")
        };
        *size = match &change {
            Change::Bytes { offset, bytes } => (*size).max(offset + bytes.len()),
            Change::Size(size) => *size,
        };
        pending.push(change);
    }

    fn size_of(&self, call: &Call) -> usize {
        match self.nodes[self.inodes[&call.inode]] {
            Node::File { size, .. } => size,
            Node::Folder { .. } => panic!("the size of a folder: {call:?}"),
        }
    }

    fn sync(&mut self, node: usize) {
        match &mut self.nodes[node] {
            Node::File { durable, pending, .. } => {
                for change in pending.drain(..) {
                    apply(durable, &change, |_| true);
                }
            }
            Node::Folder { .. } => {
                let touches = |step: &Move| step.iter().any(|(folder, ..)| *folder == node);
                let (lasting, still_loose): (Vec<Move>, Vec<Move>) = self.moves.drain(..).partition(touches);
                self.moves = still_loose;
                for (folder, name, node) in lasting.into_iter().flatten() {
                    let Node::Folder { durable, .. } = &mut self.nodes[folder] else { unreachable!() };
                    set(durable, &name, node);
                }
            }
        }
    }

    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// The folder that holds a path, and the name in there.
    fn place(&self, path: &Path) -> (usize, String) {
        let folder = self.find(path.parent().unwrap()).unwrap_or_else(|| panic!("{path:?}: no folder"));
        (folder, path.file_name().unwrap().to_str().unwrap().to_owned())
    }

    fn find(&self, path: &Path) -> Option<usize> {
        let below = path.strip_prefix(&self.top).unwrap();
        let mut names = below.components().map(|name| name.as_os_str().to_str().unwrap());
        names.try_fold(TOP, |folder, name| match &self.nodes[folder] {
            Node::Folder { now, .. } => now.get(name).copied(),
            Node::File { .. } => None,
        })
    }

    fn put(&mut self, path: &Path, node: Option<usize>) {
        let (folder, name) = self.place(path);
        self.change(vec![(folder, name, node)]);
    }

    fn change(&mut self, step: Move) {
        for (folder, name, node) in &step {
            let Node::Folder { now, .. } = &mut self.nodes[*folder] else {
                panic!("{name}: not in a folder")
            };
            set(now, name, *node);
        }
        self.moves.push(step);
    }
}

impl Luck {
    fn keeps(self, random: &mut Random) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Some(percent) => random.below(100) < percent,
        }
    }
}

fn set(entries: &mut Entries, name: &str, node: Option<usize>) {
    match node {
        Some(node) => entries.insert(name.to_owned(), node),
        None => entries.remove(name),
    };
}

/// What a power cut leaves of a file's content.
fn left_of(durable: &[u8], pending: &[Change], random: &mut Random, luck: Luck) -> Vec<u8> {
    let mut bytes = durable.to_vec();
    // What is in new space before anything of ours has come there.
    let strange = random.below(2) == 0;
    for change in pending {
        let end = bytes.len();
        let Change::Bytes { offset, bytes: written } = change else {
            if luck.keeps(random) {
                apply(&mut bytes, change, |_| true);
            }
            continue;
        };
        let grows = offset + written.len() > end;
        if grows && luck.keeps(random) {
            bytes.resize(offset + written.len(), 0);
            if strange && luck != Luck::Everything {
                bytes[(*offset).max(end)..].fill_with(|| random.next().to_le_bytes()[0]);
            }
        }
        apply(&mut bytes, change, |_| luck.keeps(random));
    }
    bytes
}

/// Makes a change; of bytes only in the sectors that are kept.
fn apply(content: &mut Vec<u8>, change: &Change, mut keeps: impl FnMut(usize) -> bool) {
    match change {
        Change::Size(size) => content.resize(*size, 0),
        Change::Bytes { offset, bytes } => {
            let mut from = 0;
            while from < bytes.len() {
                let at = offset + from;
                let to = (from + SECTOR_BYTES - at % SECTOR_BYTES).min(bytes.len());
                if keeps(at / SECTOR_BYTES) {
                    let end = at + to - from;
                    if content.len() < end {
                        content.resize(end, 0);
                    }
                    content[at..end].copy_from_slice(&bytes[from..to]);
                }
                from = to;
            }
        }
    }
}
