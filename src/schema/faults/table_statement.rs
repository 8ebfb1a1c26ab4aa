//! What SQLite refuses in a `CREATE TABLE` statement: its grammar, its columns, its keys.

use super::expression::{Place, check_expression, no_column};
use super::reader::{Fault, Reader, last_two, shortened};
use crate::schema::cursor::split_at_commas;
use crate::schema::definition::{TermDefinition, without_autoincrement};
use crate::schema::token::{Kind, Token, Tokens};
use crate::schema::{Collation, Column, KeyColumn, Table};
use std::collections::{HashMap, HashSet};

/// The types that a STRICT table can have.
const STRICT_TYPES: [&str; 6] = ["ANY", "BLOB", "INT", "INTEGER", "REAL", "TEXT"];

const CONFLICTS: [&str; 5] = ["ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE"];

/// Reads what stands behind the name of a table. `table` is what its statement says where it is right.
pub(super) fn check_table(reader: &mut Reader<'_>, table: &Table) -> Result<(), Fault> {
    reader.symbol("(")?;
    let mut statement = TableStatement { table, column: 0, primary_keys: 0, conflicts: HashMap::new() };
    statement.columns(reader)?;
    reader.symbol(")")?;
    table_options(reader)?;
    reader.end()?;
    if statement.primary_keys > 1 {
        return Err("it has more than one PRIMARY KEY".to_owned());
    }
    check_columns(table)?;
    check_key(table)
}

/// Reads what stands behind the name of a virtual table.
pub(super) fn check_virtual_table(reader: &mut Reader<'_>) -> Result<(), Fault> {
    reader.word("USING")?;
    reader.name()?;
    if reader.at_symbol("(") {
        reader.parentheses()?;
    }
    reader.end()
}

struct TableStatement<'t> {
    table: &'t Table,
    /// Which column is being read.
    column: usize,
    primary_keys: u32,
    /// What each key says of conflicts. One index serves all that have the same columns.
    conflicts: HashMap<Vec<(usize, Collation)>, &'static str>,
}

impl TableStatement<'_> {
    fn columns(&mut self, reader: &mut Reader<'_>) -> Result<(), Fault> {
        loop {
            reader.name()?;
            reader.type_words()?;
            // A default value and what a generated column is made of take the same place.
            let mut expressions = 0_u32;
            while reader.peek().is_some_and(|token| !token.is_symbol(",") && !token.is_symbol(")")) {
                expressions += u32::from(self.column_constraint(reader)?);
            }
            let is_generated =
                self.table.columns.get(self.column).is_some_and(|column| column.generated.is_some());
            if expressions > 1 && is_generated {
                return Err("a generated column has a default value, or is generated twice".to_owned());
            }
            self.column += 1;
            if !reader.takes_symbol(",") {
                return Ok(());
            }
            if at_table_constraint(reader) {
                return self.table_constraints(reader);
            }
        }
    }

    /// Gives whether it is a DEFAULT, or what a generated column is made of.
    fn column_constraint(&mut self, reader: &mut Reader<'_>) -> Result<bool, Fault> {
        if reader.takes("CONSTRAINT") {
            reader.name()?;
        } else if reader.takes("DEFAULT") {
            self.default(reader)?;
            return Ok(true);
        } else if reader.takes("NULL") {
            on_conflict(reader)?;
        } else if reader.takes("UNIQUE") {
            self.column_key(reader, false)?;
        } else if reader.takes("NOT") {
            if reader.takes("NULL") {
                on_conflict(reader)?;
            } else {
                deferrable(reader)?;
            }
        } else if reader.at_word("DEFERRABLE") {
            deferrable(reader)?;
        } else if reader.takes("PRIMARY") {
            reader.word("KEY")?;
            reader.takes_any(&["ASC", "DESC"]);
            self.column_key(reader, true)?;
            reader.takes("AUTOINCREMENT");
            self.primary_keys += 1;
        } else if reader.takes("CHECK") {
            check_expression(reader.parentheses()?, self.table, Place::Check)?;
        } else if reader.takes("REFERENCES") {
            if references(reader)?.is_some_and(|count| count != 1) {
                return Err("a column refers to more than one column".to_owned());
            }
        } else if reader.takes("COLLATE") {
            reader.collation()?;
        } else if reader.takes("GENERATED") {
            reader.word("ALWAYS")?;
            reader.word("AS")?;
            return self.generated(reader).map(|()| true);
        } else {
            reader.word("AS")?;
            return self.generated(reader).map(|()| true);
        }
        Ok(false)
    }

    fn generated(&self, reader: &mut Reader<'_>) -> Result<(), Fault> {
        check_expression(reader.parentheses()?, self.table, Place::Generated)?;
        match reader.peek() {
            Some(token) if is_constraint_start(&token) || token.kind == Kind::Symbol => Ok(()),
            _ if reader.takes_any(&["STORED", "VIRTUAL"]) => Ok(()),
            _ => Err(reader.unexpected()),
        }
    }

    fn default(&self, reader: &mut Reader<'_>) -> Result<(), Fault> {
        if reader.at_symbol("(") {
            return check_expression(reader.parentheses()?, self.table, Place::Default);
        }
        let is_signed = reader.takes_symbol("-") || reader.takes_symbol("+");
        if reader.takes_any(&["NULL", "CURRENT_TIME", "CURRENT_DATE", "CURRENT_TIMESTAMP"]) {
            return Ok(());
        }
        match reader.peek() {
            Some(token) if matches!(token.kind, Kind::Number | Kind::Blob | Kind::Text) => {
                reader.take().map(drop)
            }
            _ if is_signed => Err(reader.unexpected()),
            _ => reader.name().map(drop),
        }
    }

    fn table_constraints(&mut self, reader: &mut Reader<'_>) -> Result<(), Fault> {
        loop {
            if reader.takes("CONSTRAINT") {
                reader.name()?;
            } else if reader.takes("PRIMARY") {
                reader.word("KEY")?;
                let (list, _) = without_autoincrement(reader.parentheses()?);
                let key = self.key(list)?;
                self.keep_conflict(key, on_conflict(reader)?, true)?;
                self.primary_keys += 1;
            } else if reader.takes("UNIQUE") {
                let key = self.key(reader.parentheses()?)?;
                self.keep_conflict(key, on_conflict(reader)?, false)?;
            } else if reader.takes("CHECK") {
                check_expression(reader.parentheses()?, self.table, Place::Check)?;
                on_conflict(reader)?;
            } else {
                self.foreign_key(reader)?;
            }
            if reader.at_symbol(")") {
                return Ok(());
            }
            reader.takes_symbol(",");
        }
    }

    /// The columns of a PRIMARY KEY or UNIQUE constraint.
    fn key(&self, list: &str) -> Result<Vec<KeyColumn>, Fault> {
        let column = |text| {
            let term = checked_term(text)?;
            match (self.table.key_column(&term), &term.column) {
                (Some(column), _) => Ok(column),
                (None, Some(name)) => Err(no_column(name)),
                (None, None) => {
                    check_expression(&term.expression, self.table, Place::IndexTerm)?;
                    Err("a key of its table has an expression in it".to_owned())
                }
            }
        };
        split_at_commas(list).into_iter().map(column).collect()
    }

    /// What stands behind UNIQUE or PRIMARY KEY at a column.
    fn column_key(&mut self, reader: &mut Reader<'_>, can_be_rowid: bool) -> Result<(), Fault> {
        let conflict = on_conflict(reader)?;
        let Some(Column { collation, .. }) = self.table.columns.get(self.column) else { return Ok(()) };
        let key = KeyColumn { column: self.column, collation: collation.clone(), descending: false };
        self.keep_conflict(vec![key], conflict, can_be_rowid)
    }

    /// Keys of the same columns must not say different things of conflicts. The rowid has no index.
    fn keep_conflict(
        &mut self,
        key: Vec<KeyColumn>,
        conflict: Option<&'static str>,
        can_be_rowid: bool,
    ) -> Result<(), Fault> {
        let is_rowid = can_be_rowid && self.table.rowid_column.is_some();
        let Some(conflict) = conflict.filter(|_| !is_rowid) else { return Ok(()) };
        let identity = key.iter().map(KeyColumn::identity).collect();
        if *self.conflicts.entry(identity).or_insert(conflict) == conflict {
            return Ok(());
        }
        Err("two keys of the same columns say different things of conflicts".to_owned())
    }

    fn foreign_key(&self, reader: &mut Reader<'_>) -> Result<(), Fault> {
        reader.word("FOREIGN")?;
        reader.word("KEY")?;
        let columns = name_list(reader.parentheses()?)?;
        if let Some(unknown) = columns.iter().find(|name| self.table.column(name).is_none()) {
            return Err(no_column(unknown));
        }
        reader.word("REFERENCES")?;
        if references(reader)?.is_some_and(|count| count != columns.len()) {
            return Err("a foreign key and what it refers to have different numbers of columns".to_owned());
        }
        Ok(())
    }
}

fn at_table_constraint(reader: &Reader<'_>) -> bool {
    ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"].iter().any(|word| reader.at_word(word))
}

/// Whether a constraint begins, and no word that could say how a generated column is kept.
fn is_constraint_start(token: &Token<'_>) -> bool {
    const STARTS: [&str; 11] = [
        "CONSTRAINT",
        "DEFAULT",
        "NULL",
        "UNIQUE",
        "NOT",
        "DEFERRABLE",
        "PRIMARY",
        "CHECK",
        "REFERENCES",
        "COLLATE",
        "AS",
    ];
    STARTS.iter().any(|word| token.is(word))
}

/// A term of a key or an index. It cannot say where NULLs come.
pub(super) fn checked_term(text: &str) -> Result<TermDefinition, Fault> {
    let (before, last) = last_two(text);
    let is_last = |token: Token<'_>| token.is("FIRST") || token.is("LAST");
    if before.is_some_and(|token| token.is("NULLS")) && last.is_some_and(is_last) {
        return Err("a key says where NULLs come".to_owned());
    }
    Ok(TermDefinition::parse(text))
}

fn on_conflict(reader: &mut Reader<'_>) -> Result<Option<&'static str>, Fault> {
    if !reader.takes("ON") {
        return Ok(None);
    }
    reader.word("CONFLICT")?;
    let taken = CONFLICTS.into_iter().find(|conflict| reader.takes(conflict));
    taken.map(Some).ok_or_else(|| reader.unexpected())
}

fn deferrable(reader: &mut Reader<'_>) -> Result<(), Fault> {
    reader.word("DEFERRABLE")?;
    if reader.takes("INITIALLY") { reader.one_of(&["DEFERRED", "IMMEDIATE"]) } else { Ok(()) }
}

/// What stands behind REFERENCES. Gives how many columns are named, where there are any.
fn references(reader: &mut Reader<'_>) -> Result<Option<usize>, Fault> {
    reader.name()?;
    let count = match reader.at_symbol("(") {
        true => Some(name_list(reader.parentheses()?)?.len()),
        false => None,
    };
    loop {
        if reader.takes("MATCH") {
            reader.name()?;
        } else if reader.takes("ON") {
            reader.one_of(&["INSERT", "DELETE", "UPDATE"])?;
            if reader.takes("SET") {
                reader.one_of(&["NULL", "DEFAULT"])?;
            } else if reader.takes("NO") {
                reader.word("ACTION")?;
            } else {
                reader.one_of(&["CASCADE", "RESTRICT"])?;
            }
        } else {
            break;
        }
    }
    // Behind a column, NOT may as well begin NOT NULL.
    let is_not_deferrable = Tokens::new(reader.rest()).nth(1).is_some_and(|token| token.is("DEFERRABLE"));
    if is_not_deferrable {
        reader.takes("NOT");
    }
    if reader.at_word("DEFERRABLE") {
        deferrable(reader)?;
    }
    Ok(count)
}

/// Names between commas. SQLite takes no notice of a collation or an order there.
pub(super) fn name_list(list: &str) -> Result<Vec<String>, Fault> {
    let names = split_at_commas(list).into_iter().map(|text| {
        let mut reader = Reader::new(text);
        let name = reader.name()?;
        if reader.takes("COLLATE") {
            reader.collation()?;
        }
        reader.takes_any(&["ASC", "DESC"]);
        reader.end().map(|()| name)
    });
    names.collect()
}

fn table_options(reader: &mut Reader<'_>) -> Result<(), Fault> {
    if reader.peek().is_none() {
        return Ok(());
    }
    loop {
        if reader.takes("WITHOUT") {
            reader.word("ROWID")?;
        } else {
            reader.word("STRICT")?;
        }
        if !reader.takes_symbol(",") {
            return Ok(());
        }
    }
}

fn check_columns(table: &Table) -> Result<(), Fault> {
    let mut names = HashSet::new();
    if let Some(twice) = table.columns.iter().find(|column| !names.insert(column.name.to_ascii_lowercase())) {
        return Err(format!("it has two columns {}", shortened(&twice.name)));
    }
    if table.columns.iter().all(|column| column.generated.is_some()) {
        return Err("all its columns are generated".to_owned());
    }
    let is_strict =
        |column: &&Column| STRICT_TYPES.iter().any(|name| name.eq_ignore_ascii_case(&column.declared_type));
    match table.columns.iter().find(|column| table.strict && !is_strict(column)) {
        Some(column) if column.declared_type.is_empty() => {
            Err(format!("it is STRICT, and column {} has no type", shortened(&column.name)))
        }
        Some(Column { name, declared_type, .. }) => {
            let (name, declared_type) = (shortened(name), shortened(declared_type));
            Err(format!("it is STRICT, and column {name} has the type {declared_type}"))
        }
        None => Ok(()),
    }
}

fn check_key(table: &Table) -> Result<(), Fault> {
    let generated =
        |column: usize| table.columns.get(column).is_some_and(|column| column.generated.is_some());
    if table.primary_key.iter().any(|key| generated(key.column)) {
        return Err("its PRIMARY KEY has a generated column".to_owned());
    }
    if table.without_rowid && table.primary_key.is_empty() {
        return Err("it is WITHOUT ROWID, and has no PRIMARY KEY".to_owned());
    }
    if table.autoincrement && table.rowid_column.is_none() {
        return Err(
            "AUTOINCREMENT stands at what is no INTEGER PRIMARY KEY of a table with rowids".to_owned()
        );
    }
    Ok(())
}
