//! Transactions over several databases, killed before and after their commit, which is the end of the super-journal.

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::files::{Folder, patch};
use crate::peer::Peer;
use crate::states::{Scene, cut_to, fill, size_bytes};

const SCHEMAS: [&str; 5] = ["main", "b", "c", "d", "e"];
const FOOTER_BYTES: u64 = 16;

/// Five databases in one folder, written together.
struct Set(Rc<Folder>);

impl Set {
    fn new() -> Self {
        let set = Self(Rc::new(Folder::new()));
        set.scenes().iter().for_each(|scene| fill(&scene.path, ""));
        set
    }

    fn scenes(&self) -> [Scene; 5] {
        SCHEMAS.map(|schema| Scene { folder: Rc::clone(&self.0), path: self.0.join(&format!("{schema}.db")) })
    }

    fn attach_all(&self) -> String {
        let attach = |scene: &Scene, schema| format!("ATTACH '{}' AS {schema};", scene.path.display());
        self.scenes().iter().zip(SCHEMAS).skip(1).map(|(scene, schema)| attach(scene, schema)).collect()
    }

    /// The super-journals in the folder.
    fn super_journals(&self) -> Vec<PathBuf> {
        let names = self.0.names().into_iter().filter(|name| name.contains("-mj"));
        names.map(|name| self.0.join(&name)).collect()
    }

    /// The databases whose journal ends by naming a super-journal, with the name.
    fn bound(&self) -> Vec<(Scene, PathBuf)> {
        self.scenes()
            .into_iter()
            .filter_map(|scene| named_by(&scene.journal()).map(|name| (scene, name)))
            .collect()
    }

    /// Lets a writer commit across all five over and over, and kills it when `now` says so.
    fn killed_when(&self, journal_mode: &str, mut now: impl FnMut(&Self) -> bool) {
        let mut sql = String::new();
        for schema in SCHEMAS {
            sql += &format!("PRAGMA {schema}.journal_mode = {journal_mode};");
        }
        let first = self.attach_all() + &sql;
        let changes =
            SCHEMAS.map(|schema| format!("UPDATE {schema}.t SET c = randomblob(500) WHERE a % 10 = 0;"));
        let mut writer = Peer::start();
        writer.repeat(&self.scenes()[0].path, &first, &format!("BEGIN; {} COMMIT;", changes.concat()));
        let begun = Instant::now();
        while !now(self) && begun.elapsed() < Duration::from_secs(2) {}
        writer.kill();
    }

    /// Lets SQLite recover all five together.
    fn recover(&self) {
        let mut peer = Peer::connected_to(&self.scenes()[0].path);
        peer.execute("main", &self.attach_all()).unwrap();
        for schema in SCHEMAS {
            assert_eq!(peer.query("main", &format!("PRAGMA {schema}.integrity_check")).unwrap(), [["'ok'"]]);
        }
        peer.quit();
    }
}

/// The name in the tail of a journal.
fn named_by(journal: &Path) -> Option<PathBuf> {
    let bytes = fs::read(journal).ok()?;
    let (rest, footer) = bytes.split_last_chunk::<16>()?;
    let length = u32::from_be_bytes(footer[..4].try_into().unwrap()) as usize;
    let named = bytes[0] != 0 && footer[8..] == [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    named.then(|| String::from_utf8(rest[rest.len() - length..].to_vec()).unwrap().into())
}

/// Kills until a journal is left whose super-journal is there still; `None` where that did not come to pass in time. The databases, the one
/// with that journal, and the super-journal.
#[cfg(feature = "evidence")]
pub(crate) fn bound_database() -> Option<(Rc<Folder>, Scene, PathBuf)> {
    let set = Set::new();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        set.killed_when("DELETE", |set| !set.super_journals().is_empty() && !set.bound().is_empty());
        if let Some((scene, name)) = set.bound().into_iter().find(|(_, name)| name.exists()) {
            return Some((set.0, scene, name));
        }
        set.recover();
    }
    None
}

/// Kills until both moments were met: the super-journal there (nothing is committed), and gone while journals that name
/// it still are there (all is committed).
#[test]
fn present_and_gone() {
    for journal_mode in ["DELETE", "PERSIST", "TRUNCATE"] {
        let set = Set::new();
        let (mut present, mut gone, mut kills) = (0_usize, 0_usize, 0);
        let begun = Instant::now();
        while (present < 3 || gone < 3) && begun.elapsed() < Duration::from_secs(20) {
            let mut was_there = false;
            // In turn: as soon as it is there, and as soon as it is gone again.
            set.killed_when(journal_mode, |set| {
                let is_there = !set.super_journals().is_empty();
                was_there |= is_there;
                if kills % 2 == 0 { is_there && !set.bound().is_empty() } else { was_there && !is_there }
            });
            kills += 1;
            let bound = set.bound();
            for (scene, name) in &bound {
                let changes = scene.assert_hot();
                if name.exists() {
                    present += 1;
                } else {
                    assert!(!changes, "rolled back although it was committed");
                    gone += 1;
                }
            }
            if let [(first, name), ..] = bound.as_slice()
                && present == bound.len()
                && name.exists()
            {
                changed_by_hand(first, name);
            }
            set.scenes().iter().for_each(Scene::assert_copied);
            set.recover();
            set.super_journals().iter().for_each(|left| fs::remove_file(left).unwrap());
        }
        println!("{journal_mode}: {kills} kills left {present} journals before the commit, {gone} after it");
        assert!(present > 0 && gone > 0, "{journal_mode}: {present} before, {gone} after the commit");
    }
}

/// What can be wrong with a super-journal or its name, each time judged by SQLite; then all is as it was.
fn changed_by_hand(scene: &Scene, super_journal: &Path) {
    let changes = scene.assert_hot();
    let (journal, list) = (fs::read(scene.journal()).unwrap(), fs::read(super_journal).unwrap());
    cut_to(super_journal, 0);
    scene.assert_copied();
    assert!(!scene.assert_hot(), "a super-journal of 0 bytes is as good as none");
    fs::remove_file(super_journal).unwrap();
    scene.assert_copied();
    assert!(!scene.assert_hot(), "committed");
    let name = super_journal.as_os_str().as_encoded_bytes();
    let without = |count: usize| name[..name.len() - count].to_vec();
    let with = |more: &[u8]| [name, more].concat();
    for (what, other) in [
        ("another ending", without(1)),
        ("a letter that is no digit", [&without(1)[..], b"G"].concat()),
        ("no 9", [&without(3)[..], b"8AA"].concat()),
        ("nothing but zeros", vec![0; name.len()]),
        ("a zero first", [b"\0", &name[1..]].concat()),
        ("a zero behind it", with(b"\0")),
        ("more behind a zero", with(b"\0more")),
        ("more", with(b"more")),
        ("one that is as good", with(b"-mj0123AB9CD")),
        ("only the ending", b"-mj0123AB9CD".to_vec()),
        ("too long", [vec![b'/'; 600], name.to_vec()].concat()),
        ("512 bytes", [vec![b'/'; 512 - name.len()], name.to_vec()].concat()),
        ("513 bytes", [vec![b'/'; 513 - name.len()], name.to_vec()].concat()),
        ("beyond ASCII", "/ž-mj0123AB9CD".as_bytes().to_vec()),
    ] {
        let sum = other.iter().fold(0_u32, |sum, byte| {
            let char_value = std::ffi::c_char::from_ne_bytes([*byte]);
            sum.wrapping_add(i32::from(char_value).cast_unsigned())
        });
        let before = &journal[..journal.len() - name.len() - 16];
        let length = u32::try_from(other.len()).unwrap().to_be_bytes();
        let footer = [&length[..], &sum.to_be_bytes(), &journal[journal.len() - 8..]].concat();
        fs::write(scene.journal(), [before, &other, &footer].concat()).unwrap();
        scene.assert_judged_alike(what);
    }
    fs::write(scene.journal(), &journal).unwrap();
    let end = size_bytes(&scene.journal());
    for (what, back) in [("its length", FOOTER_BYTES), ("its sum", 12), ("its magic", 8), ("its name", 17)] {
        patch(&scene.journal(), end - back, &[0x55]);
        scene.assert_judged_alike(what);
        fs::write(scene.journal(), &journal).unwrap();
    }
    fs::write(super_journal, list).unwrap();
    scene.assert_copied();
    assert_eq!(scene.assert_hot(), changes);
}
