//! Whether a statement of the schema may be written as it is.
//!
//! Whoever made the database chose the text. Read back, it must be one statement, of the kind that its row says, and nothing
//! behind it: else a dump of a hostile file would run what that file wants, in the shell even commands of the system.

use std::collections::HashMap;

use crate::schema::{Collation, Ending, Schema, Table, statement_ending, statement_faults};

/// The statements of a schema, and what is wrong with them.
pub(super) struct Statements<'s> {
    schema: &'s Schema,
    /// Which entries SQLite would refuse, and why.
    faults: HashMap<usize, String>,
}

impl<'s> Statements<'s> {
    pub(super) fn new(schema: &'s Schema) -> Self {
        let faults = statement_faults(schema).into_iter().map(|fault| (fault.entry, fault.words));
        Self { schema, faults: faults.collect() }
    }

    /// The statement that makes a table, or why it cannot be written.
    pub(super) fn of_table(&self, table: &Table) -> Result<String, String> {
        let mut entries = self.schema.entries.iter().enumerate();
        let entry = entries.find(|(_, entry)| {
            entry.kind == "table" && entry.name == table.name && entry.root() == table.root_page
        });
        let (entry, _) = entry.ok_or("the schema does not have it")?;
        if let Some(note) = &table.note {
            return Err(note.clone());
        }
        let of_keys = table.keys().flatten().map(|key| &key.collation);
        for collation in table.columns.iter().map(|column| &column.collation).chain(of_keys) {
            if let Collation::Other(name) = collation {
                return Err(format!("it needs the collation {name}, which is not one of SQLite's own"));
            }
        }
        self.of_entry(entry)
    }

    /// The statement of an entry, or why it cannot be written.
    pub(super) fn of_entry(&self, number: usize) -> Result<String, String> {
        if let Some(fault) = self.faults.get(&number) {
            return Err(fault.clone());
        }
        let entry = self.schema.entries.get(number).ok_or("the schema does not have it")?;
        let sql = entry.sql.as_deref().ok_or("the schema has no statement for it")?;
        let statement = whole_statement(&entry.kind, sql);
        statement.ok_or_else(|| "its statement is not one that can be written".to_owned())
    }
}

/// The statement with its end; `None` when it is not one statement that begins with `CREATE`.
fn whole_statement(kind: &str, sql: &str) -> Option<String> {
    let end = match statement_ending(sql, kind == "trigger")? {
        Ending::Plain => ";",
        Ending::InLineComment => "\n;",
        Ending::InBlockComment => "*/;",
    };
    Some(format!("{sql}{end}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_statement_is_taken_and_more_than_one_is_not() {
        let whole = |sql: &str| whole_statement("table", sql);
        assert_eq!(whole("CREATE TABLE t(a)").as_deref(), Some("CREATE TABLE t(a);"));
        assert_eq!(whole("CREATE TABLE t(a) -- x").as_deref(), Some("CREATE TABLE t(a) -- x\n;"));
        assert_eq!(whole("CREATE TABLE t(a) /* x").as_deref(), Some("CREATE TABLE t(a) /* x*/;"));
        assert_eq!(whole("CREATE TABLE t(a DEFAULT ';')").as_deref(), Some("CREATE TABLE t(a DEFAULT ';');"));
        assert_eq!(whole("CREATE TABLE t(a);\n.shell x"), None);
        assert_eq!(whole("CREATE TABLE t(a DEFAULT 'never"), None);
        assert_eq!(whole("CREATE TABLE t(a"), None, "no parenthesis is left open");
        assert_eq!(whole("CREATE TABLE \"t(a)"), None);
        assert_eq!(whole("DROP TABLE t"), None);
        assert_eq!(whole("CREATE TEMP TABLE t(a)"), None);
        assert_eq!(whole("CREATE TABLE t(a\0)"), None);
    }

    #[test]
    fn a_trigger_has_statements_in_it_and_ends_with_its_end() {
        let whole = |sql: &str| whole_statement("trigger", sql).is_some();
        assert!(whole(
            "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; SELECT CASE 1 WHEN 2 THEN 3 END; END"
        ));
        assert!(!whole("CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END; .shell x"));
        assert!(!whole("CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;\n.shell x\n; END"));
        assert!(!whole("CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1;"));
    }
}
