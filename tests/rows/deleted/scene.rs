//! Scenes made from a seed: a database that real SQLite wrote, with every version that a row ever had.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::random::Random;

/// A version of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Version {
    pub(crate) table: String,
    pub(crate) rowid: Option<i64>,
    /// Values in the order of the table, with the names of the columns.
    pub(crate) values: Vec<(String, Value)>,
}

impl Version {
    /// What tells it from all others.
    pub(crate) fn key(&self) -> String {
        format!("{} {:?} {:?}", self.table, self.rowid, self.values)
    }
}

/// What was made of a seed.
pub(crate) struct Scene {
    pub(crate) seed: u64,
    pub(crate) what: String,
    pub(crate) page_size: usize,
    pub(crate) encoding: &'static str,
    /// Every version that was ever committed, and those that are now.
    pub(crate) ever: Vec<Version>,
    pub(crate) live: Vec<Version>,
    pub(crate) dropped: HashSet<String>,
    pub(crate) is_hot: bool,
}

impl Scene {
    /// The statement that made a table.
    pub(crate) fn statement(&self, table: &str) -> String {
        let start = format!("CREATE TABLE {table}(");
        let found = KINDS.iter().flat_map(|kind| kind.sql.split("; ")).filter(|sql| self.what.contains(sql));
        found.chain([FILLER_SQL]).find(|sql| sql.starts_with(&start)).unwrap().to_owned()
    }
}

#[derive(Clone, Copy)]
enum Column {
    Text(u64),
    Int,
    Real,
    Blob(u64),
    Small,
}

struct Kind {
    name: &'static str,
    sql: &'static str,
    columns: &'static [Column],
}

use Column::{Blob, Int, Real, Small, Text};

const KINDS: [Kind; 8] = [
    Kind {
        name: "a rowid column",
        sql: "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT NOT NULL, number INT, r REAL, b BLOB); CREATE INDEX t_name ON t(name)",
        columns: &[Text(40), Int, Real, Blob(40)],
    },
    Kind {
        name: "text first",
        sql: "CREATE TABLE t(name TEXT, number INT, note)",
        columns: &[Text(50), Int, Text(20)],
    },
    Kind {
        name: "integer first",
        sql: "CREATE TABLE t(number INT NOT NULL, name TEXT, r REAL); CREATE INDEX t_number ON t(number)",
        columns: &[Int, Text(30), Real],
    },
    Kind {
        name: "without rowid",
        sql: "CREATE TABLE t(k TEXT, n INT, v BLOB, w TEXT, PRIMARY KEY(k, n)) WITHOUT ROWID; CREATE INDEX t_w ON t(w)",
        columns: &[Text(20), Int, Blob(30), Text(30)],
    },
    Kind {
        name: "long",
        sql: "CREATE TABLE t(id INTEGER PRIMARY KEY, at INT, body TEXT, b BLOB)",
        columns: &[Int, Text(3000), Blob(1500)],
    },
    Kind {
        name: "two alike",
        sql: "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, number INT); CREATE TABLE u(id INTEGER PRIMARY KEY, name TEXT, number INT)",
        columns: &[Text(40), Int],
    },
    Kind {
        name: "a chat",
        sql: "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, chat INT NOT NULL, sender INT, at INT, body TEXT, is_read INT)",
        columns: &[Small, Small, Int, Text(120), Small],
    },
    Kind {
        name: "many columns",
        sql: "CREATE TABLE t(a INT, b TEXT, c REAL, d BLOB, e INT, f TEXT, g REAL, h BLOB, i INT, j TEXT, k REAL, l)",
        columns: &[Int, Text(9), Real, Blob(9), Small, Text(30), Real, Blob(20), Int, Text(12), Real, Small],
    },
];

/// What another table takes that comes later.
const FILLER_SQL: &str = "CREATE TABLE filler(p TEXT, q INT, s TEXT, u BLOB)";
const FILLER: [Column; 4] = [Text(30), Small, Text(10), Blob(30)];

fn value(random: &mut Random, column: Column) -> Value {
    if random.below(12) == 0 && !matches!(column, Text(_) | Int) {
        return Value::Null;
    }
    match column {
        Small => Value::Integer(i64::try_from(random.below(5)).unwrap()),
        Int => Value::Integer((random.next() >> random.below(60).max(20)).cast_signed() - 500),
        Real => {
            let whole = i32::try_from(random.below(100_000)).unwrap();
            Value::Real(f64::from(whole) / if random.below(4) == 0 { 1.0 } else { 7.0 })
        }
        Blob(most) => {
            Value::Blob((0..random.below(most)).map(|_| u8::try_from(random.next() >> 56).unwrap()).collect())
        }
        Text(most) => Value::Text(text(random, most)),
    }
}

fn text(random: &mut Random, most: u64) -> String {
    const LETTERS: [char; 30] = [
        'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'k', 'l', 'm', 'n', 'o', 'p', 'r', 's', 't', 'u', ' ',
        ' ', 'ů', 'č', 'ž', 'é', 'E', 'A', '7', '.', '-',
    ];
    // No text is a number.
    let length = 2 + random.below(most);
    std::iter::once('x').chain((0..length).map(|_| *random.one_of(&LETTERS))).collect()
}

struct Maker<'a> {
    db: Connection,
    random: &'a mut Random,
    kind: &'a Kind,
    steps: Vec<String>,
    ever: Vec<Version>,
    known: HashSet<String>,
    dropped: HashSet<String>,
}

impl Maker<'_> {
    fn run(&mut self, sql: &str) {
        self.db.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        self.steps.push(sql.to_owned());
        self.note();
    }

    /// Takes down what is there now.
    fn note(&mut self) {
        for version in versions(&self.db) {
            if self.known.insert(version.key()) {
                self.ever.push(version);
            }
        }
    }

    fn has(&self, table: &str) -> bool {
        self.db.prepare(&format!("SELECT 1 FROM {table}")).is_ok()
    }

    fn insert(&mut self, table: &str, rows: u64) {
        let names: Vec<String> = columns(&self.db, table);
        let names: Vec<&String> = names.iter().filter(|name| *name != "id" && *name != "extra").collect();
        let list = names.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(", ");
        let marks = vec!["?"; names.len()].join(", ");
        let sql = format!("INSERT OR IGNORE INTO {table}({list}) VALUES ({marks})");
        self.db.execute_batch("BEGIN").unwrap();
        for _ in 0..rows {
            let of_kind = if table == "filler" { &FILLER } else { self.kind.columns };
            let values: Vec<Value> = of_kind.iter().map(|it| value(self.random, *it)).collect();
            self.db.execute(&sql, params_from_iter(values)).unwrap();
        }
        self.db.execute_batch("COMMIT").unwrap();
        self.steps.push(format!("insert {rows} into {table}"));
        self.note();
    }

    fn update(&mut self, table: &str, commit: bool) {
        let without_rowid = self.kind.name == "without rowid";
        let names: Vec<String> = columns(&self.db, table);
        let names: Vec<&String> = names.iter().filter(|name| *name != "id" && *name != "extra").collect();
        let which = self.random.index(names.len());
        let part = 3 + self.random.below(8);
        let key = if without_rowid { "k" } else { "rowid" };
        let keys: Vec<Value> = {
            let mut statement = self.db.prepare(&format!("SELECT {key} FROM {table}")).unwrap();
            let keys = statement.query_map([], |row| row.get(0)).unwrap();
            keys.map(Result::unwrap).collect()
        };
        let sql = format!("UPDATE OR IGNORE {table} SET {} = ? WHERE {key} = ?", names[which]);
        self.db.execute_batch("BEGIN").unwrap();
        for key in keys {
            if self.random.below(part) == 0 {
                let value = value(self.random, self.kind.columns[which]);
                self.db.execute(&sql, [value, key]).unwrap();
            }
        }
        if commit {
            self.db.execute_batch("COMMIT").unwrap();
            self.note();
        }
        self.steps.push(format!("update {} of {table}", names[which]));
    }

    fn step(&mut self) {
        let table = if self.kind.name == "two alike" && self.random.below(2) == 0 { "u" } else { "t" };
        let by = if self.kind.name == "without rowid" { "abs(n)" } else { "rowid" };
        let choice = self.random.below(20);
        if !self.has(table) {
            if choice < 6 && self.has("filler") {
                let rows = 5 + self.random.below(40);
                self.insert("filler", rows);
            }
            return;
        }
        match choice {
            0..=4 => {
                let part = 2 + self.random.below(9);
                let rest = self.random.below(part);
                self.run(&format!("DELETE FROM {table} WHERE {by} % {part} = {rest}"));
            }
            5..=7 => {
                let from = self.random.below(60);
                let to = from + 5 + self.random.below(60);
                match by {
                    "rowid" => self.run(&format!("DELETE FROM {table} WHERE rowid BETWEEN {from} AND {to}")),
                    _ => self.run(&format!("DELETE FROM {table} WHERE {by} % 100 BETWEEN {from} AND {to}")),
                }
            }
            8 => self.run(&format!("DELETE FROM {table}")),
            9..=11 => self.update(table, true),
            12..=13 => {
                let rows = 5 + self.random.below(40);
                self.insert(table, rows);
            }
            14 => {
                self.dropped.insert(table.to_owned());
                self.run(&format!("DROP TABLE {table}"));
            }
            15 if !self.has("filler") => {
                self.run(FILLER_SQL);
                let rows = 5 + self.random.below(60);
                self.insert("filler", rows);
            }
            16 if self.kind.name == "a rowid column"
                && !columns(&self.db, "t").contains(&"extra".to_owned()) =>
            {
                self.run("ALTER TABLE t ADD COLUMN extra INT DEFAULT 7");
                // Those that were deleted before are found with it.
                for version in self.ever.iter_mut().filter(|it| it.table == "t" && it.values.len() == 5) {
                    version.values.push(("extra".to_owned(), Value::Integer(7)));
                }
                self.known = self.ever.iter().map(Version::key).collect();
                self.ever.retain(|version| self.known.remove(&version.key()));
                self.known = self.ever.iter().map(Version::key).collect();
            }
            17 if self.random.below(3) == 0 => self.run("VACUUM"),
            18 => self.run("PRAGMA incremental_vacuum(3)"),
            _ => self.run("PRAGMA wal_checkpoint(RESTART)"),
        }
    }
}

/// Makes the scene of a seed in a folder.
pub(crate) fn make(seed: u64, folder: &Path) -> Scene {
    let mut random = Random::from_seed(seed);
    let kind = &KINDS[usize::try_from(seed).unwrap() % KINDS.len()];
    let page_size = *random.one_of(&[512_usize, 1024, 1024, 4096, 4096, 8192]);
    let encoding = *random.one_of(&["UTF-8", "UTF-8", "UTF-16le", "UTF-16be"]);
    let auto_vacuum = *random.one_of(&[0, 0, 0, 1, 2]);
    let journal_mode = *random.one_of(&["DELETE", "TRUNCATE", "PERSIST", "WAL", "WAL"]);
    let secure_delete = *random.one_of(&["OFF", "OFF", "OFF", "OFF", "OFF", "OFF", "ON", "FAST"]);
    let is_hot = journal_mode != "WAL" && random.below(5) == 0;
    let live_folder = tempfile::tempdir().unwrap();
    let db = Connection::open(live_folder.path().join("a.db")).unwrap();
    let pragmas = format!(
        "PRAGMA page_size = {page_size}; PRAGMA encoding = '{encoding}'; PRAGMA auto_vacuum = {auto_vacuum};
         PRAGMA journal_mode = {journal_mode}; PRAGMA secure_delete = {secure_delete}; PRAGMA wal_autocheckpoint = 0;
         PRAGMA synchronous = {};",
        if is_hot { "FULL" } else { "OFF" }
    );
    db.execute_batch(&pragmas).unwrap();
    let (ever, known, dropped) = (Vec::new(), HashSet::new(), HashSet::new());
    let mut maker = Maker { db, random: &mut random, kind, steps: Vec::new(), ever, known, dropped };
    maker.run(kind.sql);
    let rows = 15 + maker.random.below(100);
    maker.insert("t", rows);
    if kind.name == "two alike" {
        maker.insert("u", rows / 2);
    }
    for _ in 0..2 + maker.random.below(5) {
        maker.step();
    }
    let live = versions(&maker.db);
    if is_hot && maker.has("t") {
        maker.db.execute_batch("PRAGMA cache_size = 1; PRAGMA cache_spill = 1").unwrap();
        maker.update("t", false);
    }
    for name in ["a.db", "a.db-wal", "a.db-journal"] {
        let _ = fs::copy(live_folder.path().join(name), folder.join(name));
    }
    let steps = maker.steps.join("; ");
    let what = format!(
        "seed {seed}: {}, {page_size}, {encoding}, auto_vacuum {auto_vacuum}, {journal_mode}{}, secure_delete {secure_delete}: {steps}",
        kind.name,
        if is_hot { " (hot)" } else { "" }
    );
    let Maker { ever, dropped, .. } = maker;
    Scene { seed, what, page_size, encoding, ever, live, dropped, is_hot }
}

/// Every row of every table.
pub(crate) fn versions(db: &Connection) -> Vec<Version> {
    let sql = "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'";
    let mut statement = db.prepare(sql).unwrap();
    let tables = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let tables: Vec<(String, bool)> = tables.map(Result::unwrap).collect();
    let mut found = Vec::new();
    for (table, without_rowid) in tables {
        let names = columns(db, &table);
        let rowid = if without_rowid { "NULL" } else { "rowid" };
        let sql = format!("SELECT {rowid}, {} FROM {table} NOT INDEXED", names.join(", "));
        let mut statement = db.prepare(&sql).unwrap();
        let rows = statement.query_map([], |row| {
            let value = |(index, name): (usize, &String)| Ok((name.clone(), row.get(index + 1)?));
            let values = names.iter().enumerate().map(value).collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(Version { table: table.clone(), rowid: row.get(0)?, values })
        });
        found.extend(rows.unwrap().map(Result::unwrap));
    }
    found
}

fn columns(db: &Connection, table: &str) -> Vec<String> {
    let mut statement = db.prepare("SELECT name FROM pragma_table_info(?1)").unwrap();
    statement.query_map([table], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}
