//! Whether a text is one SQL statement, and how it ends.

use super::token::{Kind, Tokens};

/// How a statement ends, without its semicolon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With a token.
    Plain,
    /// In a comment that goes to the end of the line.
    InLineComment,
    /// In a comment that is never closed.
    InBlockComment,
}

/// How the statement ends; `None` if it does not begin with CREATE, has another one behind it, or leaves a quote or a
/// parenthesis open. A trigger may have statements in it, up to the `END` that is its last word.
pub(crate) fn statement_ending(sql: &str, is_trigger: bool) -> Option<Ending> {
    // The shell takes a line with nothing but one of these for a semicolon.
    let ends_for_the_shell = |line: &str| line.trim() == "/" || line.trim().eq_ignore_ascii_case("go");
    if sql.contains('\0') || sql.lines().any(ends_for_the_shell) || !Tokens::new(sql).next()?.is("CREATE") {
        return None;
    }
    // The schema has none that is temporary: it would not be made where its rows go.
    if Tokens::new(sql).nth(1).is_none_or(|token| token.is("TEMP") || token.is("TEMPORARY")) {
        return None;
    }
    let (mut depth, mut ended, mut after_semicolon, mut is_over) = (0_u64, 0, false, false);
    let mut has_statements = false;
    for token in Tokens::new(sql) {
        let is_semicolon = token.is_symbol(";");
        // `; END ;` is where SQLite sees the end of a trigger.
        if is_over || (is_semicolon && !is_trigger) || !is_closed(token.kind, token.text) {
            return None;
        }
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth = depth.checked_sub(1)?;
        }
        let is_end = after_semicolon && token.is("END");
        if is_end {
            is_over = true;
        }
        has_statements |= is_semicolon;
        after_semicolon = is_semicolon;
        ended = token.end();
    }
    if depth > 0 || is_over != (is_trigger && has_statements) || (is_trigger && !has_statements) {
        return None;
    }
    Some(ending_of(sql.get(ended..).unwrap_or_default()))
}

/// Whether a quoted token has its closing quote.
pub(super) fn is_closed(kind: Kind, text: &str) -> bool {
    let quoted = match kind {
        Kind::Quoted | Kind::Text => text,
        Kind::Blob => text.get(1..).unwrap_or_default(),
        _ => return true,
    };
    let quote = match quoted.chars().next() {
        Some('[') => ']',
        Some(quote) => quote,
        None => return false,
    };
    // A quote within the text is doubled, so that an odd number of them stands behind the first.
    let count = quoted.chars().filter(|&c| c == quote).count();
    if quote == ']' { count == 1 } else { count % 2 == 0 }
}

/// What of a comment is open at the end of what stands behind the last token.
fn ending_of(mut rest: &str) -> Ending {
    loop {
        rest = rest.trim_start();
        let closed_by = match (rest.starts_with("--"), rest.starts_with("/*")) {
            (true, _) => '\n',
            (_, true) => '/',
            _ => return Ending::Plain,
        };
        let end = match closed_by {
            '\n' => rest.find('\n').map(|at| at + 1),
            _ => rest.get(2..).and_then(|comment| comment.find("*/")).map(|at| at + 4),
        };
        match end.and_then(|end| rest.get(end..)) {
            Some(behind) => rest = behind,
            None if closed_by == '\n' => return Ending::InLineComment,
            None => return Ending::InBlockComment,
        }
    }
}
