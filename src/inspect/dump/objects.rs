//! What hangs on tables: indexes, views, triggers, virtual tables.

use super::dumper::Dumper;
use super::report::DumpProgress;
use crate::rows::SqlValue;
use crate::schema::{Collation, SchemaEntry};

impl<P: FnMut(DumpProgress)> Dumper<'_, P> {
    /// Writes the indexes. Gives the statements of those that SQLite may refuse, to be written last.
    pub(super) fn write_indexes(&mut self) -> Vec<String> {
        let schema = self.schema;
        let mut failing = Vec::new();
        for (number, entry) in schema.entries.iter().enumerate().filter(|(_, entry)| entry.kind == "index") {
            // An index without a statement comes with its table.
            let Some(statement) = self.statement(number, entry) else { continue };
            let index = schema.indexes.iter().find(|index| index.name == entry.name);
            let is_last = self.failing_indexes.contains(&entry.name);
            if is_last {
                self.report.add_doubtful_index(&entry.name, "the rows may not allow it, which is UNIQUE");
            }
            let needs = index.and_then(|index| {
                index.columns.iter().find_map(|column| match &column.collation {
                    Collation::Other(name) => Some(name),
                    _ => None,
                })
            });
            if let Some(collation) = needs {
                let why = format!("it needs the collation {collation}, which is not one of SQLite's own");
                self.report.add_doubtful_index(&entry.name, &why);
            }
            match is_last || needs.is_some() {
                true => failing.push(statement),
                false => self.sql.line(&statement),
            }
        }
        failing
    }

    pub(super) fn write_views_and_triggers(&mut self) {
        let schema = self.schema;
        for kind in ["view", "trigger"] {
            for (number, entry) in schema.entries.iter().enumerate().filter(|(_, entry)| entry.kind == kind) {
                if let Some(statement) = self.statement(number, entry) {
                    self.sql.line(&statement);
                }
            }
        }
        let kinds = ["table", "index", "view", "trigger"];
        for entry in schema.entries.iter().filter(|entry| !kinds.contains(&entry.kind.as_str())) {
            self.report.refuse_statement("row of the schema", &entry.name, "its type is unknown");
        }
    }

    /// The statement of an entry, if SQLite can be expected to take it.
    fn statement(&mut self, number: usize, entry: &SchemaEntry) -> Option<String> {
        // One without a statement comes with its table.
        entry.sql.as_ref()?;
        let checked = self.statements.of_entry(number).and_then(|statement| {
            let has_table = self.tables.contains(&entry.table_name.to_ascii_lowercase());
            let is_view =
                |it: &SchemaEntry| it.kind == "view" && it.name.eq_ignore_ascii_case(&entry.table_name);
            let hangs_on_nothing = match entry.kind.as_str() {
                "index" => !has_table,
                "trigger" => !has_table && !self.schema.entries.iter().any(is_view),
                _ => false,
            };
            if hangs_on_nothing {
                return Err("its table is not there".to_owned());
            }
            let is_free = entry.kind == "trigger" || self.names.insert(entry.name.to_ascii_lowercase());
            if is_free { Ok(statement) } else { Err("another one has its name".to_owned()) }
        });
        checked.map_err(|why| self.report.refuse_statement(&entry.kind, &entry.name, &why)).ok()
    }

    /// A virtual table is put into the schema as it is: to create it would make its shadow tables, which are written as tables.
    pub(super) fn write_virtual_tables(&mut self) {
        let schema = self.schema;
        for table in schema.tables.iter().filter(|table| table.is_virtual()) {
            let mut entries = schema.entries.iter().enumerate();
            let entry = entries.find(|(_, entry)| entry.kind == "table" && entry.name == table.name);
            // The schema of what is made could not be read if one statement of it were wrong.
            let Some((_, entry)) = entry.filter(|(number, entry)| self.statement(*number, entry).is_some())
            else {
                continue;
            };
            self.report.table_count += 1;
            self.make_schema_writable();
            self.sql.bytes.extend_from_slice(
                b"INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table',",
            );
            let sql = entry.sql.as_deref().unwrap_or_default();
            for (text, behind) in [(entry.name.as_str(), ","), (entry.name.as_str(), ",0,"), (sql, ");\n")] {
                self.literals.add(&mut self.sql.bytes, &SqlValue::Text(text.into()));
                self.sql.bytes.extend_from_slice(behind.as_bytes());
            }
            self.sql.end();
        }
    }
}
