//! Databases of every shape: page sizes, encodings, and tables with everything that makes a row differ from its record.

use std::path::Path;

use rusqlite::Connection;

/// What a database is born with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) page_size: u32,
    pub(crate) encoding: &'static str,
    pub(crate) auto_vacuum: u32,
}

pub(crate) fn shapes() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for (index, page_size) in [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536].into_iter().enumerate() {
        let encoding = ["UTF-8", "UTF-16le", "UTF-16be"][index % 3];
        shapes.push(Shape { page_size, encoding, auto_vacuum: u32::try_from(index % 3).unwrap() });
    }
    shapes.push(Shape { page_size: 4096, encoding: "UTF-16le", auto_vacuum: 0 });
    shapes.push(Shape { page_size: 1024, encoding: "UTF-16be", auto_vacuum: 1 });
    shapes
}

/// Makes a database of this shape with all of [`EVERYTHING`] in it.
pub(crate) fn make(path: &Path, shape: Shape) {
    let Shape { page_size, encoding, auto_vacuum } = shape;
    let db = Connection::open(path).unwrap();
    db.execute_batch(&format!(
        "PRAGMA page_size = {page_size}; PRAGMA encoding = '{encoding}'; PRAGMA auto_vacuum = {auto_vacuum};"
    ))
    .unwrap();
    db.execute_batch(EVERYTHING).unwrap();
}

/// Tables with every kind of column, key and value.
pub(crate) const EVERYTHING: &str = r#"
CREATE TABLE plain(a, b TEXT, c INTEGER, d REAL, e BLOB, f NUMERIC);
INSERT INTO plain VALUES (NULL, 'text', 1, 1, x'00ff', '1.0'), (1.5, '', -1, 2.5, x'', 'abc'),
  ('x', 'kůň 🐎', 9223372036854775807, 1e300, 'text', 3), (-0.0, char(0, 97), -9223372036854775808, 9e999, NULL, -9e999),
  (0, 'quote " and '' and , and
line', 127, -3, zeroblob(5000), 0.1), (1, 'x', 128, 32768, 8388608, 2147483648), (140737488355328, 1, '5', '6', '7', '8e2');
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 800)
  INSERT INTO plain SELECT i, 'row ' || i, i * 1000003, i / 8.0, randomblob(i % 50), -i FROM n;
INSERT INTO plain SELECT b, hex(zeroblob(3000)) || c, c, d, zeroblob(20000), f FROM plain WHERE c < 5;
CREATE TABLE alias(x TEXT, id INTEGER PRIMARY KEY, y);
INSERT INTO alias VALUES ('a', -5, 1), ('b', 9223372036854775807, 2), ('c', 3, NULL), ('d', -9223372036854775808, 3);
CREATE TABLE "auto ""quoted"" name"("a b" INTEGER PRIMARY KEY AUTOINCREMENT, [c,d] TEXT, "e""f", 'g' INT, "select");
INSERT INTO "auto ""quoted"" name"("c,d", "g", "select") VALUES ('x', 1, 2), ('y', 2.5, x'01');
DELETE FROM "auto ""quoted"" name" WHERE "a b" = 1;
CREATE TABLE desc_key(a INTEGER PRIMARY KEY DESC, b);
INSERT INTO desc_key VALUES (5, 'five'), (1, 'one');
CREATE TABLE without(a TEXT, b INTEGER, c REAL, d, PRIMARY KEY (d, b DESC)) WITHOUT ROWID;
INSERT INTO without SELECT b, c, d, coalesce(a, 'none') || c FROM plain WHERE c IS NOT NULL GROUP BY c;
CREATE TABLE twice(a TEXT COLLATE NOCASE, b, c, PRIMARY KEY (a, b, a COLLATE BINARY, b)) WITHOUT ROWID;
INSERT INTO twice VALUES ('A', 1, 'x'), ('b', 2, 'y'), ('a', 2, zeroblob(3000));
CREATE TABLE int_key(k INTEGER PRIMARY KEY, v) WITHOUT ROWID;
INSERT OR IGNORE INTO int_key SELECT c, b FROM plain WHERE c BETWEEN 1 AND 100000000;
CREATE TABLE strict_one(a INT, b ANY, c REAL, d TEXT, e BLOB) STRICT;
INSERT INTO strict_one VALUES (1, '01', 3, 'x', x'00'), (2, 2, 4.5, '', NULL), (NULL, NULL, NULL, NULL, NULL);
CREATE TABLE strict_key(a TEXT PRIMARY KEY, b ANY) STRICT, WITHOUT ROWID;
INSERT INTO strict_key VALUES ('k', x'0102'), ('j', 7);
CREATE TABLE computed(a INT, twice AS (a * 2), b TEXT, stored_one TEXT AS (b || a) STORED, c, last AS (c));
INSERT INTO computed(a, b, c) VALUES (1, 'x', NULL), (2, 'y', 5);
CREATE TABLE computed_key(v AS (b + 1), a, b, s REAL AS (a * 2) STORED, PRIMARY KEY (b)) WITHOUT ROWID;
INSERT INTO computed_key(a, b) VALUES (1, 2), (3, 1);
CREATE TABLE later(a, b INTEGER PRIMARY KEY);
INSERT INTO later VALUES ('old', 1), ('older', 2);
ALTER TABLE later ADD COLUMN c TEXT DEFAULT 5;
ALTER TABLE later ADD COLUMN d REAL DEFAULT 7;
INSERT INTO later VALUES ('new', 3, 'c', 8);
ALTER TABLE later ADD COLUMN e INT DEFAULT '12';
ALTER TABLE later ADD COLUMN f DEFAULT x'4142';
ALTER TABLE later ADD COLUMN g NOT NULL DEFAULT 'kůň';
ALTER TABLE later ADD COLUMN h DEFAULT -1.5e10;
ALTER TABLE later ADD COLUMN i AS (b * 2);
ALTER TABLE later ADD COLUMN j DEFAULT TRUE;
CREATE TABLE dropped(a, b, c, d);
INSERT INTO dropped VALUES (1, 2, 3, 4), (5, 6, 7, 8);
ALTER TABLE dropped DROP COLUMN b;
ALTER TABLE dropped RENAME COLUMN c TO "new c";
ALTER TABLE dropped RENAME TO "dropped one";
INSERT INTO "dropped one" VALUES (9, 10, 11);
CREATE TABLE rowid_hidden(rowid, "_rowid_" TEXT);
INSERT INTO rowid_hidden VALUES ('mine', 'too'), (5, 6);
CREATE TABLE as_select AS SELECT a AS x, b || 'y' AS "y z", d FROM plain LIMIT 5;
CREATE TABLE invalid(t TEXT, u);
INSERT INTO invalid VALUES (CAST(x'ff6162' AS TEXT), CAST(x'00d8' AS TEXT)), (CAST(x'6100' AS TEXT), CAST(x'c3' AS TEXT));
CREATE TABLE empty_one(a, b);
CREATE VIRTUAL TABLE search USING fts5(title, body, tokenize = 'porter unicode61');
INSERT INTO search SELECT 'title ' || c, 'the quick brown fox ' || b FROM plain WHERE c < 300000000;
CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1, y0, y1, +label TEXT);
INSERT INTO boxes SELECT c, c % 10, c % 10 + 2, c % 7, c % 7 + 1, b FROM plain WHERE c BETWEEN 1 AND 900000000 GROUP BY c;
CREATE INDEX plain_b ON plain(b COLLATE NOCASE DESC, a) WHERE c > 5;
CREATE INDEX plain_expr ON plain(length(b), c + 1);
CREATE UNIQUE INDEX alias_x ON alias(x);
CREATE VIEW a_view AS SELECT a, b FROM plain WHERE c > 3;
CREATE TABLE log(what);
CREATE TRIGGER alias_added AFTER INSERT ON alias BEGIN INSERT INTO log VALUES ('added; ' || new.id); END;
INSERT INTO alias VALUES ('e', 77, 7);
ANALYZE;
PRAGMA user_version = 42;
PRAGMA application_id = 0x1234;
"#;
