//! What a statement of the schema makes, by its own words.
//!
//! SQLite stores a statement without TEMP, IF NOT EXISTS and the name of a database: one that has them is none of its own.

use super::cursor::Cursor;

/// What a statement makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Naming {
    /// As in the column `type` of the schema.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    /// The table of an index or a trigger.
    pub(crate) table: Option<String>,
}

impl Naming {
    /// `None` for what SQLite does not store.
    pub(crate) fn parse(sql: &str) -> Option<Self> {
        let mut cursor = Cursor::new(sql);
        if !cursor.take_word("CREATE") {
            return None;
        }
        let kinds = [
            ("VIRTUAL", "TABLE", "table"),
            ("UNIQUE", "INDEX", "index"),
            ("", "TABLE", "table"),
            ("", "INDEX", "index"),
            ("", "VIEW", "view"),
            ("", "TRIGGER", "trigger"),
        ];
        let first = |before: &'static str, word| if before.is_empty() { word } else { before };
        let (before, word, kind) =
            kinds.into_iter().find(|(before, word, _)| cursor.at_word(first(before, word)))?;
        if (!before.is_empty() && !cursor.take_word(before)) || !cursor.take_word(word) {
            return None;
        }
        let name = cursor.take_name()?;
        let mut table = None;
        let goes_on = match word {
            "TABLE" if before == "VIRTUAL" => cursor.take_word("USING") && cursor.take_name().is_some(),
            "TABLE" => cursor.at_symbol("("),
            "VIEW" => cursor.at_word("AS") || cursor.at_symbol("("),
            _ => {
                while word == "TRIGGER" && cursor.peek().is_some() && !cursor.at_word("ON") {
                    if cursor.at_symbol(".") {
                        return None;
                    }
                    cursor.take();
                }
                table = cursor.take_word("ON").then(|| cursor.take_name()).flatten();
                table.is_some() && !cursor.at_symbol(".")
            }
        };
        goes_on.then_some(Self { kind, name, table })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_statements_make() {
        let made = |sql: &str| Naming::parse(sql).map(|it| (it.kind, it.name, it.table));
        let named =
            |kind, name: &str, table: Option<&str>| Some((kind, name.to_owned(), table.map(str::to_owned)));
        assert_eq!(made("CREATE TABLE \"a b\"(c)"), named("table", "a b", None));
        assert_eq!(made("CREATE VIRTUAL TABLE s USING fts5(a)"), named("table", "s", None));
        assert_eq!(made("CREATE VIEW v AS SELECT 1"), named("view", "v", None));
        assert_eq!(made("CREATE UNIQUE INDEX i ON t(a)"), named("index", "i", Some("t")));
        assert_eq!(
            made("CREATE TRIGGER g AFTER UPDATE OF a, b ON t BEGIN SELECT 1; END"),
            named("trigger", "g", Some("t"))
        );
        let others = [
            "CREATE TEMP TABLE t(a)",
            "CREATE TABLE IF NOT EXISTS t(a)",
            "CREATE TABLE main.t(a)",
            "CREATE TABLE t",
            "CREATE VIRTUAL INDEX i ON t(a)",
            "CREATE UNIQUE TABLE t(a)",
            "CREATE INDEX i ON main.t(a)",
            "CREATE TRIGGER main.g AFTER INSERT ON t BEGIN SELECT 1; END",
            "DROP TABLE t",
        ];
        for sql in others {
            assert_eq!(made(sql), None, "{sql}");
        }
    }
}
