//! `pages` and `space` beside SQLite's own `dbstat` table, page by page, over databases of every kind.

use std::collections::BTreeMap;
use std::path::Path;

use litecopy::inspect::{PageReport, PageUse, PagesReport, pages, space};
use litecopy::{Database, Source};
use rusqlite::Connection;

use crate::files::Folder;
use crate::judge::logical_image;
use crate::makers::{Kind, Made, contents, journal_modes, past_the_lock_byte_page, shapes, sizes};

/// What `dbstat` says of a page.
#[derive(Debug)]
struct Stat {
    page: u32,
    owner: String,
    kind: String,
    cells: i64,
    payload: i64,
    unused: i64,
    largest: i64,
}

/// Content that the makers have not: indexes of every sort, deep trees, an interior page with an overflow chain.
fn indexes() -> Vec<Kind> {
    let kind = |name, settings: &'static str| {
        Kind::at_rest(name, move |path| {
            let db = Connection::open(path).unwrap();
            db.execute_batch(settings).unwrap();
            db.execute_batch(
                "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT COLLATE NOCASE, c TEXT, d REAL, e UNIQUE);
                 CREATE INDEX t_partial ON t(b) WHERE d > 50; CREATE INDEX t_desc ON t(c DESC, b);
                 CREATE INDEX t_expression ON t(lower(c), d * 2); CREATE INDEX t_rtrim ON t(c COLLATE RTRIM);
                 CREATE INDEX t_long ON t(c || hex(zeroblob(400)));
                 CREATE TABLE w(a, b, c, PRIMARY KEY (b DESC, a)) WITHOUT ROWID; CREATE UNIQUE INDEX w_c ON w(c);
                 CREATE TABLE empty(a UNIQUE);
                 INSERT INTO t WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 900)
                    SELECT i, 'B' || (i % 37), hex(i * 7919) || '  ', i / 3.0, i FROM n;
                 INSERT INTO w SELECT a, b, c || a FROM t; DELETE FROM t WHERE a % 4 = 1;",
            )
            .unwrap();
        })
    };
    vec![
        kind("indexes, 512", "PRAGMA page_size = 512"),
        kind("indexes, 1024, auto_vacuum", "PRAGMA page_size = 1024; PRAGMA auto_vacuum = FULL"),
        kind("indexes, 4096", ""),
        kind("indexes, UTF-16", "PRAGMA page_size = 2048; PRAGMA encoding = 'UTF-16be'"),
    ]
}

/// Databases of every kind, sound ones all of them.
pub(crate) fn every_kind() -> impl Iterator<Item = Kind> {
    [shapes(), contents(), journal_modes(), sizes(), indexes(), vec![past_the_lock_byte_page()]]
        .into_iter()
        .flatten()
}

pub(crate) fn open(path: &Path) -> Database {
    Database::open(Source::open(path).unwrap(), None).unwrap()
}

fn stats(image: &Path) -> Vec<Stat> {
    let db = Connection::open(image).unwrap();
    let sql = "SELECT pageno, name, pagetype, ncell, payload, unused, mx_payload FROM dbstat ORDER BY pageno";
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| {
        Ok(Stat {
            page: row.get(0)?,
            owner: row.get(1)?,
            kind: row.get(2)?,
            cells: row.get(3)?,
            payload: row.get(4)?,
            unused: row.get(5)?,
            largest: row.get(6)?,
        })
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// `dbstat` takes the start of the cell content at 65536 for 0, as it is stored.
fn unused_of(stat: &Stat) -> i64 {
    if stat.unused < 0 { stat.unused + 65536 } else { stat.unused }
}

fn assert_is(page: &PageReport<'_>, stat: &Stat) {
    assert_eq!(page.owner, Some(stat.owner.as_str()), "{stat:?}");
    let numbers = [page.cells, page.payload_bytes, page.unused_bytes, page.largest_payload_bytes];
    if stat.kind == "overflow" {
        assert_eq!(page.kind, PageUse::Overflow, "{stat:?}");
        assert_eq!(numbers, [None; 4]);
        assert_eq!(i64::from(page.used_bytes), stat.payload + 4, "{stat:?}");
        return;
    }
    let expected = [stat.cells, stat.payload, unused_of(stat), stat.largest];
    assert_eq!(numbers.map(|number| i64::from(number.unwrap())), expected, "{stat:?}");
    let is_leaf = matches!(page.kind, PageUse::TableLeaf | PageUse::IndexLeaf);
    assert_eq!(is_leaf, stat.kind == "leaf", "{stat:?}");
}

/// What SQLite says of the pages that `dbstat` leaves out.
fn assert_rest(made: &Made, report: &PagesReport, image: &Path) {
    let count = |kind| report.iter().filter(|page| page.kind == kind).count();
    let db = Connection::open(image).unwrap();
    let pragma = |sql| db.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap() as usize;
    assert_eq!(report.page_count() as usize, pragma("PRAGMA page_count"));
    let free = count(PageUse::FreelistTrunk) + count(PageUse::FreelistLeaf);
    assert_eq!(free, pragma("PRAGMA freelist_count"), "{}", made.path.display());
    assert_eq!(count(PageUse::Unreachable) + count(PageUse::Unreadable), 0);
    assert_eq!(count(PageUse::PointerMap) > 0, pragma("PRAGMA auto_vacuum") > 0 && report.page_count() > 1);
}

#[test]
fn pages_and_space_are_what_dbstat_says() {
    for kind in every_kind() {
        println!("{}", kind.name);
        let made = kind.make();
        let mut database = open(&made.path);
        let report = database.report(pages).unwrap();
        let sums = database.report(space).unwrap();
        drop(database);
        let images = Folder::new();
        let image = logical_image(&made.path, &images);
        if report.page_count() == 0 {
            assert!(sums.owners.is_empty());
            continue;
        }
        let stats = stats(&image);
        for stat in &stats {
            assert_is(&report.get(stat.page).unwrap(), stat);
        }
        assert_eq!(report.iter().filter(|page| page.owner.is_some()).count(), stats.len());
        assert_rest(&made, &report, &image);
        let mut by_owner: BTreeMap<&str, (u64, i64, i64, i64)> = BTreeMap::new();
        for stat in &stats {
            let sum = by_owner.entry(&stat.owner).or_default();
            *sum = (sum.0 + 1, sum.1 + stat.payload, sum.2 + unused_of(stat), sum.3.max(stat.largest));
        }
        assert_eq!(sums.owners.len(), by_owner.len());
        for owner in &sums.owners {
            let found = (
                u64::from(owner.pages),
                i64::try_from(owner.payload_bytes).unwrap(),
                i64::try_from(owner.unused_bytes).unwrap(),
                i64::from(owner.largest_payload_bytes),
            );
            assert_eq!(found, by_owner[owner.name.as_str()], "{}", owner.name);
        }
        assert_entries(&image, &sums);
    }
}

/// Entries are rows, or those of them that an index has.
fn assert_entries(image: &Path, sums: &litecopy::inspect::SpaceReport) {
    let db = Connection::open(image).unwrap();
    for owner in sums.owners.iter().filter(|owner| owner.kind == "table") {
        let sql = format!("SELECT count(*) FROM \"{}\"", owner.name);
        let rows: u32 = db.query_row(&sql, [], |row| row.get(0)).unwrap();
        assert_eq!(owner.entries, u64::from(rows), "{}", owner.name);
    }
}

/// Pages of the log and of a hot journal say so, and which commit wrote them.
#[test]
fn a_page_says_where_it_comes_from() {
    use litecopy::SourceBytes;
    use litecopy::inspect::PageFrom;
    let folder = Folder::new();
    let path = folder.join("a.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode = WAL; CREATE TABLE a(x); CREATE TABLE b(x); PRAGMA wal_checkpoint(TRUNCATE);
         PRAGMA wal_autocheckpoint = 0; INSERT INTO a VALUES (1); INSERT INTO b VALUES (2); INSERT INTO a VALUES (3);",
    )
    .unwrap();
    let bytes = SourceBytes {
        database: std::fs::read(&path).unwrap(),
        wal: std::fs::read(folder.join("a.db-wal")).unwrap(),
        ..SourceBytes::default()
    };
    let database = Database::open(Source::open(bytes).unwrap(), None).unwrap();
    let report = pages(&database).unwrap();
    let from: Vec<_> =
        report.iter().map(|page| (page.owner.unwrap().to_owned(), page.from, page.commit)).collect();
    assert_eq!(
        from,
        [
            ("sqlite_schema".to_owned(), PageFrom::File, None),
            ("a".to_owned(), PageFrom::Wal, Some(3)),
            ("b".to_owned(), PageFrom::Wal, Some(2)),
        ]
    );
}
