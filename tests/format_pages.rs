//! Every page of real databases is what SQLite says it is: counts, kinds, free space, values.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

use std::collections::BTreeMap;
use std::path::Path;

use litecopy::format::btree_space::check_space;
use litecopy::format::lock_bytes::lock_byte_page;
use litecopy::format::overflow::chain_length;
use litecopy::format::pointer_map::PointerKind;
use litecopy::format::{
    BtreePage, DatabaseHeader, FreelistTrunk, JournalMode, OverflowPage, PageKind, PageNumber, PageSize,
    PointerMap, PointerMapEntry, Record, Value,
};
use rusqlite::Connection;

fn number(n: u32) -> PageNumber {
    PageNumber::new(n).unwrap()
}

/// What was found out about a page by walking to it.
#[derive(Debug, PartialEq)]
enum Use {
    Btree { cells: u16, unused: u32, payload: u64 },
    Overflow,
    Free,
    Map,
}

/// A database file in memory, walked by litecopy's own parsers.
struct Walk {
    bytes: Vec<u8>,
    header: DatabaseHeader,
    uses: BTreeMap<u32, Use>,
    pointers: BTreeMap<u32, PointerMapEntry>,
}

impl Walk {
    fn open(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let header = DatabaseHeader::parse(&bytes).unwrap();
        Self { bytes, header, uses: BTreeMap::new(), pointers: BTreeMap::new() }
    }

    fn page(&self, page: PageNumber) -> Vec<u8> {
        let size = self.header.page_size;
        let start = usize::try_from(page.offset(size)).unwrap();
        self.bytes[start..start + size.bytes_usize()].to_vec()
    }

    fn note(&mut self, page: PageNumber, found: Use, pointer: Option<(PointerKind, Option<PageNumber>)>) {
        assert!(self.uses.insert(page.get(), found).is_none(), "page {page} is used twice");
        if let Some((kind, parent)) = pointer {
            self.pointers.insert(page.get(), PointerMapEntry { kind, parent });
        }
    }

    /// Walks a tree in the order of its keys and gives each entry's rowid and whole payload to `each`.
    fn tree(
        &mut self,
        root: PageNumber,
        parent: Option<PageNumber>,
        each: &mut dyn FnMut(Option<i64>, Vec<u8>),
    ) {
        let bytes = self.page(root);
        let page = BtreePage::parse(&bytes, root, self.header.usable_bytes()).unwrap();
        let kind = if parent.is_none() { PointerKind::Root } else { PointerKind::Btree };
        let space = check_space(&page).unwrap();
        let payload = page.cells().map(|c| c.unwrap().payload.map_or(0, |p| p.local.len() as u64)).sum();
        let pointer = (root != PageNumber::FIRST).then_some((kind, parent));
        self.note(root, Use::Btree { cells: page.cell_count, unused: space.free_bytes(), payload }, pointer);
        for cell in page.cells() {
            let cell = cell.unwrap();
            if let Some(child) = cell.left_child {
                self.tree(child, Some(root), each);
            }
            if let Some(payload) = cell.payload {
                let whole =
                    self.chain(root, payload.local.to_vec(), payload.payload_bytes, payload.first_overflow);
                each(cell.rowid, whole);
            }
        }
        if let Some(child) = page.right_child {
            self.tree(child, Some(root), each);
        }
    }

    fn chain(
        &mut self,
        owner: PageNumber,
        mut payload: Vec<u8>,
        length: u32,
        first: Option<PageNumber>,
    ) -> Vec<u8> {
        let usable = self.header.usable_bytes();
        let pages = chain_length(length, u32::try_from(payload.len()).unwrap(), usable);
        let (mut next, mut before, mut kind) = (first, owner, PointerKind::FirstOverflow);
        for _ in 0..pages {
            let this = next.expect("the chain ends early");
            self.note(this, Use::Overflow, Some((kind, Some(before))));
            let bytes = self.page(this);
            let page = OverflowPage::parse(&bytes, usable).unwrap();
            payload.extend(page.content);
            (next, before, kind) = (page.next, this, PointerKind::LaterOverflow);
        }
        assert_eq!(next, None, "the chain goes on");
        payload.truncate(length as usize);
        payload
    }

    fn freelist(&mut self) {
        let free = Some((PointerKind::Free, None));
        let mut next = self.header.first_freelist_trunk;
        while let Some(trunk) = next {
            self.note(trunk, Use::Free, free);
            let bytes = self.page(trunk);
            let page = FreelistTrunk::parse(&bytes, self.header.usable_bytes()).unwrap();
            for leaf in page.leaves() {
                self.note(leaf.unwrap(), Use::Free, free);
            }
            next = page.next;
        }
    }

    fn pointer_map(&mut self, page_count: u32) {
        if !self.header.is_auto_vacuum() {
            return;
        }
        let map = PointerMap::new(self.header.usable_bytes(), lock_byte_page(self.header.page_size));
        for page in (1..=page_count).map(number) {
            if map.is_map_page(page) {
                self.note(page, Use::Map, None);
            } else if let Some(map_page) = map.map_page_of(page) {
                let entry = map.entry(&self.page(map_page), page).unwrap();
                assert_eq!(entry, self.pointers.get(&page.get()).copied(), "page {page}");
            }
        }
    }
}

fn make(path: &Path, page_bytes: u32, auto_vacuum: u32) -> Connection {
    let db = Connection::open(path).unwrap();
    db.execute_batch(&format!(
        "PRAGMA page_size={page_bytes}; PRAGMA auto_vacuum={auto_vacuum}; PRAGMA user_version=-7; \
         PRAGMA application_id=0x11223344; \
         CREATE TABLE t(id INTEGER PRIMARY KEY, a, b, c); CREATE INDEX i ON t(b, c); \
         CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID; CREATE TABLE gone(x); \
         WITH RECURSIVE n(i) AS (VALUES(-20) UNION ALL SELECT i+1 FROM n WHERE i<600) \
           INSERT INTO t SELECT i*i*i*i*i, \
             CASE i%6 WHEN 0 THEN NULL WHEN 1 THEN i*0.5 WHEN 2 THEN -i*i*i WHEN 3 THEN i*1000000000000 \
                      WHEN 4 THEN 'text ' || i ELSE i&1 END, \
             substr(hex(zeroblob(400)), 1, abs(i*37)%700) || i, \
             CASE WHEN i%50=0 THEN zeroblob(i*i/3) ELSE i END FROM n; \
         INSERT INTO w SELECT 'key ' || id, b FROM t; \
         WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<300) \
           INSERT INTO gone SELECT zeroblob(900) FROM n; \
         DELETE FROM t WHERE id % 7 = 3; DROP TABLE gone; \
         UPDATE t SET b = substr(b, 1, 3) WHERE id % 5 = 1;"
    ))
    .unwrap();
    db
}

fn one<T: rusqlite::types::FromSql>(db: &Connection, sql: &str) -> T {
    db.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn check(page_bytes: u32, auto_vacuum: u32) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("real.db");
    let db = make(&path, page_bytes, auto_vacuum);
    let mut walk = Walk::open(&path);
    let header = walk.header;

    let page_count: u32 = one(&db, "PRAGMA page_count");
    assert_eq!(header.page_size.bytes(), page_bytes);
    assert_eq!(header.checked_page_count(page_count), Ok(page_count));
    assert!(header.size_is_valid());
    assert_eq!(header.page_size.pages_in(walk.bytes.len() as u64), u64::from(page_count));
    assert_eq!(header.journal_mode(), JournalMode::Rollback);
    assert_eq!((header.user_version, header.application_id), (-7, 0x1122_3344));
    assert_eq!(header.sqlite_version.to_string(), rusqlite::version());
    assert_eq!(header.is_auto_vacuum(), auto_vacuum > 0);
    assert_eq!(header.freelist_page_count, one::<u32>(&db, "PRAGMA freelist_count"));
    assert_eq!(header.schema_cookie, one::<u32>(&db, "PRAGMA schema_version"));

    walk.tree(PageNumber::FIRST, None, &mut |_, _| ());
    check_table(&db, &mut walk);
    for name in ["i", "w"] {
        let mut entries = 0;
        walk.tree(root(&db, name), None, &mut |rowid, payload| {
            entries += 1;
            assert_eq!(rowid, None);
            assert!(Record::parse(&payload).unwrap().values().all(|v| v.is_ok()));
        });
        let table = if name == "i" { "t" } else { "w" };
        assert_eq!(entries, one::<i64>(&db, &format!("SELECT count(*) FROM {table}")));
    }
    walk.freelist();
    let free = walk.uses.values().filter(|found| **found == Use::Free).count();
    assert_eq!(free, header.freelist_page_count as usize);
    walk.pointer_map(page_count);
    assert_eq!(walk.uses.len(), page_count as usize, "every page is something");
    check_dbstat(&db, &walk);
}

fn root(db: &Connection, name: &str) -> PageNumber {
    number(one(db, &format!("SELECT rootpage FROM sqlite_schema WHERE name='{name}'")))
}

fn check_table(db: &Connection, walk: &mut Walk) {
    let mut rows = db.prepare("SELECT id, a, b, c FROM t ORDER BY id").unwrap();
    let mut rows = rows.query([]).unwrap();
    walk.tree(root(db, "t"), None, &mut |rowid, payload| {
        let row = rows.next().unwrap().expect("SQLite has fewer rows");
        let values: Vec<Value<'_>> = Record::parse(&payload).unwrap().values().map(Result::unwrap).collect();
        assert_eq!(Some(row.get::<_, i64>(0).unwrap()), rowid);
        assert_eq!((values.len(), values[0]), (4, Value::Null));
        for (column, value) in values.iter().enumerate().skip(1) {
            let same = match row.get_ref(column).unwrap() {
                rusqlite::types::ValueRef::Null => *value == Value::Null,
                rusqlite::types::ValueRef::Integer(n) => *value == Value::Integer(n),
                // A whole number in a column of numbers is stored as an integer.
                rusqlite::types::ValueRef::Real(x) => *value == Value::Real(x),
                rusqlite::types::ValueRef::Text(text) => *value == Value::Text(text),
                rusqlite::types::ValueRef::Blob(blob) => *value == Value::Blob(blob),
            };
            assert!(same, "row {rowid:?} column {column}: {value:?}");
        }
    });
    assert!(rows.next().unwrap().is_none(), "SQLite has more rows");
}

fn check_dbstat(db: &Connection, walk: &Walk) {
    let mut stat = db.prepare("SELECT pageno, pagetype, ncell, unused, payload FROM dbstat").unwrap();
    let mut stat = stat.query([]).unwrap();
    let mut seen = 0;
    while let Some(row) = stat.next().unwrap() {
        let page: u32 = row.get(0).unwrap();
        let expected = match row.get::<_, String>(1).unwrap().as_str() {
            "overflow" => Use::Overflow,
            _ => Use::Btree {
                cells: row.get(2).unwrap(),
                unused: row.get(3).unwrap(),
                payload: row.get::<_, i64>(4).unwrap().unsigned_abs(),
            },
        };
        assert_eq!(walk.uses.get(&page), Some(&expected), "page {page}");
        seen += 1;
    }
    let walked =
        walk.uses.values().filter(|found| matches!(found, Use::Btree { .. } | Use::Overflow)).count();
    assert_eq!(walked, seen);
}

#[test]
fn every_page_size() {
    for &size in PageSize::ALL {
        check(size.bytes(), 0);
    }
}

#[test]
fn every_kind_of_vacuum() {
    for size in [512, 1024, 4096, 65536] {
        check(size, 1);
        check(size, 2);
    }
}

#[test]
fn a_fresh_table_is_an_empty_leaf() {
    let folder = tempfile::tempdir().unwrap();
    for &size in PageSize::ALL {
        let path = folder.path().join(format!("{size}.db"));
        let db = Connection::open(&path).unwrap();
        db.execute_batch(&format!("PRAGMA page_size={size}; CREATE TABLE t(x);")).unwrap();
        let walk = Walk::open(&path);
        let bytes = walk.page(number(2));
        let page = BtreePage::parse(&bytes, number(2), walk.header.usable_bytes()).unwrap();
        assert_eq!((page.kind, page.cell_count, page.content_start), (PageKind::LeafTable, 0, size.bytes()));
    }
}
