//! `check` beside SQLite over seeded edits of `sqlite_schema`: of what SQLite refuses, or finds wrong, nothing is called sound.

use std::collections::BTreeMap;

use litecopy::inspect::{CheckReport, FindingKind};
use rusqlite::types::Value;
use rusqlite::{Connection, MAIN_DB, params};

use crate::damages::{ours, sqlite_says};
use crate::random::{Random, seed};

/// How many edits of each sort there are.
const EACH: usize = 60;

const SCHEMA: &str = "
    CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT COLLATE NOCASE, c NOT NULL DEFAULT 5, d REAL CHECK (d > 0 OR d IS NULL), UNIQUE (b, c));
    CREATE INDEX t_c ON t(c, d DESC); CREATE INDEX t_b ON t(b) WHERE c BETWEEN 1 AND 900;
    CREATE INDEX t_e ON t(lower(b), c || 'x');
    CREATE TABLE s(i INT, r REAL NOT NULL, x TEXT UNIQUE, y ANY, z BLOB) STRICT;
    CREATE TABLE w(k TEXT, l INT, v BLOB, PRIMARY KEY (k, l DESC), UNIQUE (v, k)) WITHOUT ROWID;
    CREATE TABLE q(id INTEGER PRIMARY KEY AUTOINCREMENT, p REFERENCES t(a) ON DELETE CASCADE, g AS (id * 2) STORED,
        h GENERATED ALWAYS AS (CASE WHEN p THEN 1 ELSE id END) VIRTUAL, FOREIGN KEY (p) REFERENCES t);
    CREATE VIEW v(one, two) AS SELECT a, b FROM t;
    CREATE TRIGGER t_i AFTER INSERT ON t WHEN new.a > 5 BEGIN DELETE FROM q; END;
    CREATE TRIGGER v_i INSTEAD OF UPDATE OF one ON v BEGIN SELECT 1; END;
    INSERT INTO t VALUES (1, 'x', 2, 1.5), (2, 'Y', 3, NULL), (3, NULL, 4, 2);
    INSERT INTO s VALUES (1, 2.5, 'x', 1, x'00'), (NULL, 2, 'y', 'z', NULL);
    INSERT INTO w VALUES ('a', 1, x'01'), ('a', 2, NULL), ('b', 1, 5);
    INSERT INTO q(p) VALUES (1), (NULL);";

/// Words that stand in statements, to be put where they may not stand.
const WORDS: &[&str] = &[
    "(",
    ")",
    ",",
    ".",
    ";",
    "'text'",
    "\"quoted\"",
    "[a]",
    "5",
    "-1.5",
    "x'00'",
    "NOT",
    "NULL",
    "UNIQUE",
    "PRIMARY",
    "KEY",
    "CHECK",
    "DEFAULT",
    "COLLATE",
    "nocase",
    "AS",
    "AND",
    "BETWEEN",
    "CASE",
    "END",
    "WHERE",
    "ON",
    "STRICT",
    "WITHOUT",
    "ROWID",
    "INTEGER",
    "TEXT",
    "ANY",
    "a",
    "b",
    "c",
    "id",
    "nope",
    "rowid",
    "DESC",
    "AUTOINCREMENT",
    "REFERENCES",
    "t",
    "IS",
    "IN",
    "LIKE",
    "||",
    "+",
    "*",
    "CONSTRAINT",
    "GENERATED",
    "STORED",
    "FOREIGN",
    "select",
    "CONFLICT",
    "REPLACE",
    "abs",
    "count",
    "random",
    "?1",
    "/*",
    "--",
    "true",
    "NULLS",
    "LAST",
];

/// Constraints, to be put behind a column.
const CONSTRAINTS: &[&str] = &[
    "NOT NULL",
    "NOT NULL DEFAULT 7",
    "NOT NULL DEFAULT CURRENT_TIME",
    "UNIQUE",
    "PRIMARY KEY",
    "AS (1)",
    "AS (nope)",
    "AS (random())",
    "DEFAULT (1 + 1)",
    "DEFAULT (a)",
    "CHECK (1)",
    "CHECK (nope)",
    "CHECK (count(1))",
    "COLLATE binary",
    "REFERENCES t",
    "REFERENCES t(a, b)",
    "AUTOINCREMENT",
    "CONSTRAINT c",
    "NULL",
    "DEFERRABLE",
    "INTEGER",
    "TEXT",
    "REAL",
    "UNIQUE ON CONFLICT FAIL",
    "COLLATE unheard_of",
];

struct Edit<'d> {
    db: &'d Connection,
    random: &'d mut Random,
}

impl Edit<'_> {
    fn row(&mut self, among: &str) -> i64 {
        let sql = format!("SELECT rowid FROM sqlite_schema WHERE {among}");
        let mut statement = self.db.prepare(&sql).unwrap();
        let rows: Vec<i64> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        *self.random.one_of(&rows)
    }

    fn set(&mut self, column: &str, row: i64, value: impl Into<Value>) {
        let sql = format!("UPDATE sqlite_schema SET {column} = ?1 WHERE rowid = ?2");
        self.db.execute(&sql, params![value.into(), row]).unwrap();
    }

    /// Changes one text: of a table, of an index or of both, as a bit of the seed has it.
    fn set_words(&mut self, edit: impl FnOnce(&mut Vec<String>, &mut Random)) {
        let row = self.row("type IN ('table', 'index') AND sql IS NOT NULL AND name <> 'sqlite_sequence'");
        let sql = "SELECT sql FROM sqlite_schema WHERE rowid = ?1";
        let sql: String = self.db.query_row(sql, [row], |row| row.get(0)).unwrap();
        let mut words = words_of(&sql);
        edit(&mut words, self.random);
        self.set("sql", row, words.concat());
    }

    fn other_name(&mut self) -> String {
        (*self.random.one_of(&["t", "s", "W", "q", "v", "t_c", "t_i", "nope", "sqlite_autoindex_t_1", ""]))
            .to_owned()
    }
}

/// A statement cut where white space and punctuation is; together they are the statement.
fn words_of(sql: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for c in sql.chars() {
        let goes_on = c.is_alphanumeric() || c == '_';
        match words.last_mut() {
            Some(word) if goes_on && word.ends_with(|c: char| c.is_alphanumeric() || c == '_') => {
                word.push(c)
            }
            _ => words.push(c.to_string()),
        }
    }
    words
}

fn place(words: &[String], random: &mut Random) -> usize {
    usize::try_from(random.below(words.len() as u64)).unwrap()
}

type Sort = (&'static str, fn(&mut Edit<'_>));

const SORTS: &[Sort] = &[
    ("another name", |edit| {
        let (row, name) = (edit.row("1"), edit.other_name());
        edit.set("name", row, name);
    }),
    ("another tbl_name", |edit| {
        let (row, name) = (edit.row("1"), edit.other_name());
        edit.set("tbl_name", row, name);
    }),
    ("another type", |edit| {
        let row = edit.row("1");
        let kind = *edit.random.one_of(&["table", "index", "view", "trigger", "thing", ""]);
        edit.set("type", row, kind.to_owned());
    }),
    ("another rootpage", |edit| {
        let row = edit.row("1");
        let page = edit.random.below(24);
        let value = match page {
            22 => Value::Null,
            23 => Value::Integer(-1),
            page => Value::Integer(page.cast_signed()),
        };
        edit.set("rootpage", row, value);
    }),
    ("no statement", |edit| {
        let row = edit.row("1");
        let value = if edit.random.below(2) == 0 { Value::Null } else { Value::Text(String::new()) };
        edit.set("sql", row, value);
    }),
    ("another order", |edit| {
        let row = edit.row("1");
        let to = if edit.random.below(2) == 0 { -5 } else { 500 };
        edit.set("rowid", row, to);
    }),
    ("a row twice", |edit| {
        let row = edit.row("1");
        edit.db
            .execute("INSERT INTO sqlite_schema SELECT * FROM sqlite_schema WHERE rowid = ?1", [row])
            .unwrap();
    }),
    ("a row missing", |edit| {
        let row = edit.row("1");
        edit.db.execute("DELETE FROM sqlite_schema WHERE rowid = ?1", [row]).unwrap();
    }),
    ("the statement of another", |edit| {
        let (from, to) = (edit.row("sql IS NOT NULL"), edit.row("1"));
        let copy = "UPDATE sqlite_schema SET sql = (SELECT sql FROM sqlite_schema WHERE rowid = ?1) WHERE rowid = ?2";
        edit.db.execute(copy, [from, to]).unwrap();
    }),
    ("a word missing", |edit| {
        edit.set_words(|words, random| drop(words.remove(place(words, random))));
    }),
    ("a word twice", |edit| {
        edit.set_words(|words, random| {
            let at = place(words, random);
            let word = format!(" {} ", words[at]);
            words.insert(at, word);
        });
    }),
    ("two words in the other order", |edit| {
        edit.set_words(|words, random| {
            let [a, b] = [(); 2].map(|()| place(words, random));
            words.swap(a, b);
        });
    }),
    ("another word", |edit| {
        edit.set_words(|words, random| {
            let at = place(words, random);
            words[at] = format!(" {} ", random.one_of(WORDS));
        });
    }),
    ("a word more", |edit| {
        edit.set_words(|words, random| {
            let at = place(words, random);
            words.insert(at, format!(" {} ", random.one_of(WORDS)));
        });
    }),
    ("a statement cut short", |edit| {
        edit.set_words(|words, random| words.truncate(place(words, random)));
    }),
    ("another letter", |edit| {
        edit.set_words(|words, random| {
            let at = place(words, random);
            let letter = char::from(b' ' + u8::try_from(random.below(95)).unwrap());
            let rest: String = words[at].chars().skip(1).collect();
            words[at] = format!("{letter}{rest}");
        });
    }),
    ("another constraint", |edit| {
        edit.set_words(|words, random| {
            let commas = (0..words.len()).filter(|&at| matches!(words[at].as_str(), "," | ")"));
            let at = *random.one_of(&commas.collect::<Vec<_>>());
            words.insert(at, format!(" {} ", random.one_of(CONSTRAINTS)));
        });
    }),
    ("words behind the end", |edit| {
        let row = edit.row("sql IS NOT NULL");
        let words = *edit
            .random
            .one_of(&[" x", ";", "; ", " --", " ;x", " STRICT", ", STRICT", ")", " WHERE 1", " /*", "\0x"]);
        edit.db
            .execute("UPDATE sqlite_schema SET sql = sql || ?1 WHERE rowid = ?2", params![words, row])
            .unwrap();
    }),
    ("a column more", |edit| {
        edit.set_words(|words, random| {
            let Some(at) = words.iter().position(|word| word == ",") else { return };
            let name = *random.one_of(&["b", "C", "nope", "\"x y\"", "order", "key", "'z'"]);
            words.insert(at, format!(", {name} {}", random.one_of(CONSTRAINTS)));
        });
    }),
];

fn sound() -> Vec<u8> {
    let mut db = Connection::open_in_memory().unwrap();
    db.execute_batch(SCHEMA).unwrap();
    db.serialize(MAIN_DB).unwrap().to_vec()
}

fn edited(sound: &[u8], sort: fn(&mut Edit<'_>), random: &mut Random) -> Vec<u8> {
    let mut db = Connection::open_in_memory().unwrap();
    db.deserialize_read_exact(MAIN_DB, sound, sound.len(), false).unwrap();
    db.execute_batch("PRAGMA writable_schema = ON").unwrap();
    sort(&mut Edit { db: &db, random });
    db.serialize(MAIN_DB).unwrap().to_vec()
}

/// What an engine alone can know is said not to be checked: what functions give, and whether there are any; orders of an
/// application; CHECK constraints.
fn is_said_unseen(line: &str, report: &CheckReport) -> bool {
    let says = |what: &str| report.not_checked.iter().any(|words| words.starts_with(what));
    let index = line.rsplit(' ').next().unwrap_or_default();
    let expressions =
        ["CHECK constraints of", "index-entry of", "column-type of"].iter().any(|what| says(what));
    let of_engine = ["unknown function", "number of arguments", "no such function", "no such collation"];
    (line.starts_with("CHECK constraint failed") && says("CHECK constraints of"))
        || (of_engine.iter().any(|words| line.contains(words)) && (expressions || says("index-order of")))
        || (line.contains("cannot store") && says("column-type of"))
        || (line.contains(" from index ") && says(&format!("index-entry of {index}")))
}

#[test]
fn nothing_that_sqlite_refuses_is_called_sound() {
    let mut random = Random::from_seed(seed("schema damages"));
    let sound = sound();
    assert_eq!(sqlite_says(&sound), Vec::<String>::new());
    assert_eq!(ours(&sound).findings, []);
    // By sort of edit: both silent, both, SQLite alone, we alone.
    let mut table: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    let (mut missed, mut alone) = (Vec::new(), Vec::new());
    for &(sort, edit) in SORTS {
        for number in 0..EACH {
            let bytes = edited(&sound, edit, &mut random);
            let (sqlite, report) = (sqlite_says(&bytes), ours(&bytes));
            let seen: Vec<_> = sqlite.iter().filter(|line| !is_said_unseen(line, &report)).collect();
            table.entry(sort).or_default()[match (seen.is_empty(), report.sound) {
                (true, true) => 0,
                (false, false) => 1,
                (false, true) => 2,
                (true, false) => 3,
            }] += 1;
            if !seen.is_empty() && report.sound {
                missed.push(format!("{sort}, number {number}: {seen:?}\n{}", statements(&sound, &bytes)));
            }
            if sqlite.is_empty() && !report.sound {
                let finding = &report.findings[0];
                alone.push((
                    finding.kind,
                    format!("{sort}: {}\n{}", finding.detail, statements(&sound, &bytes)),
                ));
            }
        }
    }
    println!("{:<32} {:>7} {:>7} {:>7} {:>7}", "edit", "neither", "both", "SQLite", "check");
    for (sort, [neither, both, sqlite, check]) in &table {
        println!("{sort:<32} {neither:>7} {both:>7} {sqlite:>7} {check:>7}");
    }
    println!("what only check finds:");
    for (kind, words) in &alone {
        println!("{}: {words}", kind.name());
    }
    assert!(missed.is_empty(), "{} were missed:\n{}", missed.len(), missed.join("\n"));
    // What SQLite reads, our reader of statements does not refuse.
    let refused =
        alone.iter().filter(|(kind, words)| *kind == FindingKind::Schema && words.contains("statement"));
    let refused: Vec<_> = refused.filter(|(_, words)| !words.contains("no statement")).collect();
    assert!(refused.is_empty(), "{refused:?}");
}

/// The rows that an edit changed.
fn statements(sound: &[u8], bytes: &[u8]) -> String {
    let rows = |bytes: &[u8]| -> Vec<String> {
        let mut db = Connection::open_in_memory().unwrap();
        db.deserialize_read_exact(MAIN_DB, bytes, bytes.len(), true).unwrap();
        db.execute_batch("PRAGMA writable_schema = ON").unwrap();
        let sql = "SELECT format('%Q %Q %Q %Q %Q', type, name, tbl_name, rootpage, sql) FROM sqlite_schema";
        let Ok(mut statement) = db.prepare(sql) else { return vec!["not to be read".to_owned()] };
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let before = rows(sound);
    rows(bytes).into_iter().filter(|row| !before.contains(row)).collect::<Vec<_>>().join("\n")
}
