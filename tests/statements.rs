//! What `litecopy::schema` understands of a statement, beside what real SQLite makes of it: columns, types, keys,
//! indexes, defaults, affinities. The list of statements is `statements/tricky.sql`; others are made up from a seed.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic: that is how it fails"
)]

use std::fmt::Write;

use litecopy::inspect::{CheckOptions, Severity, check};
use litecopy::schema::{Affinity, DefaultValue, Generated, IndexTerm, Schema, SchemaEntry};
use litecopy::{Database, Source, SourceBytes};
use rusqlite::types::Value;
use rusqlite::{Connection, MAIN_DB, params};

/// All that SQLite tells of its tables and indexes, a line for each column.
fn told_by_sqlite(db: &Connection) -> String {
    let mut text = String::new();
    for (kind, name) in names(db) {
        let pragma = if kind == "table" { "table_xinfo" } else { "index_xinfo" };
        writeln!(text, "{kind} {name}").unwrap();
        let mut statement = db.prepare(&format!("SELECT * FROM pragma_{pragma}(?1)")).unwrap();
        let mut rows = statement.query([&name]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            if kind == "table" {
                let (column, declared): (String, String) = (row.get(1).unwrap(), row.get(2).unwrap());
                let (not_null, default): (bool, Option<String>) = (row.get(3).unwrap(), row.get(4).unwrap());
                let (pk, hidden): (i64, i64) = (row.get(5).unwrap(), row.get(6).unwrap());
                let declared = declared.to_ascii_uppercase();
                writeln!(text, "  {column} [{declared}] {not_null} {default:?} pk {pk} hidden {hidden}")
                    .unwrap();
            } else {
                let (cid, descending): (i64, bool) = (row.get(1).unwrap(), row.get(3).unwrap());
                let (collation, key): (String, bool) = (row.get(4).unwrap(), row.get(5).unwrap());
                let collation = collation.to_ascii_uppercase();
                writeln!(text, "  {cid} {descending} {collation} key {key}").unwrap();
            }
        }
        if kind == "index" {
            let list = "SELECT il.\"unique\", partial FROM sqlite_schema s, pragma_index_list(s.tbl_name) il
                        WHERE s.name = ?1 AND il.name = ?1";
            let facts = |row: &rusqlite::Row<'_>| Ok((row.get::<_, bool>(0)?, row.get::<_, bool>(1)?));
            let (unique, partial) = db.query_row(list, [&name], facts).unwrap();
            writeln!(text, "  unique {unique} partial {partial}").unwrap();
        }
    }
    text
}

fn names(db: &Connection) -> Vec<(String, String)> {
    let sql =
        "SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'index') ORDER BY type DESC, rowid";
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn schema_of(db: &Connection) -> Schema {
    let mut statement = db.prepare("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema").unwrap();
    let entry = |row: &rusqlite::Row<'_>| {
        let mut entry = SchemaEntry::default();
        (entry.kind, entry.name, entry.table_name) = (row.get(0)?, row.get(1)?, row.get(2)?);
        (entry.root_page, entry.sql) = (row.get(3)?, row.get(4)?);
        Ok(entry)
    };
    Schema::new(statement.query_map([], entry).unwrap().map(Result::unwrap).collect())
}

/// What a check finds in a database, of damage only.
fn damage(bytes: Vec<u8>) -> Vec<String> {
    let source = Source::open(SourceBytes { database: bytes, ..SourceBytes::default() }).unwrap();
    let report = Database::open(source, None)
        .unwrap()
        .report(|database| check(database, &CheckOptions::new(), |_| {}))
        .unwrap();
    let damage = report.findings.into_iter().filter(|finding| finding.severity == Severity::Damage);
    damage.map(|finding| format!("{}: {}", finding.kind.name(), finding.detail)).collect()
}

fn bytes_of(db: &mut Connection) -> Vec<u8> {
    db.serialize(MAIN_DB).unwrap().to_vec()
}

/// Why SQLite does not read the schema of a database.
fn refusal(bytes: &[u8]) -> Option<String> {
    let mut db = Connection::open_in_memory().unwrap();
    db.deserialize_read_exact(MAIN_DB, bytes, bytes.len(), true).unwrap();
    db.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0))
        .err()
        .map(|error| error.to_string())
}

/// The same lines from what we understand.
fn told_by_us(schema: &Schema) -> String {
    let mut text = String::new();
    for table in schema.tables.iter().skip(1) {
        writeln!(text, "table {}", table.name).unwrap();
        assert_eq!(table.note, None, "{}", table.name);
        for (index, column) in table.columns.iter().enumerate() {
            let pk = table.primary_key.iter().position(|key| key.column == index).map_or(0, |at| at + 1);
            let hidden = match column.generated {
                None => 0,
                Some(Generated::Virtual) => 2,
                Some(Generated::Stored) => 3,
            };
            let declared = column.declared_type.to_ascii_uppercase();
            let (name, not_null, default) = (&column.name, column.not_null, &column.default);
            // What stands between parentheses, SQLite tells without them.
            let default = default.as_deref().map(without_parentheses);
            writeln!(text, "  {name} [{declared}] {not_null} {default:?} pk {pk} hidden {hidden}").unwrap();
        }
    }
    for index in &schema.indexes {
        writeln!(text, "index {}", index.name).unwrap();
        assert_eq!(index.note, None, "{}", index.name);
        for (place, column) in index.columns.iter().enumerate() {
            let cid = match &column.term {
                IndexTerm::Column(column) => i64::try_from(*column).unwrap(),
                IndexTerm::Rowid => -1,
                _ => -2,
            };
            let key = place < index.key_count;
            writeln!(text, "  {cid} {} {} key {key}", column.descending, column.collation).unwrap();
        }
        writeln!(text, "  unique {} partial {}", index.unique, index.condition.is_some()).unwrap();
    }
    text
}

fn without_parentheses(default: &str) -> &str {
    let inner = default.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'));
    inner.map_or(default, str::trim)
}

/// A database with what an index in the list, or a foreign key, may name.
fn connection(statement: &str) -> Connection {
    let db = Connection::open_in_memory().unwrap();
    if statement.contains("INDEX") {
        let table = "CREATE TABLE t(id INTEGER PRIMARY KEY, a COLLATE RTRIM, b, c, d, e, \"a b\")";
        db.execute_batch(table).unwrap();
    }
    db
}

fn tricky() -> Vec<&'static str> {
    include_str!("statements/tricky.sql")
        .split("\n;;\n")
        .map(str::trim)
        .filter(|sql| !sql.is_empty())
        .collect()
}

#[test]
fn tricky_statements_are_understood_as_sqlite_does() {
    let list = tricky();
    assert!(list.len() > 50);
    for sql in list {
        let mut db = connection(sql);
        db.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}\n{error}"));
        assert_eq!(told_by_us(&schema_of(&db)), told_by_sqlite(&db), "{sql}");
        assert_eq!(damage(bytes_of(&mut db)), Vec::<String>::new(), "{sql}");
    }
}

#[test]
fn statements_made_up_from_a_seed_are_understood_as_sqlite_does() {
    let seed = std::env::var("LITECOPY_SEED").map_or(7, |seed| seed.parse().unwrap());
    println!("LITECOPY_SEED={seed}");
    let mut random = Random(seed);
    let (mut understood, mut refused) = (0, 0);
    for _ in 0..5000 {
        let sql = random.create_table();
        let mut db = connection(&sql);
        if db.execute_batch(&sql).is_err() {
            refused += 1;
            assert_refused_as_sqlite_does(&sql);
            continue;
        }
        for _ in 0..random.below(3) {
            let _ = db.execute_batch(&random.create_index());
        }
        if random.below(4) == 0 {
            let column = random.column_definition(9);
            let _ = db.execute_batch(&format!("ALTER TABLE \"t t\" ADD COLUMN {column}"));
        }
        if random.below(4) == 0 {
            let _ = db.execute_batch("ALTER TABLE \"t t\" RENAME COLUMN c1 TO \"new \"\"name\"");
        }
        if random.below(4) == 0 {
            let _ = db.execute_batch("ALTER TABLE \"t t\" DROP COLUMN c2");
        }
        if random.below(4) == 0 {
            let _ = db.execute_batch("ALTER TABLE \"t t\" RENAME TO 'renamed \"it\"'");
        }
        assert_eq!(told_by_us(&schema_of(&db)), told_by_sqlite(&db), "{sql}");
        assert_eq!(damage(bytes_of(&mut db)), Vec::<String>::new(), "{sql}");
        understood += 1;
    }
    assert!(understood > 500, "SQLite took only {understood} of the statements");
    assert!(refused > 500, "SQLite refused only {refused} of the statements");
}

/// A statement that SQLite does not run, put into a schema all the same.
fn assert_refused_as_sqlite_does(sql: &str) {
    let mut db = Connection::open_in_memory().unwrap();
    db.execute_batch("CREATE TABLE \"t t\"(a); PRAGMA writable_schema = ON").unwrap();
    db.execute("UPDATE sqlite_schema SET sql = ?1", [sql]).unwrap();
    let bytes = bytes_of(&mut db);
    let (refusal, damage) = (refusal(&bytes), damage(bytes));
    if refusal.as_ref().is_some_and(|words| words.contains("generated column loop")) {
        // It finds that when it computes the column, and nothing else then.
        return;
    }
    assert_eq!(refusal.is_some(), !damage.is_empty(), "{sql}\n{refusal:?}\n{damage:?}");
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn one_of(&mut self, list: &[&str]) -> String {
        list[usize::try_from(self.below(list.len() as u64)).unwrap()].to_owned()
    }

    fn create_table(&mut self) -> String {
        let count = 1 + self.below(6);
        let mut parts: Vec<String> = (0..count).map(|number| self.column_definition(number)).collect();
        for _ in 0..self.below(3) {
            parts.push(self.table_constraint(count));
        }
        let options = self.one_of(&["", "", "", " WITHOUT ROWID", " STRICT", " strict , without rowid"]);
        format!("CREATE TABLE \"t t\"({}){options}", parts.join(&self.one_of(&[",", " , ", "\n,-- x,(\n"])))
    }

    fn column_definition(&mut self, number: u64) -> String {
        let declared = self.one_of(&[
            "",
            " INTEGER",
            " INT",
            " text",
            " REAL",
            " BLOB",
            " ANY",
            " VARCHAR(20)",
            " DECIMAL(10, 2)",
            " \"INTEGER\"",
            " long varchar",
            " 'odd (type'",
        ]);
        let mut text = format!("c{number}{declared}");
        for _ in 0..self.below(4) {
            text += &self.one_of(&[
                " NOT NULL",
                " NULL",
                " UNIQUE",
                " PRIMARY KEY",
                " PRIMARY KEY DESC",
                " PRIMARY KEY AUTOINCREMENT",
                " COLLATE NOCASE",
                " COLLATE \"rtrim\"",
                " DEFAULT 5",
                " DEFAULT -1.5",
                " DEFAULT 'a,)''b'",
                " DEFAULT (1 + (2))",
                " DEFAULT x'00'",
                " DEFAULT CURRENT_TIMESTAMP",
                " CHECK (c0 IN (1, ')'))",
                " AS (c0 || ')')",
                " GENERATED ALWAYS AS (c0) STORED",
                " REFERENCES o(x) ON DELETE SET NULL",
                " CONSTRAINT \"unique\"",
                " NOT NULL ON CONFLICT REPLACE",
                " /* , */",
                " REFERENCES o NOT DEFERRABLE",
            ]);
        }
        text
    }

    fn terms(&mut self, count: u64) -> String {
        let term = |random: &mut Self| {
            let column = format!("c{}", random.below(count));
            let collation = random.one_of(&["", "", " COLLATE NOCASE", " collate binary"]);
            column + &collation + &random.one_of(&["", "", " DESC", " ASC"])
        };
        (0..=self.below(3)).map(|_| term(self)).collect::<Vec<_>>().join(",")
    }

    fn table_constraint(&mut self, count: u64) -> String {
        let terms = self.terms(count);
        match self.below(5) {
            0 | 1 => format!("PRIMARY KEY({terms})"),
            2 => format!("CONSTRAINT [k] UNIQUE ({terms}) ON CONFLICT IGNORE"),
            3 => "FOREIGN KEY (c0) REFERENCES o(\"primary\") ON UPDATE SET DEFAULT".to_owned(),
            _ => "CHECK (c0 <> ',(')".to_owned(),
        }
    }

    fn create_index(&mut self) -> String {
        let unique = self.one_of(&["", "UNIQUE "]);
        let condition = self.one_of(&["", " WHERE c0 > 5"]);
        let terms = match self.below(3) {
            0 => "lower(c0) COLLATE NOCASE, (c0) DESC, c0 || 'x' COLLATE RTRIM".to_owned(),
            _ => self.terms(4),
        };
        format!("CREATE {unique}INDEX i{} ON \"t t\"({terms}){condition}", self.below(1000))
    }
}

/// Values that a column can have by default, each kind of literal and more.
const DEFAULTS: &[&str] = &[
    "5",
    "-5",
    "+5",
    "1.5",
    "-1.50",
    "'5'",
    "' 6.0 '",
    "'5x'",
    "abc",
    "\"dq\"",
    "x'4142'",
    "NULL",
    "TRUE",
    "false",
    "0x1F",
    "-0x10",
    "1_000",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "1e3",
    "1e400",
    ".5",
    "5.",
    "''",
    "'it''s'",
    "(5)",
    "(-(-5))",
    "(+'7')",
    "-'8'",
    "(CAST('12abc' AS INT))",
    "(CAST(5 AS TEXT))",
    "(CAST('1.5' AS REAL))",
    "(CAST('ab' AS BLOB))",
    "(CAST(7.9 AS INTEGER))",
    "'1e2'",
    "'0x10'",
    "'9223372036854775808'",
    "123456789012345678901234567890",
    "(true)",
    "'+5'",
    "'5.'",
    "'.5'",
    "'e5'",
    "-0.0",
    "0.1",
    "'\u{e9}'",
];

/// The value of a column that is added gets the affinity of its type: all three are seen at the old row.
#[test]
fn the_value_of_a_column_added_later_is_its_default() {
    for declared in ["", "INTEGER", "TEXT", "REAL", "NUMERIC", "BLOB", "VARCHAR(5)"] {
        for default in DEFAULTS {
            let mut db = Connection::open_in_memory().unwrap();
            db.execute_batch("CREATE TABLE t(x); INSERT INTO t VALUES (1);").unwrap();
            let column = format!("c {declared} DEFAULT {default}");
            if db.execute_batch(&format!("ALTER TABLE t ADD COLUMN {column}")).is_err() {
                panic!("SQLite takes no {column}");
            }
            assert_eq!(damage(bytes_of(&mut db)), Vec::<String>::new(), "{column}");
            let expected: Value = db.query_row("SELECT c FROM t", [], |row| row.get(0)).unwrap();
            let schema = schema_of(&db);
            let table = schema.table("t").unwrap();
            let found = match (&table.columns[1].added_value, table.columns[1].affinity) {
                (DefaultValue::Null, _) => Value::Null,
                (DefaultValue::Integer(number), Affinity::Real) => Value::Real(*number as f64),
                (DefaultValue::Integer(number), _) => Value::Integer(*number),
                (DefaultValue::Real(number), _) => Value::Real(*number),
                (DefaultValue::Text(text), _) => Value::Text(text.clone()),
                (DefaultValue::Blob(bytes), _) => Value::Blob(bytes.clone()),
            };
            assert_eq!(found, expected, "{column}");
        }
    }
}

#[test]
fn affinities_are_those_of_sqlite() {
    let types = [
        "",
        "INT",
        "TINYINT",
        "UNSIGNED BIG INT",
        "CHARACTER(20)",
        "NCHAR(55)",
        "CLOB",
        "BLOB",
        "REAL",
        "DOUBLE PRECISION",
        "FLOAT",
        "NUMERIC",
        "DECIMAL(10,5)",
        "BOOLEAN",
        "DATETIME",
        "FLOATING POINT",
        "STRING",
        "CHARINT",
        "BLOB TEXT",
        "REAL BLOB",
        "BLOB REAL",
        "ANY",
        "JSON",
        "xTeXt",
        "POINT",
    ];
    for declared in types {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(&format!("CREATE TABLE t(a {declared})")).unwrap();
        let stored = |value: Value| -> String {
            db.execute("DELETE FROM t", []).unwrap();
            db.execute("INSERT INTO t VALUES (?1)", params![value]).unwrap();
            db.query_row("SELECT typeof(a) FROM t", [], |row| row.get(0)).unwrap()
        };
        let (of_number, of_text) = (stored(Value::Integer(5)), stored(Value::Text("5".to_owned())));
        let expected = match (of_number.as_str(), of_text.as_str()) {
            ("integer", "text") => [Affinity::Blob, Affinity::Blob],
            ("text", "text") => [Affinity::Text, Affinity::Text],
            ("real", "real") => [Affinity::Real, Affinity::Real],
            _ => [Affinity::Numeric, Affinity::Integer],
        };
        let affinity = schema_of(&db).table("t").unwrap().columns[0].affinity;
        assert!(
            expected.contains(&affinity),
            "{declared}: {affinity:?}, SQLite makes {of_number}, {of_text}"
        );
    }
}

/// No statement, whatever its nesting or its length, panics, overflows the stack, or takes long.
#[test]
fn hostile_statements_are_read_in_bounded_time() {
    const MANY: usize = 20_000;
    let nested = |open: &str, close: &str| {
        let (open, close) = (open.repeat(MANY), close.repeat(MANY));
        [
            format!("CREATE TABLE t(a CHECK ({open}1{close}), b)"),
            format!("CREATE TABLE t(a DEFAULT ({open}1{close}), b)"),
            format!("CREATE TABLE t(a, b, UNIQUE({open}a{close}))"),
        ]
    };
    let mut statements: Vec<String> = Vec::new();
    for (open, close) in
        [("(", ")"), ("- ", ""), ("CAST(", " AS INT)"), ("a COLLATE x || ", ""), ("((a) COLLATE x", ")")]
    {
        statements.extend(nested(open, close));
    }
    let columns: Vec<String> = (0..MANY).map(|number| format!("c{number}")).collect();
    let columns = columns.join(",");
    statements.push(format!("CREATE TABLE t({columns},PRIMARY KEY({columns})) WITHOUT ROWID"));
    statements.push(format!("CREATE TABLE t({columns}{})", ",UNIQUE(c1)".repeat(MANY)));
    statements.push(format!("CREATE TABLE t(a{}", " GENERATED /* */".repeat(MANY)));
    statements.push("CREATE TABLE t(".repeat(MANY));
    statements.push("CREATE TABLE t(a, b TEXT DEFAULT 'never ends".to_owned());
    for sql in &statements {
        let schema = Schema::new(vec![
            entry("table", "t", sql),
            entry("index", "i", &sql.replace("TABLE t", "INDEX i ON t")),
        ]);
        assert!(schema.table("t").is_some());
        for cut in [1, sql.len() / 3, sql.len() / 2, sql.len() - 1] {
            let _ = Schema::new(vec![entry("table", "t", &sql[..cut])]);
        }
    }
}

fn entry(kind: &str, name: &str, sql: &str) -> SchemaEntry {
    let mut entry = SchemaEntry::default();
    (entry.kind, entry.name, entry.table_name) = (kind.to_owned(), name.to_owned(), "t".to_owned());
    entry.sql = Some(sql.to_owned());
    entry
}

#[test]
fn a_statement_that_ends_too_early_gives_the_columns_that_are_there() {
    let schema = Schema::new(vec![entry("table", "t", "CREATE TABLE t(a INT, b TEXT DEFAULT 'x', c RE")]);
    let table = schema.table("T").unwrap();
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert!(table.note.is_some());
}
