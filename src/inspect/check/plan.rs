//! From the schema: which b-trees there must be, and what their records hold.

use super::key_order::KeyField;
use super::value_rules::ValueRule;
use crate::format::PageNumber;
use crate::schema::{Affinity, Collation, DefaultValue, Index, IndexTerm, Schema, Table};
use std::collections::HashMap;
use std::sync::Arc;

/// What is to be checked.
#[derive(Default)]
pub(super) struct Plan {
    /// Every b-tree that the schema names, in its order; that of the schema first.
    pub(super) trees: Vec<TreePlan>,
    pub(super) tables: Vec<TablePlan>,
    pub(super) indexes: Vec<IndexPlan>,
    /// What cannot be checked, and why.
    pub(super) not_checked: Vec<String>,
    /// Whether the order of fields that descend is turned round.
    heeds_desc: bool,
}

/// A b-tree.
pub(super) struct TreePlan {
    pub(super) owner: Arc<str>,
    pub(super) root: PageNumber,
    pub(super) content: Content,
}

/// What the records of a b-tree are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Rows of this table.
    Table(usize),
    /// Entries of this index.
    Index(usize),
}

/// A table with pages.
pub(super) struct TablePlan {
    /// Whether its rows have rowids; `None` where its statement cannot be read.
    pub(super) has_rowid: Option<bool>,
    /// Its primary key, if it has no rowids.
    pub(super) key: Vec<KeyField>,
    /// What its columns let their values be.
    pub(super) rules: Vec<ValueRule>,
    /// The indexes whose entries its rows give.
    pub(super) indexes: Vec<usize>,
    /// Its b-tree.
    pub(super) root: PageNumber,
    pub(super) name: Arc<str>,
}

/// An index.
pub(super) struct IndexPlan {
    pub(super) name: Arc<str>,
    pub(super) root: PageNumber,
    /// All its fields; empty where its statement cannot be read.
    pub(super) fields: Vec<KeyField>,
    /// How many of them no two entries share, if it is unique.
    pub(super) unique: Option<usize>,
    /// Its table.
    pub(super) table: Option<usize>,
    /// Whether it has entries for some rows only.
    pub(super) is_partial: bool,
    /// How each field comes from a row; `None` where that needs an engine. Empty where nothing is known.
    pub(super) sources: Vec<Option<RowPart>>,
}

/// Where a field of an index entry comes from.
#[derive(Clone, Debug)]
pub(super) enum RowPart {
    Rowid,
    /// This field of the row, or the value of rows that are older than the column.
    Field(usize, DefaultValue),
    /// Every entry has it.
    Constant(DefaultValue),
}

impl Plan {
    /// Below schema format 4, SQLite takes no notice of DESC: `schema_format` is the header's.
    pub(super) fn new(schema: &Schema, schema_format: u8) -> Self {
        let mut plan = Self { heeds_desc: schema_format >= 4, ..Self::default() };
        let mut places = HashMap::new();
        for table in &schema.tables {
            plan.add_table(table, &mut places);
        }
        for index in &schema.indexes {
            let table = places.get(&index.table.to_ascii_lowercase()).copied();
            plan.add_index(index, table, schema.table(&index.table));
        }
        for entry in &schema.entries {
            if entry.kind == "table" && entry.sql.as_deref().is_some_and(has_check) {
                plan.not_checked.push(format!("CHECK constraints of {}", entry.name));
            }
        }
        for (kind, what) in [("view", "the queries of views"), ("trigger", "the statements of triggers")] {
            if schema.entries.iter().any(|entry| entry.kind == kind) {
                plan.not_checked.push(what.to_owned());
            }
        }
        plan
    }

    fn add_table(&mut self, table: &Table, places: &mut HashMap<String, usize>) {
        if let Some(module) = &table.module {
            self.not_checked.push(format!("what the module {module} makes of {}", table.name));
        }
        let Some(root) = table.root_page.filter(|_| !table.is_virtual()) else { return };
        let name: Arc<str> = table.name.as_str().into();
        let field_of = fields_of(table);
        if ValueRule::has_unseen(table) {
            self.not_checked.push(format!("column-type of {}: what its virtual columns give", table.name));
        }
        let key = table.primary_key.iter().filter(|_| table.without_rowid);
        let key: Vec<_> = key.map(|key| self.key_field(&key.collation, key.descending)).collect();
        self.doubt_order(&table.name, &key);
        places.entry(table.name.to_ascii_lowercase()).or_insert(self.tables.len());
        self.trees.push(TreePlan { owner: name.clone(), root, content: Content::Table(self.tables.len()) });
        self.tables.push(TablePlan {
            has_rowid: table.note.is_none().then_some(!table.without_rowid),
            key,
            rules: ValueRule::all(table, |column| field_of.get(&column).copied()),
            indexes: Vec::new(),
            root,
            name,
        });
    }

    fn add_index(&mut self, index: &Index, place: Option<usize>, table: Option<&Table>) {
        let Some(root) = index.root_page else { return };
        let name: Arc<str> = index.name.as_str().into();
        let fields = index.columns.iter();
        let fields: Vec<_> = fields.map(|field| self.key_field(&field.collation, field.descending)).collect();
        self.doubt_order(&index.name, &fields);
        let is_partial = index.condition.is_some();
        if is_partial {
            self.not_checked.push(format!("index-entry of {}: which rows its condition takes", index.name));
        }
        let sources = table.map(|table| self.sources(index, table)).unwrap_or_default();
        if let Some(table) = place.and_then(|table| self.tables.get_mut(table)).filter(|_| !is_partial) {
            table.indexes.push(self.indexes.len());
        }
        self.trees.push(TreePlan { owner: name.clone(), root, content: Content::Index(self.indexes.len()) });
        let unique = index.unique.then_some(index.key_count);
        self.indexes.push(IndexPlan { name, root, fields, unique, table: place, is_partial, sources });
    }

    /// How each field of the index comes from a row. Where that needs an engine, it is said.
    fn sources(&mut self, index: &Index, table: &Table) -> Vec<Option<RowPart>> {
        let field_of = fields_of(table);
        let source = |term: &IndexTerm| match term {
            IndexTerm::Rowid => Some(RowPart::Rowid),
            IndexTerm::Column(column) if Some(*column) == table.rowid_column => Some(RowPart::Rowid),
            IndexTerm::Column(column) => {
                let added = table.columns.get(*column)?.added_value.clone();
                Some(RowPart::Field(*field_of.get(column)?, added))
            }
            // In double quotes, what is no column is a text.
            IndexTerm::Expression(text) if text.starts_with('"') => {
                match DefaultValue::from_sql(text, Affinity::Blob) {
                    DefaultValue::Null => None,
                    constant => Some(RowPart::Constant(constant)),
                }
            }
            _ => None,
        };
        let sources: Vec<_> = index.columns.iter().map(|column| source(&column.term)).collect();
        if sources.iter().any(Option::is_none) {
            self.not_checked.push(format!("index-entry of {}: what its expressions give", index.name));
        }
        sources
    }

    fn key_field(&self, collation: &Collation, descending: bool) -> KeyField {
        KeyField { collation: collation.clone(), descending: descending && self.heeds_desc }
    }

    /// Says so where the order of an index is an application's.
    fn doubt_order(&mut self, owner: &str, key: &[KeyField]) {
        let other = key.iter().find_map(|field| match &field.collation {
            Collation::Other(name) => Some(name),
            _ => None,
        });
        if let Some(name) = other {
            self.not_checked.push(format!("index-order of {owner}: the collation {name} is not built in"));
        }
    }
}

/// Whether a statement seems to have a CHECK constraint.
fn has_check(sql: &str) -> bool {
    let sql = sql.to_ascii_lowercase();
    sql.match_indices("check")
        .any(|(at, word)| sql.get(at + word.len()..).is_some_and(|rest| rest.trim_start().starts_with('(')))
}

/// Which field of a record holds each column.
fn fields_of(table: &Table) -> HashMap<usize, usize> {
    table.stored_columns().iter().enumerate().map(|(field, &column)| (column, field)).collect()
}
