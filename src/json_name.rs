//! Paths and names of the system in JSON: a string where they are UTF-8, and lossless where they are not.

use serde::ser::{SerializeMap, Serializer};
use std::ffi::OsStr;
use std::fmt::Write;

/// A path or a name as every report has it in JSON.
///
/// What is UTF-8 is a string. What is not is an object that has all its bytes, `{"invalid_text": "62ff2e6462"}`, in hexadecimal
/// digits (on Windows those of WTF-8).
///
/// ```
/// use litecopy::inspect::JsonName;
///
/// assert_eq!(serde_json::to_string(&JsonName("a.db".as_ref()))?, r#""a.db""#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct JsonName<'a>(pub &'a OsStr);

impl serde::Serialize for JsonName<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(text) = self.0.to_str() {
            return serializer.serialize_str(text);
        }
        let mut hex = String::new();
        for byte in self.0.as_encoded_bytes() {
            write!(hex, "{byte:02x}").map_err(serde::ser::Error::custom)?;
        }
        let mut object = serializer.serialize_map(Some(1))?;
        object.serialize_entry("invalid_text", &hex)?;
        object.end()
    }
}

/// For `serialize_with` of a field.
pub(crate) fn name<S: Serializer>(name: &impl AsRef<OsStr>, serializer: S) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(&JsonName(name.as_ref()), serializer)
}

/// The same, of a field that may be `None`.
pub(crate) fn optional<S: Serializer>(
    name: &Option<impl AsRef<OsStr>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(&name.as_ref().map(|name| JsonName(name.as_ref())), serializer)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn bytes_that_are_no_text_are_kept() {
        let json = |bytes| serde_json::to_string(&JsonName(OsStr::from_bytes(bytes))).unwrap();
        assert_eq!(json(b"a\xc3\xa9.db"), "\"a\u{e9}.db\"");
        assert_eq!(json(b"b\xff.db"), r#"{"invalid_text":"62ff2e6462"}"#);
    }
}
