//! What a `CREATE TABLE` or `CREATE INDEX` statement says, as it stands in `sqlite_schema`. [schema.md#statements](crate::notes::schema#statements)
//!
//! SQLite has accepted the statement, so that it need not be checked: columns, types and constraints stand in a row, and
//! what is in parentheses behind `CHECK`, `DEFAULT` and `AS` is skipped as a whole. A statement that ends too early, in a
//! damaged database, gives the columns that are there.

use super::cursor::{Cursor, split_at_commas};
use super::token::{Kind, Token, unquote};

/// Where the values of a generated column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generated {
    /// In the record, as those of other columns.
    Stored,
    /// Nowhere: they are computed whenever they are read.
    Virtual,
}

/// What a `CREATE TABLE` statement says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TableDefinition {
    pub(super) columns: Vec<ColumnDefinition>,
    /// PRIMARY KEY and UNIQUE constraints, of columns and of the table, in their order.
    pub(super) keys: Vec<KeyDefinition>,
    pub(super) autoincrement: bool,
    pub(super) without_rowid: bool,
    pub(super) strict: bool,
    /// The module, if it is a virtual table.
    pub(super) module: Option<String>,
    /// Whether the statement is there to its end.
    pub(super) complete: bool,
}

/// What the definition of one column says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ColumnDefinition {
    pub(super) name: String,
    pub(super) declared_type: String,
    pub(super) collation: Option<String>,
    pub(super) not_null: bool,
    pub(super) default: Option<String>,
    pub(super) generated: Option<Generated>,
}

/// A PRIMARY KEY or UNIQUE constraint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KeyDefinition {
    pub(super) is_primary: bool,
    /// Whether it stands at a column and says DESC: then an INTEGER PRIMARY KEY is no name for the rowid.
    pub(super) descending_at_column: bool,
    pub(super) terms: Vec<TermDefinition>,
}

/// A column, or an expression, of a key or an index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TermDefinition {
    /// The name if it can be a column's, else `None`.
    pub(super) column: Option<String>,
    pub(super) expression: String,
    pub(super) collation: Option<String>,
    pub(super) descending: bool,
}

/// What a `CREATE INDEX` statement says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct IndexDefinition {
    pub(super) unique: bool,
    pub(super) terms: Vec<TermDefinition>,
    pub(super) condition: Option<String>,
}

/// The keywords that begin a constraint of a column, and so end its type.
const COLUMN_CONSTRAINTS: [&str; 10] =
    ["CONSTRAINT", "NOT", "NULL", "PRIMARY", "UNIQUE", "CHECK", "DEFAULT", "COLLATE", "REFERENCES", "AS"];

/// The keywords that begin a constraint of the table, and so end its columns.
const TABLE_CONSTRAINTS: [&str; 5] = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];

fn is_one_of(token: &Token<'_>, keywords: &[&str]) -> bool {
    keywords.iter().any(|keyword| token.is(keyword))
}

impl TableDefinition {
    /// Reads `CREATE TABLE` and `CREATE VIRTUAL TABLE`; `None` for what is neither.
    pub(super) fn parse(sql: &str) -> Option<Self> {
        let mut cursor = Cursor::new(sql);
        if !cursor.take_word("CREATE") {
            return None;
        }
        let _ = cursor.take_word("TEMP") || cursor.take_word("TEMPORARY");
        let is_virtual = cursor.take_word("VIRTUAL");
        if !cursor.take_word("TABLE") {
            return None;
        }
        skip_name(&mut cursor)?;
        let mut table = Self::default();
        if is_virtual {
            table.complete = cursor.take_word("USING");
            table.module = Some(cursor.take_name().unwrap_or_default());
            return Some(table);
        }
        if !cursor.take_symbol("(") {
            return None;
        }
        table.read_columns(&mut cursor);
        table.read_constraints(&mut cursor);
        table.complete = cursor.take_symbol(")");
        while let Some(token) = cursor.take() {
            table.strict |= token.is("STRICT");
            table.without_rowid |= token.is("WITHOUT") && cursor.take_word("ROWID");
        }
        Some(table)
    }

    fn read_columns(&mut self, cursor: &mut Cursor<'_>) {
        loop {
            if cursor.peek().is_none_or(|token| is_one_of(&token, &TABLE_CONSTRAINTS)) {
                return;
            }
            let Some(name) = cursor.take_name() else { return };
            let declared_type = read_type(cursor);
            self.columns.push(ColumnDefinition { name, declared_type, ..ColumnDefinition::default() });
            while cursor.peek().is_some() && !cursor.at_symbol(",") && !cursor.at_symbol(")") {
                self.read_column_constraint(cursor);
            }
            if !cursor.take_symbol(",") {
                return;
            }
        }
    }

    fn read_column_constraint(&mut self, cursor: &mut Cursor<'_>) {
        let Some(token) = cursor.take() else { return };
        let Some(column) = self.columns.last_mut() else { return };
        if token.is("CONSTRAINT") {
            cursor.take_name();
        } else if token.is("NOT") {
            column.not_null |= cursor.take_word("NULL");
        } else if token.is("DEFAULT") {
            column.default = Some(read_default(cursor));
        } else if token.is("COLLATE") {
            column.collation = cursor.take_name();
        } else if token.is("AS") {
            cursor.take_parentheses();
            let stored = cursor.take_word("STORED");
            column.generated = Some(if stored { Generated::Stored } else { Generated::Virtual });
        } else if token.is("PRIMARY") {
            cursor.take_word("KEY");
            let descending = cursor.take_word("DESC");
            let name = column.name.clone();
            self.keys.push(KeyDefinition {
                is_primary: true,
                descending_at_column: descending,
                terms: vec![TermDefinition { descending, ..TermDefinition::of_column(name) }],
            });
        } else if token.is("UNIQUE") {
            let terms = vec![TermDefinition::of_column(column.name.clone())];
            self.keys.push(KeyDefinition { terms, ..KeyDefinition::default() });
        } else if token.is("AUTOINCREMENT") {
            self.autoincrement = true;
        } else if token.is("REFERENCES") {
            skip_name(cursor);
        } else if token.is("ON") {
            // ON DELETE SET NULL, ON CONFLICT REPLACE: what follows is no constraint, whatever its words.
            cursor.take();
            if cursor.take_word("SET") || cursor.take_word("NO") || cursor.peek().is_some() {
                cursor.take();
            }
        } else if token.is_symbol("(") {
            // The columns that are referred to, an expression, what we do not know.
            skip_rest_of_parentheses(cursor);
        }
    }

    fn read_constraints(&mut self, cursor: &mut Cursor<'_>) {
        while let Some(token) = cursor.peek().filter(|token| !token.is_symbol(")")) {
            cursor.take();
            let is_primary = token.is("PRIMARY") && cursor.take_word("KEY");
            if token.is("CONSTRAINT") {
                cursor.take_name();
            } else if is_primary || token.is("UNIQUE") {
                let Some(list) = cursor.take_parentheses() else { continue };
                let (list, autoincrement) = without_autoincrement(list);
                self.autoincrement |= autoincrement;
                let terms = read_terms(list);
                self.keys.push(KeyDefinition { is_primary, terms, ..KeyDefinition::default() });
            } else if token.is("REFERENCES") {
                skip_name(cursor);
            } else if token.is_symbol("(") {
                skip_rest_of_parentheses(cursor);
            }
        }
    }
}

impl IndexDefinition {
    /// Reads `CREATE INDEX`; `None` for what is something else, or ends before its columns do.
    pub(super) fn parse(sql: &str) -> Option<Self> {
        let mut cursor = Cursor::new(sql);
        if !cursor.take_word("CREATE") {
            return None;
        }
        let unique = cursor.take_word("UNIQUE");
        if !cursor.take_word("INDEX") {
            return None;
        }
        skip_name(&mut cursor)?;
        if !cursor.take_word("ON") {
            return None;
        }
        cursor.take_name()?;
        let terms = read_terms(cursor.take_parentheses()?);
        let condition = cursor.take_word("WHERE").then(|| cursor.rest().trim_end().to_owned());
        Some(Self { unique, terms, condition })
    }
}

impl TermDefinition {
    fn of_column(name: String) -> Self {
        Self { expression: name.clone(), column: Some(name), ..Self::default() }
    }

    /// A term, as it stands between two commas.
    pub(super) fn parse(text: &str) -> Self {
        let mut cursor = Cursor::new(text);
        let mut words: Vec<Token<'_>> = Vec::new();
        while let Some(token) = cursor.take() {
            words.push(token);
        }
        if let [.., nulls, _] = words.as_slice()
            && nulls.is("NULLS")
        {
            words.truncate(words.len() - 2);
        }
        let descending = words.last().is_some_and(|word| word.is("DESC"));
        if descending || words.last().is_some_and(|word| word.is("ASC")) {
            words.pop();
        }
        let end = words.last().map_or(0, Token::end);
        let expression = text.get(..end).unwrap_or_default().trim_start().to_owned();
        let (inner, collation) = without_collation(&words);
        let column = match inner {
            [name] if name.is_name() => Some(name.unquoted()),
            _ => None,
        };
        Self { column, expression, collation, descending }
    }
}

/// What COLLATE and parentheses stand around, and the outermost collation that applies to all of it.
fn without_collation<'t, 'a>(mut words: &'t [Token<'a>]) -> (&'t [Token<'a>], Option<String>) {
    /// Nobody writes more of them; a bound keeps a hostile statement from costing the square of its length.
    const MOST_ROUNDS: u32 = 100;
    let mut collation = None;
    for _ in 0..MOST_ROUNDS {
        match words {
            [open, inner @ .., close] if open.is_symbol("(") && close.is_symbol(")") => {
                // Two groups, as in `(a) + (b)`, are no column whatever stands between them.
                words = inner;
            }
            [inner @ .., keyword, name] if keyword.is("COLLATE") && name.is_name() && is_primary(inner) => {
                collation = collation.or_else(|| Some(name.unquoted()));
                words = inner;
            }
            _ => break,
        }
    }
    (words, collation)
}

/// Whether these are one word, a call, or a group in parentheses, so that what follows applies to them all.
fn is_primary(words: &[Token<'_>]) -> bool {
    let group = match words {
        [_] => return true,
        [name, open, ..] if name.kind == Kind::Word && open.is_symbol("(") => words.get(1..),
        [open, ..] if open.is_symbol("(") => Some(words),
        _ => None,
    };
    let Some(group) = group else { return false };
    let mut depth = 0_u64;
    for (place, word) in group.iter().enumerate() {
        depth =
            if word.is_symbol("(") { depth + 1 } else { depth.saturating_sub(word.is_symbol(")").into()) };
        if depth == 0 {
            return place + 1 == group.len();
        }
    }
    false
}

fn read_terms(list: &str) -> Vec<TermDefinition> {
    split_at_commas(list).into_iter().map(TermDefinition::parse).collect()
}

/// `IF NOT EXISTS`, and a name that may have the name of its database before it.
fn skip_name(cursor: &mut Cursor<'_>) -> Option<()> {
    if cursor.at_word("IF") && cursor.peek_second().is_some_and(|token| token.is("NOT")) {
        for _ in 0..3 {
            cursor.take();
        }
    }
    cursor.take_name()?;
    if cursor.take_symbol(".") {
        cursor.take_name()?;
    }
    Some(())
}

/// The words of a type, and what stands in parentheses behind them; `GENERATED ALWAYS` at their end is none of them.
fn read_type(cursor: &mut Cursor<'_>) -> String {
    let mut words: Vec<Token<'_>> = Vec::new();
    while let Some(token) = cursor.peek() {
        if !token.is_name() || is_one_of(&token, &COLUMN_CONSTRAINTS) {
            break;
        }
        words.extend(cursor.take());
    }
    let Some(first) = words.first().copied() else { return String::new() };
    let declared_type = match words.as_slice() {
        [.., generated, always] if generated.is("GENERATED") && always.is("ALWAYS") => {
            cursor.text_between(first.at, generated.at).trim_end()
        }
        _ => {
            if cursor.at_symbol("(") {
                cursor.take_parentheses();
            }
            cursor.text_from(first.at)
        }
    };
    // SQLite takes the quotes off a type, and with them what stands behind it.
    unquote(declared_type)
}

/// The text of a default value: what stands in parentheses, or one literal, or one with its sign.
fn read_default(cursor: &mut Cursor<'_>) -> String {
    let start = cursor.peek().map_or(0, |token| token.at);
    if cursor.at_symbol("(") {
        cursor.take_parentheses();
    } else {
        let signed = cursor.take_symbol("-") || cursor.take_symbol("+");
        if cursor.peek().is_some_and(|token| token.kind != Kind::Symbol) || signed {
            cursor.take();
        }
    }
    cursor.text_from(start).to_owned()
}

/// Goes behind the parenthesis that closes one which was just taken.
fn skip_rest_of_parentheses(cursor: &mut Cursor<'_>) {
    let mut depth = 1_u64;
    while depth > 0 {
        let Some(token) = cursor.take() else { return };
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth -= 1;
        }
    }
}

/// The list of a PRIMARY KEY, and whether AUTOINCREMENT stands at its end.
pub(super) fn without_autoincrement(list: &str) -> (&str, bool) {
    let mut cursor = Cursor::new(list);
    let mut last = None;
    while let Some(token) = cursor.take() {
        last = Some(token);
    }
    match last.filter(|token| token.is("AUTOINCREMENT")) {
        Some(token) => (list.get(..token.at).unwrap_or_default(), true),
        None => (list, false),
    }
}
