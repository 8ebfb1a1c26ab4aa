//! Goes along the tokens of a statement: asks for words, skips what stands in parentheses.

use super::token::{Kind, Token, Tokens};

/// Where a reader of a statement stands.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    sql: &'a str,
    tokens: Tokens<'a>,
    next: Option<Token<'a>>,
    /// Where the last token that was taken ends.
    end: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(sql: &'a str) -> Self {
        let mut tokens = Tokens::new(sql);
        let next = tokens.next();
        Self { sql, tokens, next, end: 0 }
    }

    pub(super) fn peek(&self) -> Option<Token<'a>> {
        self.next
    }

    /// The token after the next one.
    pub(super) fn peek_second(&self) -> Option<Token<'a>> {
        self.tokens.clone().next()
    }

    pub(super) fn take(&mut self) -> Option<Token<'a>> {
        let token = self.next?;
        self.end = token.end();
        self.next = self.tokens.next();
        Some(token)
    }

    /// Takes the next token if it is this keyword.
    pub(super) fn take_word(&mut self, keyword: &str) -> bool {
        let is_it = self.at_word(keyword);
        if is_it {
            self.take();
        }
        is_it
    }

    pub(super) fn at_word(&self, keyword: &str) -> bool {
        self.next.is_some_and(|token| token.is(keyword))
    }

    pub(super) fn take_symbol(&mut self, symbol: &str) -> bool {
        let is_it = self.at_symbol(symbol);
        if is_it {
            self.take();
        }
        is_it
    }

    pub(super) fn at_symbol(&self, symbol: &str) -> bool {
        self.next.is_some_and(|token| token.is_symbol(symbol))
    }

    /// Takes a name, and gives it without its quotes.
    pub(super) fn take_name(&mut self) -> Option<String> {
        let token = self.next.filter(Token::is_name)?;
        self.take();
        Some(token.unquoted())
    }

    /// Takes what stands in parentheses, and gives the text between them; `None` where no parenthesis opens, or where it
    /// is never closed: then all of the text is taken.
    pub(super) fn take_parentheses(&mut self) -> Option<&'a str> {
        if !self.take_symbol("(") {
            return None;
        }
        let start = self.end;
        let mut depth = 1_u64;
        while let Some(token) = self.take() {
            if token.kind == Kind::Symbol {
                match token.text {
                    "(" => depth += 1,
                    ")" => depth -= 1,
                    _ => {}
                }
            }
            if depth == 0 {
                return self.sql.get(start..token.at);
            }
        }
        None
    }

    /// The text from `start` to the end of the last token that was taken.
    pub(super) fn text_from(&self, start: usize) -> &'a str {
        self.sql.get(start..self.end).unwrap_or_default()
    }

    /// The text between two places.
    pub(super) fn text_between(&self, start: usize, end: usize) -> &'a str {
        self.sql.get(start..end).unwrap_or_default()
    }

    /// The text that is not taken yet.
    pub(super) fn rest(&self) -> &'a str {
        self.next.and_then(|token| self.sql.get(token.at..)).unwrap_or_default()
    }
}

/// The parts of a text between the commas that stand in no parentheses.
pub(super) fn split_at_commas(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_u64);
    for token in Tokens::new(text).filter(|token| token.kind == Kind::Symbol) {
        match token.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            "," if depth == 0 => {
                parts.push(text.get(start..token.at).unwrap_or_default());
                start = token.end();
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}
