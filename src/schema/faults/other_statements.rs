//! What SQLite refuses in the statements of indexes, and at the beginning of those of views and triggers.

use super::expression::{Place, check_expression, no_column};
use super::reader::{Fault, Reader, ends_too_early, last_two, unexpected};
use super::table_statement::{checked_term, name_list};
use crate::schema::Table;
use crate::schema::cursor::split_at_commas;
use crate::schema::token::{Kind, Token, Tokens};

/// What stands behind the name of an index: the name of its table.
pub(super) fn index_table(reader: &mut Reader<'_>) -> Result<String, Fault> {
    reader.word("ON")?;
    reader.name()
}

/// What stands behind that.
pub(super) fn check_index(reader: &mut Reader<'_>, table: &Table) -> Result<(), Fault> {
    for text in split_at_commas(reader.parentheses()?) {
        let term = checked_term(text)?;
        match &term.column {
            Some(name) if table.column(name).is_some() => {}
            // In double quotes, what is no column is a text.
            Some(name) => {
                let named = Tokens::new(&term.expression).find(|token| token.is_name());
                if !named.is_some_and(|token| token.text.starts_with('"')) {
                    return Err(no_column(name));
                }
            }
            None => check_expression(&term.expression, table, Place::IndexTerm)?,
        }
    }
    if reader.takes("WHERE") {
        return check_expression(reader.rest(), table, Place::IndexCondition);
    }
    reader.end()
}

/// What stands behind the name of a view, up to its query.
pub(super) fn check_view(reader: &mut Reader<'_>) -> Result<(), Fault> {
    if reader.at_symbol("(") {
        name_list(reader.parentheses()?)?;
    }
    reader.word("AS")?;
    reader.one_of(&["SELECT", "VALUES", "WITH"])?;
    check_parentheses(reader.rest())?;
    // All columns are a star; between operands, it would lack the second.
    let is_all = |before: Option<Token<'_>>| {
        before.is_none_or(|token| token.kind == Kind::Word || matches!(token.text, "." | ","))
    };
    match last_two(reader.rest()) {
        (before, Some(star)) if star.is_symbol("*") && is_all(before) => Ok(()),
        (_, Some(token)) if token.kind == Kind::Symbol && token.text != ")" => Err(unexpected(&token)),
        (_, Some(_)) => Ok(()),
        (_, None) => Err(ends_too_early()),
    }
}

/// What a trigger is for.
pub(super) struct TriggerHead {
    pub(super) table: String,
    /// INSTEAD OF: for views.
    pub(super) is_instead: bool,
}

/// What stands behind the name of a trigger, up to its statements, and how these end.
pub(super) fn check_trigger(reader: &mut Reader<'_>) -> Result<TriggerHead, Fault> {
    let is_instead = reader.takes("INSTEAD");
    if is_instead {
        reader.word("OF")?;
    } else {
        reader.takes_any(&["BEFORE", "AFTER"]);
    }
    if reader.takes("UPDATE") {
        if reader.takes("OF") {
            reader.name()?;
            while reader.takes_symbol(",") {
                reader.name()?;
            }
        }
    } else {
        reader.one_of(&["DELETE", "INSERT"])?;
    }
    reader.word("ON")?;
    let mut table = reader.name()?;
    if reader.takes_symbol(".") {
        table = reader.name()?;
    }
    if reader.takes("FOR") {
        reader.word("EACH")?;
        reader.word("ROW")?;
    }
    if !reader.at_word("WHEN") {
        reader.word("BEGIN")?;
        reader.one_of(&["SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "WITH", "VALUES"])?;
    }
    check_parentheses(reader.rest())?;
    let (before, last) = last_two(reader.rest());
    let is_over =
        before.is_some_and(|token| token.is_symbol(";")) && last.is_some_and(|token| token.is("END"));
    if is_over { Ok(TriggerHead { table, is_instead }) } else { Err(ends_too_early()) }
}

/// Each parenthesis that opens is closed, and none else.
fn check_parentheses(text: &str) -> Result<(), Fault> {
    let mut depth = 0_u64;
    for token in Tokens::new(text) {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth = depth.checked_sub(1).ok_or_else(|| unexpected(&token))?;
        }
    }
    if depth == 0 { Ok(()) } else { Err(ends_too_early()) }
}
