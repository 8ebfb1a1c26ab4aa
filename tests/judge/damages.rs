//! `check` beside `PRAGMA integrity_check`, over seeded damage of every sort: nothing that SQLite calls broken is called sound.

use std::collections::BTreeMap;
use std::io::Cursor;

use litecopy::inspect::{CheckOptions, CheckReport, PageUse, check, page, pages, space};
use litecopy::{Database, PageNumber, Source, SourceBytes};
use rusqlite::{Connection, MAIN_DB};

use crate::files::Folder;
use crate::random::{Random, seed};

/// How many damages each sort gets on each database.
const EACH: usize = 40;

/// A sound database, and what its pages are used for.
struct Sound {
    bytes: Vec<u8>,
    page_bytes: usize,
    uses: Vec<PageUse>,
}

impl Sound {
    fn new(settings: &str) -> Self {
        let folder = Folder::new();
        let path = folder.join("a.db");
        let db = Connection::open(&path).unwrap();
        db.execute_batch(settings).unwrap();
        db.execute_batch(
            "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT COLLATE NOCASE, c, d REAL, e TEXT UNIQUE NOT NULL);
             CREATE INDEX t_b ON t(b, c DESC); CREATE INDEX t_d ON t(d) WHERE a > 9;
             CREATE TABLE w(k TEXT, l INTEGER, v BLOB, PRIMARY KEY (k, l)) WITHOUT ROWID;
             CREATE INDEX w_v ON w(v); CREATE TABLE gone(x);
             INSERT INTO t WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 300)
                SELECT i, 'B' || (i % 41), i * 1000003 % 977, i / 4.0, 'e' || i FROM n;
             INSERT INTO w SELECT 'k' || (a % 60), a, zeroblob(a % 90) FROM t;
             INSERT INTO t VALUES (1000, 'long', hex(zeroblob(3000)), 1, 'long'), (1001, 'l', zeroblob(9000), 2, 'm');
             INSERT INTO gone SELECT zeroblob(700) FROM t LIMIT 40; DROP TABLE gone;
             DELETE FROM t WHERE a % 11 = 3;",
        )
        .unwrap();
        db.close().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let database = open(&bytes);
        let page_bytes = database.page_size().bytes_usize();
        let uses = pages(&database).unwrap().iter().map(|page| page.kind).collect();
        let sound = Self { bytes, page_bytes, uses };
        assert_eq!(sqlite_says(&sound.bytes), Vec::<String>::new());
        assert!(ours(&sound.bytes).sound);
        sound
    }

    /// Where a page of one of these kinds begins; `None` where there is none.
    fn page_of(&self, kinds: &[PageUse], random: &mut Random) -> Option<usize> {
        let all: Vec<usize> = (0..self.uses.len()).filter(|&page| kinds.contains(&self.uses[page])).collect();
        (!all.is_empty()).then(|| *random.one_of(&all) * self.page_bytes)
    }
}

/// A sort of damage: what it does to a copy of the bytes; `false` where it does not apply.
type Damage = fn(&Sound, &mut [u8], &mut Random) -> bool;

const TREES: &[PageUse] =
    &[PageUse::TableInterior, PageUse::TableLeaf, PageUse::IndexInterior, PageUse::IndexLeaf];

const SORTS: &[(&str, Damage)] = &[
    ("a bit anywhere", |_, bytes, random| {
        let at = below(random, bytes.len());
        bytes[at] ^= 1 << random.below(8);
        true
    }),
    ("a header field of a b-tree page", |sound, bytes, random| {
        let Some(page) = sound.page_of(TREES, random) else { return false };
        let header = if page == 0 { 100 } else { page };
        put(bytes, header + below(random, 12), random, 1)
    }),
    ("a cell pointer", |sound, bytes, random| {
        let Some(page) = sound.page_of(TREES, random) else { return false };
        let header = if page == 0 { 100 } else { page };
        let cells = usize::from(u16::from_be_bytes([bytes[header + 3], bytes[header + 4]])).max(1);
        let start = if bytes[header] & 8 == 0 { 12 } else { 8 };
        put(bytes, header + start + 2 * below(random, cells) + below(random, 2), random, 1)
    }),
    ("a child", |sound, bytes, random| {
        let Some(page) = sound.page_of(&[PageUse::TableInterior, PageUse::IndexInterior], random) else {
            return false;
        };
        let header = if page == 0 { 100 } else { page };
        let at = if random.below(2) == 0 {
            header + 8
        } else {
            page + usize::from(u16::from_be_bytes([bytes[header + 12], bytes[header + 13]]))
                % (sound.page_bytes - 4)
        };
        let other = u32::try_from(below(random, sound.uses.len() + 3)).unwrap();
        bytes[at..at + 4].copy_from_slice(&other.to_be_bytes());
        true
    }),
    ("a byte of a table leaf", |sound, bytes, random| byte_of(sound, bytes, random, PageUse::TableLeaf)),
    ("a byte of an index leaf", |sound, bytes, random| byte_of(sound, bytes, random, PageUse::IndexLeaf)),
    ("a byte of an index interior page", |sound, bytes, random| {
        byte_of(sound, bytes, random, PageUse::IndexInterior)
    }),
    ("a link of an overflow chain", |sound, bytes, random| link(sound, bytes, random, PageUse::Overflow, 0)),
    ("a freelist trunk", |sound, bytes, random| {
        let field = 4 * below(random, 12);
        link(sound, bytes, random, PageUse::FreelistTrunk, field)
    }),
    ("a pointer map entry", |sound, bytes, random| {
        let Some(page) = sound.page_of(&[PageUse::PointerMap], random) else { return false };
        put(bytes, page + below(random, 5 * sound.uses.len()).min(sound.page_bytes - 1), random, 1)
    }),
    ("the database header", |_, bytes, random| put(bytes, 16 + below(random, 84), random, 1)),
    ("a page of zeros", |sound, bytes, random| {
        let page = below(random, sound.uses.len()) * sound.page_bytes;
        bytes[page..page + sound.page_bytes].fill(0);
        true
    }),
    ("a page of noise", |sound, bytes, random| {
        let page = below(random, sound.uses.len()) * sound.page_bytes;
        bytes[page..page + sound.page_bytes].fill_with(|| random.next().to_be_bytes()[0]);
        true
    }),
    ("a page that is another", |sound, bytes, random| {
        let [from, to] = [0; 2].map(|_| below(random, sound.uses.len()) * sound.page_bytes);
        bytes.copy_within(from..from + sound.page_bytes, to);
        true
    }),
    ("the last pages missing", |_, bytes, random| {
        // They read as zeros.
        let from = bytes.len() - below(random, bytes.len() / 4) - 1;
        bytes[from..].fill(0);
        true
    }),
];

fn below(random: &mut Random, limit: usize) -> usize {
    usize::try_from(random.below(limit as u64)).unwrap()
}

/// Puts other bytes there.
fn put(bytes: &mut [u8], at: usize, random: &mut Random, count: usize) -> bool {
    for byte in &mut bytes[at..at + count] {
        *byte = byte.wrapping_add(u8::try_from(random.below(255)).unwrap() + 1);
    }
    true
}

fn byte_of(sound: &Sound, bytes: &mut [u8], random: &mut Random, kind: PageUse) -> bool {
    let Some(page) = sound.page_of(&[kind], random) else { return false };
    // Mostly where the cells are.
    let at = sound.page_bytes - 1 - below(random, sound.page_bytes * 3 / 4);
    put(bytes, page + at, random, 1)
}

fn link(sound: &Sound, bytes: &mut [u8], random: &mut Random, kind: PageUse, field: usize) -> bool {
    let Some(page) = sound.page_of(&[kind], random) else { return false };
    let other = match random.below(3) {
        0 => 0,
        1 => u32::try_from(below(random, sound.uses.len() + 2)).unwrap(),
        _ => u32::try_from(random.below(1 << 32)).unwrap(),
    };
    bytes[page + field..page + field + 4].copy_from_slice(&other.to_be_bytes());
    true
}

fn open(bytes: &[u8]) -> Database {
    let bytes = SourceBytes { database: bytes.to_vec(), ..SourceBytes::default() };
    Database::open(Source::open(bytes).unwrap(), None).unwrap()
}

pub(crate) fn ours(bytes: &[u8]) -> CheckReport {
    check(&open(bytes), &CheckOptions::new(), |_| {}).unwrap()
}

/// The other reports come to an end too, and count the same pages.
fn assert_counts_agree(bytes: &[u8], number: usize) {
    let database = open(bytes);
    let (uses, sums) = (pages(&database).unwrap(), space(&database).unwrap());
    let count = |kind| uses.iter().filter(|page| page.kind == kind).count();
    assert_eq!(count(PageUse::Unreachable), sums.unreachable_pages as usize);
    let owned = uses.iter().filter(|page| page.owner.is_some()).count();
    assert_eq!(owned, sums.owners.iter().map(|owner| owner.pages as usize).sum::<usize>());
    let number = u32::try_from(number).unwrap() % database.page_count().max(1) + 1;
    let content = page(&database, PageNumber::new(number).unwrap()).unwrap().unwrap();
    let parts: usize = content.parts.iter().map(|part| part.bytes as usize).sum();
    assert!(parts >= database.page_size().bytes_usize());
}

/// What SQLite finds; nothing for a sound database.
pub(crate) fn sqlite_says(bytes: &[u8]) -> Vec<String> {
    let mut db = Connection::open_in_memory().unwrap();
    db.deserialize_read_exact(MAIN_DB, Cursor::new(bytes), bytes.len(), true).unwrap();
    let found = || -> rusqlite::Result<Vec<String>> {
        let mut statement = db.prepare("PRAGMA integrity_check")?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        rows.collect()
    };
    match found() {
        Ok(lines) => lines.into_iter().filter(|line| line != "ok").collect(),
        Err(error) => vec![error.to_string()],
    }
}

/// What an engine alone can know is not the structure.
fn is_structural(line: &str) -> bool {
    let of_content = ["CHECK constraint failed", "no such collation"];
    !of_content.iter().any(|words| line.contains(words))
}

#[test]
fn nothing_that_sqlite_calls_broken_is_called_sound() {
    let mut random = Random::from_seed(seed("damages"));
    let sounds = [
        "PRAGMA page_size = 512",
        "PRAGMA page_size = 1024; PRAGMA auto_vacuum = FULL",
        "PRAGMA page_size = 512; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA encoding = 'UTF-16le'",
        "PRAGMA page_size = 4096",
    ]
    .map(Sound::new);
    // By sort of damage: both silent, both, SQLite alone, we alone.
    let mut table: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    let mut alone: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut missed = Vec::new();
    for (sort, damage) in SORTS {
        for (which, sound) in sounds.iter().enumerate() {
            for number in 0..EACH {
                let mut bytes = sound.bytes.clone();
                if !damage(sound, &mut bytes, &mut random) {
                    break;
                }
                let (sqlite, report) = (sqlite_says(&bytes), ours(&bytes));
                assert_counts_agree(&bytes, number);
                let structural: Vec<_> = sqlite.iter().filter(|line| is_structural(line)).collect();
                let place = usize::from(!structural.is_empty()) + 2 * usize::from(!report.sound);
                table.entry(sort).or_default()[[0, 2, 3, 1][place]] += 1;
                if sqlite.is_empty() && !report.sound {
                    let finding = &report.findings[0];
                    *alone.entry((*sort, finding.kind.name())).or_default() += 1;
                    println!("{sort}: {}", finding.detail);
                }
                if !structural.is_empty() && report.sound {
                    missed.push(format!("{sort}, database {which}, number {number}: {structural:?}"));
                }
            }
        }
    }
    println!("{:<36} {:>7} {:>7} {:>7} {:>7}", "damage", "neither", "both", "SQLite", "check");
    for (sort, [neither, both, sqlite, check]) in &table {
        println!("{sort:<36} {neither:>7} {both:>7} {sqlite:>7} {check:>7}");
    }
    println!("what only check finds, by its first finding:");
    for ((sort, kind), count) in &alone {
        println!("{sort:<36} {kind:<20} {count:>4}");
    }
    assert!(missed.is_empty(), "{} were missed:\n{}", missed.len(), missed.join("\n"));
}
