//! The value of a column in rows that were stored before the column was added: its default, where that is constant.

use super::affinity::Affinity;
use super::cursor::Cursor;
use super::token::{Kind, Token};
use crate::format::Value;
use crate::format::database_header::TextEncoding;

/// How deep signs, casts and parentheses of a default may be nested: more than anybody writes.
const MOST_DEPTH: u32 = 20;

/// A constant. [schema.md#columns-added-later](crate::notes::schema#columns-added-later)
///
/// ```
/// use litecopy::schema::{Affinity, DefaultValue};
///
/// assert_eq!(DefaultValue::from_sql("-'5'", Affinity::Blob), DefaultValue::Integer(-5));
/// assert_eq!(DefaultValue::from_sql("1.50", Affinity::Text), DefaultValue::Text("1.50".to_owned()));
/// assert_eq!(DefaultValue::from_sql("CURRENT_TIME", Affinity::Text), DefaultValue::Null);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub enum DefaultValue {
    /// NULL, also where there is no default, or none that is constant.
    #[default]
    Null,
    /// An integer.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Text, to be stored in the encoding of the database.
    Text(String),
    /// A blob.
    Blob(Vec<u8>),
}

impl DefaultValue {
    /// What the text behind DEFAULT gives in a column of this affinity.
    #[must_use]
    pub fn from_sql(text: &str, affinity: Affinity) -> Self {
        evaluate(text, affinity, 0).unwrap_or_default()
    }

    /// Gives it to `give` as a record of a database with this encoding would hold it.
    pub(crate) fn as_stored(&self, encoding: TextEncoding, give: &mut dyn FnMut(Value<'_>)) {
        let units =
            |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        match self {
            Self::Null => give(Value::Null),
            Self::Integer(number) => give(Value::Integer(*number)),
            Self::Real(number) => give(Value::Real(*number)),
            Self::Blob(bytes) => give(Value::Blob(bytes)),
            Self::Text(text) => match encoding.effective() {
                TextEncoding::UTF16LE => give(Value::Text(&units(text, u16::to_le_bytes))),
                TextEncoding::UTF16BE => give(Value::Text(&units(text, u16::to_be_bytes))),
                _ => give(Value::Text(text.as_bytes())),
            },
        }
    }

    /// What a column of this affinity stores of it.
    fn with_affinity(self, affinity: Affinity) -> Self {
        match (self, affinity) {
            (value, Affinity::Blob) => value,
            (Self::Integer(number), Affinity::Text) => Self::Text(number.to_string()),
            (Self::Real(number), Affinity::Text) => Self::Text(real_text(number)),
            (value, Affinity::Text) => value,
            (Self::Text(text), _) => number_in(&text).map_or(Self::Text(text), Self::whole),
            (value, _) => value.whole(),
        }
    }

    /// A real that is a whole number as an integer.
    fn whole(self) -> Self {
        match self {
            Self::Real(number) => as_whole(number).map_or(Self::Real(number), Self::Integer),
            other => other,
        }
    }

    /// As CAST to a type of this affinity makes it.
    fn cast(self, affinity: Affinity) -> Self {
        match (self, affinity) {
            (Self::Null, _) => Self::Null,
            (value @ Self::Blob(_), Affinity::Blob) => value,
            (Self::Blob(bytes), Affinity::Text) => Self::Text(String::from_utf8_lossy(&bytes).into_owned()),
            (value, Affinity::Text) => value.with_affinity(Affinity::Text),
            (value, Affinity::Blob) => match value.with_affinity(Affinity::Text) {
                Self::Text(text) => Self::Blob(text.into_bytes()),
                other => other,
            },
            (value, Affinity::Numeric) => value.number().whole(),
            (value, Affinity::Integer) => match value.number() {
                #[allow(
                    clippy::cast_possible_truncation,
                    reason = "CAST cuts to the nearest integer there is"
                )]
                Self::Real(number) => Self::Integer(number as i64),
                other => other,
            },
            #[allow(clippy::cast_precision_loss, reason = "as CAST does")]
            (value, Affinity::Real) => match value.number() {
                Self::Integer(number) => Self::Real(number as f64),
                other => other,
            },
        }
    }

    /// The number at the start of a text; 0 where there is none.
    fn number(self) -> Self {
        let text = match self {
            Self::Text(text) => text,
            Self::Blob(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            number => return number,
        };
        let text = text.trim_start_matches(is_space);
        let longest = (0..=text.len()).rev().filter_map(|end| text.get(..end)).find_map(number_in);
        longest.unwrap_or(Self::Integer(0))
    }

    fn negated(self) -> Self {
        match self.number() {
            Self::Integer(number) => match number.checked_neg() {
                Some(negated) => Self::Integer(negated),
                None => Self::Real(9_223_372_036_854_775_808.0),
            },
            Self::Real(number) => Self::Real(-number),
            other => other,
        }
    }
}

/// The value of a constant expression; `None` for any other.
fn evaluate(text: &str, affinity: Affinity, depth: u32) -> Option<DefaultValue> {
    if depth > MOST_DEPTH {
        return None;
    }
    let mut cursor = Cursor::new(text);
    let first = cursor.peek()?;
    if first.is_symbol("(") {
        let inner = cursor.take_parentheses()?;
        return cursor.peek().is_none().then(|| evaluate(inner, affinity, depth + 1))?;
    }
    cursor.take();
    if first.is_symbol("+") {
        return evaluate(cursor.rest(), affinity, depth + 1);
    }
    if first.is_symbol("-") {
        if let Some(number) = cursor.peek().filter(|token| token.kind == Kind::Number && !is_hex(token.text))
        {
            cursor.take();
            return cursor.peek().is_none().then(|| literal_number(&format!("-{}", number.text), affinity));
        }
        let value = evaluate(cursor.rest(), affinity, depth + 1)?;
        return Some(value.negated().with_affinity(affinity));
    }
    if first.is("CAST") {
        let inner = cursor.take_parentheses()?;
        if cursor.peek().is_some() {
            return None;
        }
        let (value, declared_type) = split_at_as(inner)?;
        let cast = Affinity::from_declared_type(declared_type);
        return Some(evaluate(value, cast, depth + 1)?.cast(cast).with_affinity(affinity));
    }
    cursor.peek().is_none().then(|| literal(&first, affinity))?
}

fn literal(token: &Token<'_>, affinity: Affinity) -> Option<DefaultValue> {
    Some(match token.kind {
        Kind::Number => literal_number(token.text, affinity),
        Kind::Text | Kind::Quoted => DefaultValue::Text(token.unquoted()).with_affinity(affinity),
        Kind::Blob => DefaultValue::Blob(hex_bytes(token.text)),
        Kind::Word if token.is("NULL") => DefaultValue::Null,
        Kind::Word if token.is("TRUE") => DefaultValue::Integer(1).with_affinity(affinity),
        Kind::Word if token.is("FALSE") => DefaultValue::Integer(0).with_affinity(affinity),
        Kind::Word if token.text.to_ascii_uppercase().starts_with("CURRENT_") => return None,
        Kind::Word => DefaultValue::Text(token.text.to_owned()).with_affinity(affinity),
        Kind::Symbol => return None,
    })
}

/// A literal number; in a column of text it keeps the way it is written.
fn literal_number(text: &str, affinity: Affinity) -> DefaultValue {
    let text = text.replace('_', "");
    if is_hex(&text) {
        let digits = text.get(2..).unwrap_or_default();
        let bits = u64::from_str_radix(digits, 16).unwrap_or_default();
        return DefaultValue::Integer(bits.cast_signed()).with_affinity(affinity);
    }
    match (text.parse::<i64>(), affinity) {
        (Ok(number), _) => DefaultValue::Integer(number).with_affinity(affinity),
        (Err(_), Affinity::Blob) => text.parse().map_or(DefaultValue::Null, DefaultValue::Real),
        (Err(_), _) => DefaultValue::Text(text).with_affinity(affinity),
    }
}

fn is_hex(text: &str) -> bool {
    text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("0x"))
}

fn hex_bytes(blob: &str) -> Vec<u8> {
    let digits: Vec<u8> = blob.bytes().filter(u8::is_ascii_hexdigit).map(hex_digit).collect();
    let (pairs, _) = digits.as_chunks::<2>();
    pairs.iter().map(|[high, low]| high << 4 | low).collect()
}

fn hex_digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        _ => (byte & 0xdf) - b'A' + 10,
    }
}

/// `expression AS type`, at the last AS that stands in no parentheses.
fn split_at_as(inner: &str) -> Option<(&str, &str)> {
    let mut cursor = Cursor::new(inner);
    let mut found = None;
    while let Some(token) = cursor.peek() {
        if token.is_symbol("(") {
            cursor.take_parentheses()?;
            continue;
        }
        cursor.take();
        if token.is("AS") {
            found = Some(token);
        }
    }
    let at = found?;
    Some((inner.get(..at.at)?, inner.get(at.end()..)?.trim()))
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r')
}

/// Whether a text is a number, spaces around it aside: a column of numbers stores it as that.
pub(crate) fn is_number(text: &str) -> bool {
    number_in(text).is_some()
}

/// The number that a text is, spaces around it aside.
fn number_in(text: &str) -> Option<DefaultValue> {
    let text = text.trim_matches(is_space);
    let looks_like_one = text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    if !looks_like_one {
        return None;
    }
    match text.parse::<i64>() {
        Ok(number) => Some(DefaultValue::Integer(number)),
        Err(_) => text.parse().ok().map(DefaultValue::Real),
    }
}

/// The integer that a real is, if it is one that a real holds exactly.
fn as_whole(number: f64) -> Option<i64> {
    const LEAST_TOO_LARGE: f64 = 9_223_372_036_854_775_808.0;
    let is_whole = number.fract() == 0.0 && number.abs() < LEAST_TOO_LARGE;
    #[allow(clippy::cast_possible_truncation, reason = "it is whole and within the range")]
    is_whole.then_some(number as i64)
}

fn real_text(number: f64) -> String {
    let text = number.to_string();
    if text.contains(['.', 'e', 'i']) { text } else { format!("{text}.0") }
}
