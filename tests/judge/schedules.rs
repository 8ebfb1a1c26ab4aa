//! Others arrive, recover, commit, checkpoint, leave and are killed between and during the steps of a copy, in random
//! schedules from a printed seed: never a mixed copy, never a missed commit, never a needless restart.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use litecopy::{Backup, Consistency, CopyOptions, FileTarget, MemoryTarget, StepOutcome};

use crate::files::Folder;
use crate::judge::logical_image;
use crate::peer::Peer;
use crate::random::{Random, seed};
use crate::states::{BIG_CHANGE, Scene};
use crate::writer::{self, Plan};

const SCRIPTS: u64 = 12;
const ACTIONS: usize = 30;

#[test]
fn between_steps_with_a_journal() {
    play_scripts("DELETE", Consistency::Step);
    play_scripts("PERSIST", Consistency::Step);
}

#[test]
fn between_steps_with_a_log() {
    play_scripts("WAL", Consistency::Step);
}

#[test]
fn between_steps_that_hold_one_snapshot() {
    play_scripts("DELETE", Consistency::Hold);
    play_scripts("WAL", Consistency::Hold);
}

fn play_scripts(journal_mode: &'static str, consistency: Consistency) {
    let seed = seed(&format!("schedules, {journal_mode}, {consistency:?}"));
    let mut random = Random::from_seed(seed);
    let mut begun = Instant::now();
    let (mut done, mut restarts, mut scripts) = (0, 0, 0);
    while scripts < SCRIPTS || begun.elapsed() < soak_time(0) {
        scripts += 1;
        let mut script = Script::new(journal_mode, consistency);
        for _ in 0..ACTIONS {
            script.act(&mut random);
        }
        script.finish();
        (done, restarts) = (done + script.done, restarts + script.restarts);
        begun = if scripts < SCRIPTS { Instant::now() } else { begun };
    }
    println!("{journal_mode}, {consistency:?}: {done} copies, {restarts} restarts in {scripts} scripts");
    assert!(done >= scripts);
}

/// One source, up to three processes that use it, and our copy.
struct Script {
    scene: Scene,
    journal_mode: &'static str,
    consistency: Consistency,
    peers: [Option<Peer>; 3],
    /// Whether the peer is in a transaction of which nothing is committed yet.
    writing: [bool; 3],
    backup: Backup<MemoryTarget>,
    /// What the source held when the first page was copied.
    begun_with: Option<Vec<u8>>,
    /// What happened since the last step that was not busy.
    commits: u32,
    /// How often somebody left: a wal-index that nobody keeps tells no longer that an emptied log saw no commit, and the
    /// copy may begin again for nothing.
    leavings: u32,
    told: Vec<String>,
    done: u64,
    restarts: u64,
}

impl Script {
    fn new(journal_mode: &'static str, consistency: Consistency) -> Self {
        let scene = Scene::with(&format!("PRAGMA auto_vacuum = FULL; PRAGMA journal_mode = {journal_mode}"));
        Self {
            backup: new_backup(&scene, consistency),
            scene,
            journal_mode,
            consistency,
            peers: [None, None, None],
            writing: [false; 3],
            begun_with: None,
            commits: 0,
            leavings: 0,
            told: Vec::new(),
            done: 0,
            restarts: 0,
        }
    }

    fn act(&mut self, random: &mut Random) {
        let place = usize::try_from(random.below(3)).unwrap();
        match random.below(10) {
            0..=3 => self.step(*random.one_of(&[0, 1, 5, 20, 40])),
            4..=6 => self.change(place, random),
            7 => self.leave(place, random),
            _ if self.journal_mode == "WAL" => {
                let how = random.one_of(&["PASSIVE", "FULL", "RESTART", "TRUNCATE"]);
                // Refused while somebody is in the way.
                let _refused_or_not = self.run(place, &format!("PRAGMA wal_checkpoint({how})"));
            }
            _ => drop(self.run(place, "SELECT count(*) FROM t")),
        }
    }

    fn run(&mut self, place: usize, sql: &str) -> bool {
        let peer = self.peers[place].get_or_insert_with(|| {
            let mut peer = Peer::connected_to(&self.scene.path);
            // Refused while another one is exclusive: then the mode is that of the file, or DELETE.
            drop(peer.execute("main", &format!("PRAGMA journal_mode = {}", self.journal_mode)));
            drop(peer.execute("main", "PRAGMA wal_autocheckpoint = 40; PRAGMA cache_size = 5;"));
            peer
        });
        let outcome = peer.execute("main", sql);
        self.told.push(format!("peer {place}: {sql} {outcome:?}"));
        if let Err(failure) = &outcome {
            // Locked: by a statement of the connection itself.
            assert!([crate::peer::BUSY, 6].contains(&failure.code), "{:#?}", self.told);
        }
        outcome.is_ok()
    }

    /// Commits, or begins a transaction, or ends one.
    fn change(&mut self, place: usize, random: &mut Random) {
        if self.writing[place] {
            let end = *random.one_of(&["COMMIT", "ROLLBACK"]);
            if self.run(place, end) {
                self.writing[place] = false;
                self.commits += u32::from(end == "COMMIT");
            }
            return;
        }
        let row = random.below(120);
        let sql = match random.below(5) {
            0 => BIG_CHANGE.to_owned(),
            1 => format!("INSERT INTO ballast VALUES (randomblob({}));", row * 200 + 1),
            2 => "DELETE FROM ballast; INSERT INTO ballast VALUES (randomblob(700));".to_owned(),
            _ => format!("UPDATE t SET c = randomblob(700) WHERE a % 50 = {};", row % 50),
        };
        if !self.run(place, "BEGIN IMMEDIATE") {
            return;
        }
        self.writing[place] = true;
        let changed = self.run(place, &sql);
        if !changed || random.below(3) > 0 {
            let end = if changed { "COMMIT" } else { "ROLLBACK" };
            if self.run(place, end) {
                self.writing[place] = false;
                self.commits += u32::from(changed);
            }
        }
    }

    fn leave(&mut self, place: usize, random: &mut Random) {
        let Some(mut peer) = self.peers[place].take() else { return };
        self.writing[place] = false;
        self.leavings += 1;
        if random.below(2) == 0 {
            self.told.push(format!("peer {place} is killed"));
            peer.kill();
        } else {
            self.told.push(format!("peer {place} closes"));
            peer.close("main").unwrap();
            peer.quit();
        }
    }

    fn step(&mut self, pages: i32) {
        let before = self.backup.progress().restarts;
        let outcome = self.backup.step(pages).unwrap();
        self.told.push(format!("step({pages}): {outcome:?}"));
        let restarted = self.backup.progress().restarts - before;
        if outcome == StepOutcome::Busy {
            if restarted > 0 {
                // Nobody was connected, so no lock could hold the log, and then somebody came: it begins anew.
                assert!(self.journal_mode == "WAL", "{:#?}", self.told);
                self.begun_with = None;
            }
            return;
        }
        let first = self.begun_with.is_none();
        if first {
            self.begun_with = Some(self.committed());
        } else if self.consistency == Consistency::Hold {
            assert_eq!(restarted, 0, "{:#?}", self.told);
        } else if self.commits > 0 {
            assert_eq!(restarted, 1, "a commit was missed: {:#?}", self.told);
        } else if self.leavings == 0 || self.journal_mode != "WAL" {
            assert_eq!(restarted, 0, "nothing was committed: {:#?}", self.told);
        }
        (self.commits, self.leavings) = (0, 0);
        if outcome == StepOutcome::Done {
            self.check();
        }
    }

    /// What SQLite finds committed.
    fn committed(&self) -> Vec<u8> {
        let folder = Folder::for_judging();
        fs::read(logical_image(&self.scene.path, &folder)).unwrap()
    }

    /// The copy is done: it must be of the moment of its last step, or, when held, of its first.
    fn check(&mut self) {
        let expected = match self.consistency {
            Consistency::Hold => self.begun_with.take().unwrap(),
            _ => self.committed(),
        };
        let next = new_backup(&self.scene, self.consistency);
        let backup = std::mem::replace(&mut self.backup, next);
        self.restarts += backup.progress().restarts;
        assert!(backup.finish().unwrap().output == expected, "{:#?}", self.told);
        self.begun_with = None;
        self.done += 1;
    }

    /// Brings the copy at hand to its end, when all others are gone.
    fn finish(&mut self) {
        for peer in self.peers.iter_mut().filter_map(Option::take) {
            peer.kill();
        }
        self.leavings += 1;
        let done = self.done;
        while self.done == done {
            self.step(50);
        }
    }
}

fn new_backup(scene: &Scene, consistency: Consistency) -> Backup<MemoryTarget> {
    CopyOptions::new().consistency(consistency).begin(&scene.path, MemoryTarget::new()).unwrap()
}

#[test]
fn during_steps_with_a_journal() {
    copy_beside_dying_writers("DELETE");
    copy_beside_dying_writers("TRUNCATE");
    copy_beside_dying_writers("PERSIST");
}

#[test]
fn during_steps_with_a_log() {
    copy_beside_dying_writers("WAL");
}

/// Copies in steps while two writers write, and die in the middle of it, so that the other one has to recover.
fn copy_beside_dying_writers(journal_mode: &'static str) {
    let seed = seed(&format!("dying writers, {journal_mode}"));
    let mut random = Random::from_seed(seed);
    let folder = Folder::new();
    let source = folder.join("source.db");
    writer::create(&source, journal_mode);
    let start = |random: &mut Random| {
        let mut peer = Peer::start();
        peer.start_writer(&Plan {
            database: source.clone(),
            seed: random.next() >> 1,
            journal_mode,
            reconnect_after: 3,
            checkpoints: journal_mode == "WAL",
            pause_ms: 20,
            big: random.below(2) == 0,
        });
        peer
    };
    let mut writers = [start(&mut random), start(&mut random)];
    let (mut copies, mut kills, mut restarts, mut busy) = (0, 0, 0, 0);
    let begun = Instant::now();
    while begun.elapsed() < soak_time(2) || copies < 5 {
        assert!(begun.elapsed() < soak_time(2) + Duration::from_secs(60), "{copies} copies");
        let committed = writers.each_mut().map(|peer| peer.versions().committed).into_iter().max().unwrap();
        let consistency = *random.one_of(&[Consistency::Step, Consistency::Hold]);
        let pages = *random.one_of(&[10, 40, 100, -1]);
        let targets = Folder::for_judging();
        let copy: PathBuf = targets.join("copy.db");
        let options = CopyOptions::new().consistency(consistency);
        let mut backup = options.begin(&source, FileTarget::new(&copy)).unwrap();
        let deadline = Instant::now() + Duration::from_millis(500);
        let done = loop {
            if random.below(12) == 0 {
                let place = usize::try_from(random.below(2)).unwrap();
                let dying = std::mem::replace(&mut writers[place], start(&mut random));
                dying.kill();
                kills += 1;
            }
            match backup.step(pages).unwrap() {
                StepOutcome::Done => break true,
                StepOutcome::Busy => {
                    busy += 1;
                    std::thread::sleep(Duration::from_micros(random.below(2000)));
                }
                StepOutcome::More => {}
            }
            if Instant::now() > deadline {
                break false;
            }
        };
        restarts += backup.progress().restarts;
        drop(backup);
        if done {
            let version = writer::verify(&copy);
            assert!(version >= committed, "version {version}, {committed} was committed before");
            copies += 1;
        }
    }
    println!("{journal_mode}: {copies} copies beside {kills} kills, {restarts} restarts, {busy} times busy");
    drop(writers);
    writer::verify(&source);
}

/// How long a run takes at the least.
pub(crate) fn soak_time(seconds: u64) -> Duration {
    let seconds = std::env::var("LITECOPY_SOAK_SECONDS").map_or(seconds, |text| text.parse().unwrap());
    Duration::from_secs(seconds)
}
