//! Whether a text is an expression that SQLite lets stand in a schema: its grammar, and the columns that it names.
//!
//! An expression is a row of operands with operators between, in groups: one pass with a list of the groups that are open, so that
//! nothing recurses. What functions give, and whether there are any of that name, is not asked.

use super::reader::{Fault, Reader, is_name, shortened, unexpected};
use crate::schema::Table;
use crate::schema::token::{Kind, Token};

/// Where an expression stands: what it may name depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Check,
    Generated,
    IndexTerm,
    IndexCondition,
    Default,
}

/// What is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    /// The text itself.
    All,
    Parentheses,
    Call,
    Cast,
    /// CASE, and what stood last.
    Case(CasePart),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum CasePart {
    Base,
    When,
    Then,
    Else,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Operand,
    Operator,
    End,
    /// Something that is not read here: nothing is said of the rest.
    Unread,
}

/// How many groups may be open: more than SQLite's parser can hold.
const MOST_OPEN: usize = 1000;

/// Functions that take many rows.
const AGGREGATES: [&str; 6] = ["count", "sum", "total", "avg", "group_concat", "string_agg"];

/// Functions that give something else each time.
const CHANGING: [&str; 5] = ["random", "randomblob", "changes", "total_changes", "last_insert_rowid"];

/// Says what is wrong with an expression of a table.
pub(super) fn check_expression(text: &str, table: &Table, place: Place) -> Result<(), Fault> {
    let reader = Reader::new(text);
    let mut expression = Expression { reader, table, place, open: vec![(Group::All, 0)] };
    let mut next = Next::Operand;
    loop {
        next = match next {
            Next::Operand => expression.operand()?,
            Next::Operator => expression.operator()?,
            Next::End | Next::Unread => return Ok(()),
        };
    }
}

struct Expression<'a, 't> {
    reader: Reader<'a>,
    table: &'t Table,
    place: Place,
    /// The groups that are open, and how many BETWEENs of each still lack their AND.
    open: Vec<(Group, u32)>,
}

impl<'a> Expression<'a, '_> {
    fn group(&self) -> (Group, u32) {
        self.open.last().copied().unwrap_or((Group::All, 0))
    }

    fn push(&mut self, group: Group) -> Next {
        self.open.push((group, 0));
        if self.open.len() > MOST_OPEN { Next::Unread } else { Next::Operand }
    }

    fn operand(&mut self) -> Result<Next, Fault> {
        let token = self.reader.take()?;
        match token.kind {
            Kind::Number | Kind::Blob => Ok(Next::Operator),
            Kind::Text if !self.reader.at_symbol(".") => Ok(Next::Operator),
            Kind::Text | Kind::Quoted => self.named(&token),
            Kind::Symbol => match token.text {
                "(" if self.at_query() => Err(self.prohibited("subqueries")),
                "(" => Ok(self.push(Group::Parentheses)),
                "+" | "-" | "~" => Ok(Next::Operand),
                "?" | ":" | "@" => Err(self.prohibited("parameters")),
                _ => Err(unexpected(&token)),
            },
            Kind::Word if token.text.starts_with('$') => Err(self.prohibited("parameters")),
            Kind::Word => self.word_as_operand(&token),
        }
    }

    fn at_query(&self) -> bool {
        ["SELECT", "VALUES", "WITH"].iter().any(|word| self.reader.at_word(word))
    }

    fn word_as_operand(&mut self, token: &Token<'a>) -> Result<Next, Fault> {
        let is_one_of = |words: &[&str]| words.iter().any(|word| token.is(word));
        if token.is("NOT") {
            return Ok(Next::Operand);
        }
        if token.is("NULL") {
            return Ok(Next::Operator);
        }
        if is_one_of(&["CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP"]) {
            return self.steady(true).map(|()| Next::Operator);
        }
        if token.is("CASE") {
            let is_bare = self.reader.takes("WHEN");
            return Ok(self.push(Group::Case(if is_bare { CasePart::When } else { CasePart::Base })));
        }
        if token.is("CAST") {
            self.reader.symbol("(")?;
            return Ok(self.push(Group::Cast));
        }
        if token.is("EXISTS") {
            return Err(self.prohibited("subqueries"));
        }
        if token.is("RAISE") {
            return Ok(Next::Unread);
        }
        self.named(token)
    }

    /// A column, with or without its table before it, or a call.
    fn named(&mut self, token: &Token<'a>) -> Result<Next, Fault> {
        if !is_name(token) {
            return Err(unexpected(token));
        }
        if self.reader.takes_symbol("(") {
            return self.call(token);
        }
        let mut names = vec![*token];
        while names.len() < 3 && self.reader.takes_symbol(".") {
            names.push(self.reader.take()?);
        }
        match names.as_slice() {
            [column] => self.column(column)?,
            [.., table, column] => self.qualified(table, column)?,
            [] => {}
        }
        Ok(Next::Operator)
    }

    fn call(&mut self, name: &Token<'a>) -> Result<Next, Fault> {
        let name = name.unquoted().to_ascii_lowercase();
        self.steady(CHANGING.contains(&name.as_str()))?;
        if AGGREGATES.contains(&name.as_str()) && self.place != Place::Default {
            return Err(format!("{name}() takes many rows, its statement has one"));
        }
        if self.reader.takes_symbol(")") {
            return Ok(self.behind_call());
        }
        if self.reader.takes_symbol("*") {
            self.reader.symbol(")")?;
            return Ok(self.behind_call());
        }
        self.reader.takes("DISTINCT");
        Ok(self.push(Group::Call))
    }

    fn behind_call(&self) -> Next {
        let is_over_rows = self.reader.at_word("FILTER") || self.reader.at_word("OVER");
        if is_over_rows { Next::Unread } else { Next::Operator }
    }

    /// What changes from call to call may stand in some places only.
    fn steady(&self, changes: bool) -> Result<(), Fault> {
        match self.place {
            Place::Generated | Place::IndexTerm | Place::IndexCondition if changes => {
                Err(self.prohibited("functions that give something else each time"))
            }
            _ => Ok(()),
        }
    }

    fn prohibited(&self, what: &str) -> Fault {
        let place = match self.place {
            Place::Check => "a CHECK constraint",
            Place::Generated => "a generated column",
            Place::IndexTerm => "an index",
            Place::IndexCondition => "the condition of an index",
            Place::Default => "a default value",
        };
        format!("{place} cannot have {what}")
    }

    fn column(&self, token: &Token<'_>) -> Result<(), Fault> {
        let name = token.unquoted();
        let is_truth = token.is("TRUE") || token.is("FALSE");
        if self.place == Place::Default {
            return if is_truth { Ok(()) } else { Err(self.prohibited("columns")) };
        }
        // In double quotes, what is no column is a text.
        let is_text = token.kind == Kind::Quoted && token.text.starts_with('"');
        if self.has_column(&name) || is_truth || is_text {
            return Ok(());
        }
        Err(no_column(&name))
    }

    fn has_column(&self, name: &str) -> bool {
        let takes_rowid = matches!(self.place, Place::Check | Place::IndexCondition);
        let is_rowid = ["rowid", "oid", "_rowid_"].iter().any(|rowid| rowid.eq_ignore_ascii_case(name));
        self.table.column(name).is_some() || (is_rowid && takes_rowid && !self.table.without_rowid)
    }

    fn qualified(&self, table: &Token<'_>, column: &Token<'_>) -> Result<(), Fault> {
        let (table, column) = (table.unquoted(), column.unquoted());
        match self.place {
            Place::Check | Place::IndexCondition => {}
            Place::Default => return Err(self.prohibited("columns")),
            Place::Generated | Place::IndexTerm => return Err(self.prohibited("names of tables")),
        }
        if table.eq_ignore_ascii_case(&self.table.name) && self.has_column(&column) {
            return Ok(());
        }
        Err(no_column(&format!("{table}.{column}")))
    }

    fn operator(&mut self) -> Result<Next, Fault> {
        let (group, betweens) = self.group();
        let Some(token) = self.reader.peek() else {
            return if group == Group::All && betweens == 0 {
                Ok(Next::End)
            } else {
                Err(self.reader.unexpected())
            };
        };
        match token.kind {
            Kind::Symbol => self.symbol_as_operator(&token, group, betweens),
            Kind::Word => self.word_as_operator(&token, group, betweens),
            _ => Err(unexpected(&token)),
        }
    }

    fn symbol_as_operator(&mut self, token: &Token<'a>, group: Group, betweens: u32) -> Result<Next, Fault> {
        let is_list = matches!(group, Group::Parentheses | Group::Call) && betweens == 0;
        self.reader.take()?;
        match token.text {
            ")" if is_list => {
                self.open.pop();
                Ok(if group == Group::Call { self.behind_call() } else { Next::Operator })
            }
            "," if is_list => Ok(Next::Operand),
            "+" | "*" | "/" | "%" | "&" => Ok(Next::Operand),
            "|" => {
                self.takes_adjacent(token, "|");
                Ok(Next::Operand)
            }
            "=" => {
                self.takes_adjacent(token, "=");
                Ok(Next::Operand)
            }
            "!" if self.takes_adjacent(token, "=") => Ok(Next::Operand),
            "<" => {
                let _ = ["<", "=", ">"].iter().any(|second| self.takes_adjacent(token, second));
                Ok(Next::Operand)
            }
            ">" => {
                let _ = [">", "="].iter().any(|second| self.takes_adjacent(token, second));
                Ok(Next::Operand)
            }
            "-" => {
                let arrow = self.reader.peek().filter(|_| self.takes_adjacent(token, ">"));
                if let Some(arrow) = arrow {
                    self.takes_adjacent(&arrow, ">");
                }
                Ok(Next::Operand)
            }
            _ => Err(unexpected(token)),
        }
    }

    /// Takes the next token if it is this symbol, directly behind the one before.
    fn takes_adjacent(&mut self, before: &Token<'a>, symbol: &str) -> bool {
        self.reader.peek().is_some_and(|next| next.at == before.end()) && self.reader.takes_symbol(symbol)
    }

    fn word_as_operator(&mut self, token: &Token<'a>, group: Group, betweens: u32) -> Result<Next, Fault> {
        self.reader.take()?;
        let is_one_of = |words: &[&str]| words.iter().any(|word| token.is(word));
        if token.is("AND") {
            if let Some((_, betweens)) = self.open.last_mut() {
                *betweens = betweens.saturating_sub(1);
            }
            return Ok(Next::Operand);
        }
        if is_one_of(&["OR", "LIKE", "GLOB", "REGEXP", "MATCH", "ESCAPE"]) {
            return Ok(Next::Operand);
        }
        if is_one_of(&["ISNULL", "NOTNULL"]) {
            return Ok(Next::Operator);
        }
        if token.is("COLLATE") {
            return self.reader.collation().map(|()| Next::Operator);
        }
        if token.is("IS") {
            self.reader.takes("NOT");
            if self.reader.takes("DISTINCT") {
                self.reader.word("FROM")?;
            }
            return Ok(Next::Operand);
        }
        let is_negated = token.is("NOT");
        if is_negated && self.reader.takes("NULL") {
            return Ok(Next::Operator);
        }
        if is_negated && self.reader.takes_any(&["LIKE", "GLOB", "REGEXP", "MATCH"]) {
            return Ok(Next::Operand);
        }
        if token.is("BETWEEN") || (is_negated && self.reader.takes("BETWEEN")) {
            if let Some((_, betweens)) = self.open.last_mut() {
                *betweens += 1;
            }
            return Ok(Next::Operand);
        }
        if token.is("IN") || (is_negated && self.reader.takes("IN")) {
            return self.list();
        }
        match group {
            Group::Case(part) if betweens == 0 => self.go_on_with_case(token, part),
            Group::Cast if betweens == 0 && token.is("AS") => {
                self.reader.type_words()?;
                self.reader.symbol(")")?;
                self.open.pop();
                Ok(Next::Operator)
            }
            Group::Call if token.is("ORDER") => Ok(Next::Unread),
            _ => Err(unexpected(token)),
        }
    }

    /// What stands behind IN.
    fn list(&mut self) -> Result<Next, Fault> {
        if !self.reader.takes_symbol("(") || self.at_query() {
            return Err(self.prohibited("subqueries"));
        }
        if self.reader.takes_symbol(")") {
            return Ok(Next::Operator);
        }
        Ok(self.push(Group::Parentheses))
    }

    fn go_on_with_case(&mut self, token: &Token<'a>, part: CasePart) -> Result<Next, Fault> {
        let part = match part {
            CasePart::Base | CasePart::Then if token.is("WHEN") => CasePart::When,
            CasePart::When if token.is("THEN") => CasePart::Then,
            CasePart::Then if token.is("ELSE") => CasePart::Else,
            CasePart::Then | CasePart::Else if token.is("END") => {
                self.open.pop();
                return Ok(Next::Operator);
            }
            _ => return Err(unexpected(token)),
        };
        if let Some((group, _)) = self.open.last_mut() {
            *group = Group::Case(part);
        }
        Ok(Next::Operand)
    }
}

pub(super) fn no_column(name: &str) -> Fault {
    format!("there is no column {}", shortened(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str) -> Result<(), Fault> {
        check_expression(text, &Table::from_sql("t", "CREATE TABLE t(a, b, \"c d\")"), Place::Check)
    }

    #[test]
    fn what_sqlite_takes() {
        for text in [
            "a > 1",
            "(a, 1) = (1, 2)",
            "a IN ()",
            "a NOT IN (1, b)",
            "CASE a WHEN 1 THEN 2 END",
            "CASE WHEN 1 THEN 2 WHEN 3 THEN 4 ELSE 5 END",
            "abs(DISTINCT a)",
            "a->>1",
            "a -> 'x' = 1",
            "a IS NOT DISTINCT FROM 1",
            "a NOT NULL",
            "a ISNULL ISNULL",
            "a LIKE 1 ESCAPE 2",
            "CAST(a AS VARCHAR(10,2))",
            "CAST(a AS)",
            "-+~NOT a",
            "a NOT BETWEEN 1 AND 2 AND 3",
            "f()",
            "f(*)",
            "rowid > 0",
            "t.a",
            "main.t.a",
            "\"nope\"",
            "'x'",
            "true",
            "a COLLATE foo",
            "[c d] || x'00'",
            "a GLOB NOT 1",
            "a<>1 AND a!=2 OR a<<2>=b",
            "CURRENT_TIME < a",
            "random()",
            "replace(a, 'x', b) = b",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_sqlite_refuses() {
        for text in [
            "",
            "a 1",
            "a, 1",
            "a BETWEEN 1",
            "(a BETWEEN 1) AND 2",
            "a IN (SELECT 1)",
            "a IN t",
            "EXISTS (SELECT 1)",
            "CASE END",
            "CASE WHEN 1 ELSE 2 END",
            "count(*) > 1",
            "CAST(a)",
            "a NOT",
            "a IS",
            "f(a,)",
            "f(,a)",
            "f(a *)",
            "a == = 1",
            "a < > 1",
            "a | | 1",
            ":a",
            "@a",
            "$a",
            "?1",
            "nope",
            "x.a",
            "t.nope",
            "[nope]",
            "`nope`",
            "select",
            "a ORDER BY 1",
            "a.b.c.d",
            "a)",
            "(a",
            "a ! 1",
            "a COLLATE 5",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(a|b|\\(|\\)|,| |AND|BETWEEN|CASE|WHEN|THEN|END|'x'|1|-|>|\\PC){0,40}") {
            let _ = check(&text);
        }
    }
}
