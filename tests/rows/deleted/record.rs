//! The cells that SQLite stores a row in, written apart from the reader.

use rusqlite::types::Value;

use super::scene::Version;

/// A row as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    /// What lies in its page: lengths, record, without the number of the first overflow page.
    pub(crate) local: Vec<u8>,
    /// What lies in each of its overflow pages.
    pub(crate) chunks: Vec<Vec<u8>>,
    /// How many of the local bytes must be there for the header and a first value of some length to be.
    pub(crate) least: usize,
}

/// What a row is stored as: all that it may have been, for one from before a column was added.
pub(crate) fn cells(version: &Version, encoding: &str, usable: usize) -> Vec<Cell> {
    let mut counts = vec![version.values.len()];
    if version.values.last() == Some(&("extra".to_owned(), Value::Integer(7))) {
        counts.push(version.values.len() - 1);
    }
    counts.into_iter().map(|count| cell(version, &version.values[..count], encoding, usable)).collect()
}

fn cell(version: &Version, values: &[(String, Value)], encoding: &str, usable: usize) -> Cell {
    let (mut types, mut body, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for (name, value) in values {
        let is_rowid = name == "id";
        let (kind, bytes) = if is_rowid { (0, Vec::new()) } else { stored(value, encoding) };
        types.extend(varint(kind));
        body.extend(bytes);
        ends.push(body.len());
    }
    let header = types.len() + 1;
    assert!(header < 128);
    let mut record = varint(header as u64);
    record.extend(types);
    let first_value = ends.into_iter().find(|&end| end > 0).unwrap_or(0);
    let least = record.len() + first_value;
    record.extend(body);
    let kept = local_bytes(record.len(), usable, version.rowid.is_some());
    let mut local = varint(record.len() as u64);
    if let Some(rowid) = version.rowid {
        local.extend(varint(rowid.cast_unsigned()));
    }
    let least = local.len() + least.min(kept);
    local.extend(&record[..kept]);
    let chunks = record[kept..].chunks(usable - 4).map(<[u8]>::to_vec).collect();
    Cell { local, chunks, least }
}

/// How many bytes of a payload stay in the cell.
fn local_bytes(payload: usize, usable: usize, is_table: bool) -> usize {
    let most = if is_table { usable - 35 } else { (usable - 12) * 64 / 255 - 23 };
    if payload <= most {
        return payload;
    }
    let least = (usable - 12) * 32 / 255 - 23;
    let filled = least + (payload - least) % (usable - 4);
    if filled <= most { filled } else { least }
}

fn stored(value: &Value, encoding: &str) -> (u64, Vec<u8>) {
    match value {
        Value::Null => (0, Vec::new()),
        Value::Integer(number) => integer(*number),
        Value::Real(number) => (7, number.to_be_bytes().to_vec()),
        Value::Text(value) => {
            let bytes = text(value, encoding);
            (bytes.len() as u64 * 2 + 13, bytes)
        }
        Value::Blob(bytes) => (bytes.len() as u64 * 2 + 12, bytes.clone()),
    }
}

/// A text in the encoding of the database.
pub(crate) fn text(text: &str, encoding: &str) -> Vec<u8> {
    match encoding {
        "UTF-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "UTF-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        _ => text.as_bytes().to_vec(),
    }
}

fn integer(number: i64) -> (u64, Vec<u8>) {
    match number {
        0 => (8, Vec::new()),
        1 => (9, Vec::new()),
        _ => {
            let sizes = [(1, 1_usize), (2, 2), (3, 3), (4, 4), (5, 6), (6, 8)];
            let fits = |bytes: usize| {
                bytes == 8 || (-1_i64 << (8 * bytes - 1)..1 << (8 * bytes - 1)).contains(&number)
            };
            let (kind, bytes) = sizes.into_iter().find(|(_, bytes)| fits(*bytes)).unwrap();
            (kind, number.to_be_bytes()[8 - bytes..].to_vec())
        }
    }
}

fn varint(value: u64) -> Vec<u8> {
    if value >> 56 != 0 {
        let high = (0..8).rev().map(|group| u8::try_from(value >> (8 + 7 * group) & 0x7f).unwrap() | 0x80);
        return high.chain([u8::try_from(value & 0xff).unwrap()]).collect();
    }
    let groups = (1..9).find(|&groups| value >> (7 * groups) == 0).unwrap();
    let group =
        |group: u32| u8::try_from(value >> (7 * group) & 0x7f).unwrap() | if group > 0 { 0x80 } else { 0 };
    (0..groups).rev().map(group).collect()
}
