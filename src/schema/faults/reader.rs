//! Reads a statement word by word, and says what stands where it cannot stand.

use crate::schema::cursor::Cursor;
use crate::schema::token::{Kind, Token, Tokens};

/// What is wrong, in words.
pub(super) type Fault = String;

/// How much of a word is told: nobody reads a text of thousands of characters.
const LONGEST_WORD: usize = 40;

/// Words that cannot be a name unless they are quoted. [schema.md#what-sqlite-refuses](crate::notes::schema#what-sqlite-refuses)
const RESERVED: [&str; 58] = [
    "ADD",
    "ALL",
    "ALTER",
    "AND",
    "AS",
    "AUTOINCREMENT",
    "BETWEEN",
    "CASE",
    "CHECK",
    "COLLATE",
    "COMMIT",
    "CONSTRAINT",
    "CREATE",
    "DEFAULT",
    "DEFERRABLE",
    "DELETE",
    "DISTINCT",
    "DROP",
    "ELSE",
    "ESCAPE",
    "EXCEPT",
    "EXISTS",
    "FOREIGN",
    "FROM",
    "GROUP",
    "HAVING",
    "IN",
    "INDEX",
    "INSERT",
    "INTERSECT",
    "INTO",
    "IS",
    "ISNULL",
    "JOIN",
    "LIMIT",
    "NOT",
    "NOTHING",
    "NOTNULL",
    "NULL",
    "ON",
    "OR",
    "ORDER",
    "PRIMARY",
    "REFERENCES",
    "RETURNING",
    "SELECT",
    "SET",
    "TABLE",
    "THEN",
    "TO",
    "TRANSACTION",
    "UNION",
    "UNIQUE",
    "UPDATE",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
];

/// Words that can be a name, but no part of a type and no collation.
const OF_JOINS: [&str; 8] = ["CROSS", "FULL", "INNER", "LEFT", "NATURAL", "OUTER", "RIGHT", "INDEXED"];

/// Where a reader of a statement stands.
pub(super) struct Reader<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(sql: &'a str) -> Self {
        Self { cursor: Cursor::new(sql) }
    }

    pub(super) fn peek(&self) -> Option<Token<'a>> {
        self.cursor.peek()
    }

    pub(super) fn take(&mut self) -> Result<Token<'a>, Fault> {
        self.cursor.take().ok_or_else(ends_too_early)
    }

    pub(super) fn at_word(&self, keyword: &str) -> bool {
        self.cursor.at_word(keyword)
    }

    /// Takes the next token if it is this keyword.
    pub(super) fn takes(&mut self, keyword: &str) -> bool {
        self.cursor.take_word(keyword)
    }

    /// Takes the next token if it is one of these keywords.
    pub(super) fn takes_any(&mut self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.takes(keyword))
    }

    pub(super) fn takes_symbol(&mut self, symbol: &str) -> bool {
        self.cursor.take_symbol(symbol)
    }

    pub(super) fn at_symbol(&self, symbol: &str) -> bool {
        self.cursor.at_symbol(symbol)
    }

    pub(super) fn word(&mut self, keyword: &str) -> Result<(), Fault> {
        if self.takes(keyword) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn one_of(&mut self, keywords: &[&str]) -> Result<(), Fault> {
        if self.takes_any(keywords) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn symbol(&mut self, symbol: &str) -> Result<(), Fault> {
        if self.takes_symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// A name, quoted or a word that is none of SQLite's own.
    pub(super) fn name(&mut self) -> Result<String, Fault> {
        match self.peek() {
            Some(token) if is_name(&token) => {
                self.cursor.take();
                Ok(token.unquoted())
            }
            _ => Err(self.unexpected()),
        }
    }

    /// What stands in parentheses.
    pub(super) fn parentheses(&mut self) -> Result<&'a str, Fault> {
        if !self.at_symbol("(") {
            return Err(self.unexpected());
        }
        self.cursor.take_parentheses().ok_or_else(ends_too_early)
    }

    /// The name of what is made: `IF NOT EXISTS` may stand before it, but no name of a database.
    pub(super) fn own_name(&mut self) -> Result<String, Fault> {
        if self.at_word("IF") && self.cursor.peek_second().is_some_and(|token| token.is("NOT")) {
            self.cursor.take();
            self.word("NOT")?;
            self.word("EXISTS")?;
        }
        let name = self.name()?;
        if self.at_symbol(".") {
            return Err("its statement names a database".to_owned());
        }
        Ok(name)
    }

    /// The words of a type, none at all too, with up to two numbers in parentheses.
    pub(super) fn type_words(&mut self) -> Result<(), Fault> {
        let mut is_there = false;
        while let Some(token) = self.peek().filter(is_type_word) {
            // `GENERATED ALWAYS` without AS belongs to the type.
            let mut behind = Tokens::new(self.rest()).skip(1);
            let mut stands_next = |word| behind.next().is_some_and(|token| token.is(word));
            if token.is("GENERATED") && stands_next("ALWAYS") && stands_next("AS") {
                return Ok(());
            }
            self.cursor.take();
            is_there = true;
        }
        if is_there && self.takes_symbol("(") {
            self.signed_number()?;
            if self.takes_symbol(",") {
                self.signed_number()?;
            }
            self.symbol(")")?;
        }
        Ok(())
    }

    fn signed_number(&mut self) -> Result<(), Fault> {
        let _ = self.takes_symbol("-") || self.takes_symbol("+");
        match self.peek() {
            Some(token) if token.kind == Kind::Number => self.take().map(drop),
            _ => Err(self.unexpected()),
        }
    }

    /// The name of a collation.
    pub(super) fn collation(&mut self) -> Result<(), Fault> {
        match self.peek() {
            Some(token) if is_type_word(&token) => self.take().map(drop),
            _ => Err(self.unexpected()),
        }
    }

    /// Nothing may stand here.
    pub(super) fn end(&self) -> Result<(), Fault> {
        if self.peek().is_some() { Err(self.unexpected()) } else { Ok(()) }
    }

    /// What stands next cannot stand there.
    pub(super) fn unexpected(&self) -> Fault {
        self.peek().map_or_else(ends_too_early, |token| unexpected(&token))
    }

    pub(super) fn rest(&self) -> &'a str {
        self.cursor.rest()
    }
}

pub(super) fn ends_too_early() -> Fault {
    "its statement ends too early".to_owned()
}

pub(super) fn unexpected(token: &Token<'_>) -> Fault {
    format!("{} cannot stand where it does in its statement", shortened(token.text))
}

/// The beginning of a text.
pub(super) fn shortened(text: &str) -> String {
    let mut chars = text.chars();
    let start: String = chars.by_ref().take(LONGEST_WORD).collect();
    if chars.next().is_some() { format!("{start}...") } else { start }
}

/// Whether it can be a name: not so the words that SQLite needs for itself.
pub(super) fn is_name(token: &Token<'_>) -> bool {
    token.is_name() && !token.text.starts_with('$') && !RESERVED.iter().any(|word| token.is(word))
}

fn is_type_word(token: &Token<'_>) -> bool {
    is_name(token) && !OF_JOINS.iter().any(|word| token.is(word))
}

/// The last two tokens of a text.
pub(super) fn last_two(text: &str) -> (Option<Token<'_>>, Option<Token<'_>>) {
    Tokens::new(text).fold((None, None), |(_, last), token| (last, Some(token)))
}

/// The statement without the semicolon at its end. Every quote in it is closed, every number is one.
pub(super) fn whole_statement(sql: &str, is_trigger: bool) -> Result<&str, Fault> {
    // SQLite reads up to the first zero byte.
    let sql = sql.split('\0').next().unwrap_or_default();
    let mut last_semicolon = None;
    for token in Tokens::new(sql) {
        if !is_whole(&token) {
            return Err(format!("{} is no word of SQL", shortened(token.text)));
        }
        if let Some(at) = last_semicolon.filter(|_| !is_trigger) {
            let behind: &str = sql.get(at..).unwrap_or_default();
            return Err(format!("{} stands behind the end of its statement", shortened(behind)));
        }
        last_semicolon = token.is_symbol(";").then_some(token.at);
    }
    match last_semicolon {
        None => Ok(sql),
        Some(at) if at + 1 == sql.len() => Ok(sql.get(..at).unwrap_or_default()),
        Some(_) => Err("something stands behind the semicolon of its statement".to_owned()),
    }
}

/// Whether a token is there to its end, and can be one.
fn is_whole(token: &Token<'_>) -> bool {
    match token.kind {
        Kind::Blob => {
            let digits = token.text.get(2..token.text.len().saturating_sub(1)).unwrap_or_default();
            crate::schema::ending::is_closed(token.kind, token.text)
                && digits.len() % 2 == 0
                && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        }
        Kind::Number => are_numbers(token.text),
        Kind::Symbol => !matches!(token.text, "^" | "\\" | "{" | "}"),
        _ => crate::schema::ending::is_closed(token.kind, token.text),
    }
}

/// Whether a text is numbers one behind the other: `1.2.3`, which a virtual table may be told, is 1.2 and .3.
fn are_numbers(mut text: &str) -> bool {
    while let Some((first, rest)) =
        text.match_indices('.').nth(1).and_then(|(second, _)| text.split_at_checked(second))
    {
        if !is_number(first) {
            return false;
        }
        text = rest;
    }
    is_number(text)
}

fn is_number(text: &str) -> bool {
    let is_digits = |text: &str, is_digit: fn(&u8) -> bool| {
        let bytes = text.as_bytes();
        let ends = [bytes.first(), bytes.last()];
        ends.iter().all(|end| end.is_some_and(is_digit))
            && bytes.iter().all(|byte| is_digit(byte) || *byte == b'_')
            && !text.contains("__")
    };
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    if let Some(digits) = hex {
        return is_digits(digits, u8::is_ascii_hexdigit);
    }
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent)),
        None => (text, None),
    };
    let exponent = exponent.map(|exponent| exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_part = |part: &str| part.is_empty() || is_digits(part, u8::is_ascii_digit);
    is_part(whole)
        && is_part(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| is_digits(exponent, u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_number() {
        for number in ["1", "1_000", "0x1F", "1.5", "5.", ".5", "1.5e+3", "1e9"] {
            assert!(is_number(number), "{number}");
        }
        assert!(are_numbers("127.0.0.1") && !are_numbers("1.2.3a"));
        for other in ["1_", "1__0", "0x", "0x1g", "12abc", "1e", "1.2.3", "."] {
            assert!(!is_number(other), "{other}");
        }
    }

    #[test]
    fn a_statement_is_there_to_its_end_and_no_further() {
        assert_eq!(whole_statement("CREATE TABLE t(a);", false), Ok("CREATE TABLE t(a)"));
        assert_eq!(whole_statement("CREATE TABLE t(a) -- ;", false), Ok("CREATE TABLE t(a) -- ;"));
        for sql in
            ["CREATE TABLE t(a); ", "CREATE TABLE t(a); -- x", "CREATE TABLE t(a); x", "CREATE TABLE t('a)"]
        {
            assert!(whole_statement(sql, false).is_err(), "{sql}");
        }
    }
}
