//! Splits SQL into its tokens, as SQLite's tokenizer does; comments and white space are left out.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A bare word: a keyword or a name.
    Word,
    /// A name in double quotes, backquotes or brackets.
    Quoted,
    /// A string in single quotes.
    Text,
    /// A number.
    Number,
    /// A blob, `x'..'`.
    Blob,
    /// Anything else, one character long.
    Symbol,
}

/// A token, and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl Token<'_> {
    /// Whether it is this keyword, in any case, and not quoted.
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    pub(super) fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }

    /// Whether it can be a name: SQLite takes strings for names too.
    pub(super) fn is_name(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::Quoted | Kind::Text)
    }

    /// The name, or the string, without its quotes.
    pub(super) fn unquoted(&self) -> String {
        match self.kind {
            Kind::Quoted | Kind::Text => unquote(self.text),
            _ => self.text.to_owned(),
        }
    }

    pub(super) fn end(&self) -> usize {
        self.at.saturating_add(self.text.len())
    }
}

/// A text without the quotes around it; as it is when there are none.
pub(super) fn unquote(text: &str) -> String {
    let mut chars = text.chars();
    let quote = match chars.next() {
        Some('[') => ']',
        Some(quote @ ('"' | '`' | '\'')) => quote,
        _ => return text.to_owned(),
    };
    let mut name = String::with_capacity(text.len());
    while let Some(c) = chars.next() {
        // A quote within the name is written twice; the last one ends it.
        if c == quote && (quote == ']' || chars.next() != Some(quote)) {
            break;
        }
        name.push(c);
    }
    name
}

/// The tokens of a statement, in order. Ends where the text ends, also within a string or a comment.
#[derive(Clone, Debug)]
pub(super) struct Tokens<'a> {
    sql: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(sql: &'a str) -> Self {
        Self { sql, at: 0 }
    }

    fn rest(&self) -> &'a str {
        self.sql.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        loop {
            let rest = self.rest();
            let skipped = match rest.as_bytes() {
                [b' ' | b'\t' | b'\n' | 0x0c | b'\r', ..] => 1,
                [0xef, 0xbb, 0xbf, ..] => 3,
                [b'-', b'-', ..] => rest.find('\n').map_or(rest.len(), |end| end + 1),
                // At the very end of a text it is no comment.
                [b'/', b'*', _, ..] => rest
                    .get(2..)
                    .and_then(|comment| comment.find("*/"))
                    .map_or(rest.len(), |end| end.saturating_add(4)),
                _ => return,
            };
            self.at = self.at.saturating_add(skipped);
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_space();
        let rest = self.rest();
        let first = rest.chars().next()?;
        let second = rest.as_bytes().get(1).copied();
        let (kind, length) = match first {
            'x' | 'X' if second == Some(b'\'') => {
                (Kind::Blob, 1 + quoted_length(rest.get(1..).unwrap_or_default(), b'\''))
            }
            '"' | '`' => (Kind::Quoted, quoted_length(rest, first as u8)),
            '[' => (Kind::Quoted, rest.find(']').map_or(rest.len(), |end| end + 1)),
            '\'' => (Kind::Text, quoted_length(rest, b'\'')),
            '0'..='9' => (Kind::Number, number_length(rest)),
            '.' if second.is_some_and(|byte| byte.is_ascii_digit()) => (Kind::Number, number_length(rest)),
            c if is_name_char(c) => (Kind::Word, rest.find(|c| !is_name_char(c)).unwrap_or(rest.len())),
            c => (Kind::Symbol, c.len_utf8()),
        };
        let text = rest.get(..length)?;
        let at = self.at;
        self.at = at.saturating_add(length);
        Some(Token { kind, text, at })
    }
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

/// The length of what is quoted at the start of `text`, its quotes included.
fn quoted_length(text: &str, quote: u8) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        if byte == quote {
            if bytes.get(at) != Some(&quote) {
                return at;
            }
            at += 1;
        }
    }
    text.len()
}

/// The length of the number at the start of `text`; letters that follow it belong to it, as in SQLite.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let is_sign_of_exponent = matches!(byte, b'+' | b'-')
            && at > 0
            && matches!(bytes.get(at - 1), Some(b'e' | b'E'))
            && !matches!(bytes.get(1), Some(b'x' | b'X'));
        if !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || is_sign_of_exponent) {
            break;
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(sql: &str) -> Vec<&str> {
        Tokens::new(sql).map(|token| token.text).collect()
    }

    #[test]
    fn tokens_of_every_kind() {
        assert_eq!(
            texts("a \"b\"\"c\" [d e] `f` 'g''h' x'ab' 1.5e-3 .5 0x1F -5 ,( -- x\n/* y */ kůň"),
            [
                "a",
                "\"b\"\"c\"",
                "[d e]",
                "`f`",
                "'g''h'",
                "x'ab'",
                "1.5e-3",
                ".5",
                "0x1F",
                "-",
                "5",
                ",",
                "(",
                "kůň"
            ]
        );
    }

    #[test]
    fn quotes_are_taken_off() {
        let names = ["\"a\"\"b\"", "`a``b`", "[a\"b]", "'it''s'", "plain", "\"open", "\"\""];
        assert_eq!(names.map(unquote), ["a\"b", "a`b", "a\"b", "it's", "plain", "open", ""]);
    }

    proptest! {
        #[test]
        fn no_text_panics(sql in "[a'\"`x\\[\\]0-9e.+*/() -]{0,40}|\\PC{0,20}") {
            let mut end = 0;
            for token in Tokens::new(&sql) {
                prop_assert!(token.at >= end && token.end() > token.at);
                end = token.end();
                let _ = token.unquoted();
            }
            prop_assert!(end <= sql.len());
        }
    }
}
