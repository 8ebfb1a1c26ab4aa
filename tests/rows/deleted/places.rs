//! Where the bytes of a row are still to be found in the files, and what lies there, read apart from the reader.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::record::Cell;
use super::scene::Scene;

/// The bytes of a file, findable by any four of them.
struct Haystack {
    bytes: Vec<u8>,
    places: HashMap<[u8; 4], Vec<usize>>,
}

impl Haystack {
    fn new(bytes: Vec<u8>) -> Self {
        let mut places: HashMap<[u8; 4], Vec<usize>> = HashMap::new();
        for (at, four) in bytes.windows(4).enumerate() {
            if four != [0; 4] {
                places.entry(four.try_into().unwrap()).or_default().push(at);
            }
        }
        Self { bytes, places }
    }

    fn find(&self, needle: &[u8]) -> Vec<usize> {
        let anchors = needle.windows(4).take(64).enumerate().filter(|(_, four)| *four != [0; 4]);
        let places = |four: &[u8]| self.places.get(four).map_or(&[][..], Vec::as_slice);
        let Some((offset, four)) = anchors.min_by_key(|(_, four)| places(four).len()) else {
            return Vec::new();
        };
        let starts = places(four).iter().filter_map(|at| at.checked_sub(offset));
        starts.filter(|&at| self.bytes[at..].starts_with(needle)).collect()
    }
}

/// The files of a scene, and what the pages of the database are.
pub(crate) struct Files {
    database: Haystack,
    log: Haystack,
    journal: Haystack,
    page_size: usize,
    free: BTreeSet<usize>,
    /// Those in b-trees, and in overflow chains.
    trees: BTreeSet<usize>,
    chains: BTreeSet<usize>,
    /// Those of which the log has an image.
    logged: BTreeSet<usize>,
}

/// How much of a row is there, and in what.
pub(crate) enum Left {
    Whole(BTreeSet<&'static str>),
    Part,
    Nothing,
}

impl Files {
    pub(crate) fn new(scene: &Scene, folder: &Path) -> Self {
        let read = |name: &str| fs::read(folder.join(name)).unwrap_or_default();
        let copy = tempfile::tempdir().unwrap();
        for name in ["a.db", "a.db-wal", "a.db-journal"] {
            let _ = fs::copy(folder.join(name), copy.path().join(name));
        }
        // SQLite rolls a hot journal back: what was not committed never was.
        let db = Connection::open(copy.path().join("a.db")).unwrap();
        let sql = "SELECT pageno, pagetype = 'overflow' FROM dbstat";
        let pages: Vec<(usize, bool)> = {
            let mut statement = db.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?))).unwrap();
            rows.map(Result::unwrap).map(|(page, chain)| (usize::try_from(page).unwrap(), chain)).collect()
        };
        let database = if scene.is_hot { fs::read(copy.path().join("a.db")).unwrap() } else { read("a.db") };
        let log = read("a.db-wal");
        let frame = scene.page_size + 24;
        let frames = log.get(32..).unwrap_or_default().chunks_exact(frame);
        let logged =
            frames.map(|frame| u32::from_be_bytes(frame[..4].try_into().unwrap()) as usize).collect();
        let free = free_pages(&database, scene.page_size);
        let of = |wanted: bool| {
            pages.iter().filter(|(_, chain)| *chain == wanted).map(|(page, _)| *page).collect()
        };
        Self {
            database: Haystack::new(database),
            log: Haystack::new(log),
            journal: Haystack::new(read("a.db-journal")),
            page_size: scene.page_size,
            free,
            trees: of(false),
            chains: of(true),
            logged,
        }
    }

    /// What is left of a row: but for the four bytes at its start that any free block takes.
    pub(crate) fn left(&self, cell: &Cell) -> Left {
        let wanted = &cell.local[4.min(cell.local.len())..];
        if wanted.len() >= 4 && cell.chunks.iter().all(|chunk| self.have(chunk)) {
            let mut places: BTreeSet<&'static str> =
                self.database.find(wanted).into_iter().map(|at| self.place(at)).collect();
            places.extend((!self.log.find(wanted).is_empty()).then_some("wal"));
            places.extend((!self.journal.find(wanted).is_empty()).then_some("journal"));
            if !places.is_empty() {
                return Left::Whole(places);
            }
        }
        let least = &cell.local[4.min(cell.local.len())..cell.least.max(4).min(cell.local.len())];
        if least.len() >= 6 && self.have(least) { Left::Part } else { Left::Nothing }
    }

    /// Whether these bytes are in any file.
    pub(crate) fn have(&self, bytes: &[u8]) -> bool {
        self.all().into_iter().any(|file| !file.find(bytes).is_empty())
    }

    fn all(&self) -> [&Haystack; 3] {
        [&self.database, &self.log, &self.journal]
    }

    fn place(&self, at: usize) -> &'static str {
        let page = at / self.page_size + 1;
        match () {
            () if self.logged.contains(&page) => "unreachable",
            () if self.free.contains(&page) => "freelist",
            () if self.chains.contains(&page) => "overflow-slack",
            () if self.trees.contains(&page) && self.in_free_block(page, at % self.page_size) => "free-block",
            () if self.trees.contains(&page) => "unallocated",
            () => "unreachable",
        }
    }

    fn in_free_block(&self, page: usize, offset: usize) -> bool {
        let bytes = &self.database.bytes[(page - 1) * self.page_size..page * self.page_size];
        let two = |at: usize| usize::from(bytes[at]) << 8 | usize::from(bytes[at + 1]);
        let mut block = two(if page == 1 { 101 } else { 1 });
        while block > 0 && block + 4 <= self.page_size {
            if (block..block + two(block + 2)).contains(&offset) {
                return true;
            }
            block = two(block);
        }
        false
    }
}

fn free_pages(database: &[u8], page_size: usize) -> BTreeSet<usize> {
    let four = |at: usize| u32::from_be_bytes(database[at..at + 4].try_into().unwrap()) as usize;
    let mut free = BTreeSet::new();
    let mut trunk = four(32);
    while trunk > 0 && trunk * page_size <= database.len() && free.insert(trunk) {
        let start = (trunk - 1) * page_size;
        let leaves = four(start + 4).min(page_size / 4 - 2);
        free.extend((0..leaves).map(|leaf| four(start + 8 + 4 * leaf)));
        trunk = four(start);
    }
    free
}
