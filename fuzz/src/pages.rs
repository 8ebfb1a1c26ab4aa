//! A valid database of a few rows, page by page: a table with an index, overflow chains, free pages.
//!
//! ```sql
//! CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b); -- root: page 2
//! CREATE INDEX i ON t(a);                               -- root: page 3
//! ```

use litecopy::SourceBytes;
use std::collections::BTreeMap;

const TABLE_SQL: &str = "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b)";
const INDEX_SQL: &str = "CREATE INDEX i ON t(a)";

const LEAF_TABLE: u8 = 13;
const INTERIOR_TABLE: u8 = 5;
const LEAF_INDEX: u8 = 10;
const INTERIOR_INDEX: u8 = 2;

/// What is settled for all versions of a database.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub page_bytes: usize,
    pub reserved_bytes: u8,
    /// 1: UTF-8, 2: UTF-16le, 3: UTF-16be.
    pub encoding: u32,
    pub in_wal_mode: bool,
}

/// The row of a table by its rowid: `a`, and the bytes of `b`.
pub type Rows = BTreeMap<i64, (i64, Vec<u8>)>;

/// A cell as it lies in a leaf, and what stands for it in the page above.
struct Cell {
    bytes: Vec<u8>,
    rowid: i64,
}

struct Builder {
    shape: Shape,
    pages: Vec<Vec<u8>>,
}

/// All pages of a database with these rows and so many free pages, one after the other.
pub fn database(shape: Shape, rows: &Rows, free_pages: u32, change_counter: u32) -> Vec<u8> {
    let mut builder = Builder { shape, pages: vec![vec![0; shape.page_bytes]; 3] };
    let cells = rows.iter().map(|(&rowid, (a, b))| builder.table_cell(rowid, *a, b)).collect();
    builder.tree(2, cells, [LEAF_TABLE, INTERIOR_TABLE]);
    let mut keys: Vec<(i64, i64)> = rows.iter().map(|(&rowid, (a, _))| (*a, rowid)).collect();
    keys.sort_unstable();
    let cells = keys.into_iter().map(|(a, rowid)| builder.index_cell(a, rowid)).collect();
    builder.tree(3, cells, [LEAF_INDEX, INTERIOR_INDEX]);
    let trunk = builder.free(free_pages);
    builder.first_page(trunk, free_pages, change_counter);
    builder.pages.concat()
}

/// One of a few small databases that are valid, and at rest.
pub fn small(choice: u32) -> SourceBytes {
    let shape = Shape {
        page_bytes: 512 << (choice % 3),
        reserved_bytes: 0,
        encoding: 1,
        in_wal_mode: choice % 5 == 0,
    };
    let rows = (0..i64::from(choice % 11)).map(|row| (row, (row * 7, vec![row as u8; 300]))).collect();
    let database = database(shape, &rows, choice % 4, choice);
    SourceBytes { database, ..SourceBytes::default() }
}

impl Builder {
    fn usable(&self) -> usize {
        self.shape.page_bytes - usize::from(self.shape.reserved_bytes)
    }

    /// A new page, and its number.
    fn add(&mut self, page: Vec<u8>) -> u32 {
        self.pages.push(page);
        self.pages.len() as u32
    }

    fn table_cell(&mut self, rowid: i64, a: i64, b: &[u8]) -> Cell {
        let payload = record(&[&[], &integer(a), b], &[0, integer_type(a), 12 + 2 * b.len() as i64]);
        let mut bytes = varint(payload.len() as i64);
        bytes.extend(varint(rowid));
        // What does not fit lies in a chain.
        let usable = self.usable();
        let (most, least) = (usable - 35, (usable - 12) * 32 / 255 - 23);
        let local = match payload.len() {
            all if all <= most => all,
            all => match least + (all - least) % (usable - 4) {
                fits if fits <= most => fits,
                _ => least,
            },
        };
        bytes.extend(&payload[..local]);
        if local < payload.len() {
            let first = self.pages.len() as u32 + 1;
            bytes.extend(first.to_be_bytes());
            let parts: Vec<&[u8]> = payload[local..].chunks(usable - 4).collect();
            for (place, part) in (0_u32..).zip(&parts) {
                let next = if place as usize + 1 < parts.len() { first + place + 1 } else { 0 };
                let mut page = [&next.to_be_bytes(), *part].concat();
                page.resize(self.shape.page_bytes, 0);
                self.add(page);
            }
        }
        Cell { bytes, rowid }
    }

    fn index_cell(&self, a: i64, rowid: i64) -> Cell {
        let payload = record(&[&integer(a), &integer(rowid)], &[integer_type(a), integer_type(rowid)]);
        Cell { bytes: [varint(payload.len() as i64), payload].concat(), rowid }
    }

    /// A b-tree of one level, or two, with its root in that page.
    fn tree(&mut self, root: u32, cells: Vec<Cell>, [leaf, interior]: [u8; 2]) {
        let mut leaves: Vec<Vec<Cell>> = vec![Vec::new()];
        let mut room = self.usable() - 8;
        let mut above = Vec::new();
        for cell in cells {
            let needed = cell.bytes.len().max(4) + 2;
            if needed > room {
                room = self.usable() - 8;
                leaves.push(Vec::new());
                if leaf == LEAF_INDEX {
                    // It stands in the page above itself.
                    above.push(cell);
                    continue;
                }
            }
            room -= needed;
            leaves.last_mut().unwrap().push(cell);
        }
        // None is left empty.
        if leaves.last().is_some_and(Vec::is_empty)
            && let Some(cell) = above.pop()
        {
            leaves.last_mut().unwrap().push(cell);
        }
        if let [only] = leaves.as_slice() {
            let bytes: Vec<Vec<u8>> = only.iter().map(|cell| cell.bytes.clone()).collect();
            self.pages[root as usize - 1] = self.page(leaf, &bytes, None, 0);
            return;
        }
        if leaf == LEAF_TABLE {
            let last = |leaf: &Vec<Cell>| leaf.last().map_or(0, |cell| cell.rowid);
            let key = |rowid| Cell { bytes: varint(rowid), rowid };
            above = leaves.iter().map(last).map(key).collect();
        }
        let mut children = Vec::new();
        for cells in &leaves {
            let bytes: Vec<Vec<u8>> = cells.iter().map(|cell| cell.bytes.clone()).collect();
            let page = self.page(leaf, &bytes, None, 0);
            children.push(self.add(page));
        }
        let last = children.pop();
        let cells: Vec<Vec<u8>> = children
            .iter()
            .zip(above)
            .map(|(child, cell)| [child.to_be_bytes().to_vec(), cell.bytes].concat())
            .collect();
        self.pages[root as usize - 1] = self.page(interior, &cells, last, 0);
    }

    /// A b-tree page that begins at `start`, with its cells from the end downwards.
    fn page(&self, kind: u8, cells: &[Vec<u8>], last_child: Option<u32>, start: usize) -> Vec<u8> {
        let mut page = vec![0; self.shape.page_bytes];
        let mut content = self.usable();
        let header_bytes = if last_child.is_some() { 12 } else { 8 };
        for (place, cell) in cells.iter().enumerate() {
            content -= cell.len().max(4);
            page[content..content + cell.len()].copy_from_slice(cell);
            let pointer = start + header_bytes + place * 2;
            page[pointer..pointer + 2].copy_from_slice(&(content as u16).to_be_bytes());
        }
        page[start] = kind;
        page[start + 3..start + 5].copy_from_slice(&(cells.len() as u16).to_be_bytes());
        page[start + 5..start + 7].copy_from_slice(&(content as u16).to_be_bytes());
        if let Some(child) = last_child {
            page[start + 8..start + 12].copy_from_slice(&child.to_be_bytes());
        }
        page
    }

    /// So many free pages: a trunk and its leaves. Gives the trunk.
    fn free(&mut self, count: u32) -> u32 {
        if count == 0 {
            return 0;
        }
        let trunk = self.pages.len() as u32 + 1;
        let mut page: Vec<u8> = [0, count - 1].into_iter().flat_map(u32::to_be_bytes).collect();
        page.extend((1..count).flat_map(|leaf| (trunk + leaf).to_be_bytes()));
        page.resize(self.shape.page_bytes, 0);
        self.add(page);
        for _ in 1..count {
            self.add(vec![0xee; self.shape.page_bytes]);
        }
        trunk
    }

    fn first_page(&mut self, trunk: u32, free_pages: u32, change_counter: u32) {
        let entry = |rowid, kind: &str, name: &str, root: u8, sql: &str| {
            let texts = [kind, name, "t", sql].map(|text| self.text(text));
            let [kind, name, table, sql] = &texts;
            let types = [kind, name, table].map(|text| 13 + 2 * text.len() as i64);
            let payload = record(
                &[kind, name, table, &[root], sql],
                &[types[0], types[1], types[2], 1, 13 + 2 * sql.len() as i64],
            );
            [varint(payload.len() as i64), varint(rowid), payload].concat()
        };
        let cells = [entry(1, "table", "t", 2, TABLE_SQL), entry(2, "index", "i", 3, INDEX_SQL)];
        let mut page = self.page(LEAF_TABLE, &cells, None, 100);
        let mode = if self.shape.in_wal_mode { 2 } else { 1 };
        page[..16].copy_from_slice(b"SQLite format 3\0");
        page[16..18].copy_from_slice(&((self.shape.page_bytes % 65535) as u16).to_be_bytes());
        page[18..24].copy_from_slice(&[mode, mode, self.shape.reserved_bytes, 64, 32, 32]);
        let page_count = self.pages.len() as u32;
        for (offset, number) in [
            (24, change_counter),
            (28, page_count),
            (32, trunk),
            (36, free_pages),
            (40, 1),
            (44, 4),
            (56, self.shape.encoding),
            (92, change_counter),
            (96, 3_046_000),
        ] {
            page[offset..offset + 4].copy_from_slice(&number.to_be_bytes());
        }
        self.pages[0] = page;
    }

    fn text(&self, text: &str) -> Vec<u8> {
        match self.shape.encoding {
            2 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            3 => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            _ => text.as_bytes().to_vec(),
        }
    }
}

fn record(values: &[&[u8]], types: &[i64]) -> Vec<u8> {
    let types: Vec<u8> = types.iter().flat_map(|&code| varint(code)).collect();
    // The length of the header counts itself; it is below 127 here.
    let mut record = vec![types.len() as u8 + 1];
    record.extend(types);
    record.extend(values.concat());
    record
}

/// The shortest way to write an integer, as SQLite writes it.
fn integer(value: i64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    bytes[8 - integer_bytes(value)..].to_vec()
}

fn integer_type(value: i64) -> i64 {
    match (value, integer_bytes(value)) {
        (0, _) => 8,
        (1, _) => 9,
        (_, 6) => 5,
        (_, 8) => 6,
        (_, bytes) => bytes as i64,
    }
}

fn integer_bytes(value: i64) -> usize {
    match value {
        0 | 1 => 0,
        -0x80..=0x7f => 1,
        -0x8000..=0x7fff => 2,
        -0x80_0000..=0x7f_ffff => 3,
        -0x8000_0000..=0x7fff_ffff => 4,
        -0x8000_0000_0000..=0x7fff_ffff_ffff => 6,
        _ => 8,
    }
}

fn varint(value: i64) -> Vec<u8> {
    let value = value as u64;
    if value >> 56 != 0 {
        let mut bytes: Vec<u8> = (0..8).rev().map(|part| 0x80 | (value >> (8 + 7 * part)) as u8).collect();
        bytes.push(value as u8);
        return bytes;
    }
    let count = (1..=8).find(|&count| value >> (7 * count) == 0).unwrap_or(8);
    let part = |part| (value >> (7 * part)) as u8 & 0x7f | if part > 0 { 0x80 } else { 0 };
    (0..count).rev().map(part).collect()
}
