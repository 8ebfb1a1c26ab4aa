//! What a file can have wrong: one variant for each rule of the formats that bytes can break.
//!
//! Each variant carries the value that broke the rule. Offsets are in bytes from the start of the structure
//! that was given to the reader; whoever knows the file adds the path and the offset within the file.

use core::fmt;

/// A rule of the format that the bytes break, with the value that breaks it.
///
/// ```
/// use litecopy::format::DatabaseHeader;
///
/// let damage = DatabaseHeader::parse(b"not a database").unwrap_err();
/// println!("{damage}");
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// The bytes end before the structure does.
    #[error("{needed} bytes needed at offset {offset}, only {available} there")]
    Short {
        /// Where the missing bytes were looked for.
        offset: usize,
        /// How many bytes the structure has there.
        needed: usize,
        /// How many bytes there are.
        available: usize,
    },

    // Database header.
    /// The first 16 bytes are not those of a SQLite database.
    #[error("not a database: the first 16 bytes are {}", Hex(.magic))]
    NotADatabase {
        /// The 16 bytes found in place of the magic.
        magic: [u8; 16],
    },
    /// The read version is one that this format's readers do not know; 3 is what WAL2 databases carry.
    #[error("read version {found} at offset 19, only 0, 1 and 2 are known")]
    ReadVersion {
        /// The byte at offset 19.
        found: u8,
    },
    /// The write version is one that this format's writers do not know.
    #[error("write version {found} at offset 18, only 0, 1 and 2 are known")]
    WriteVersion {
        /// The byte at offset 18.
        found: u8,
    },
    /// The three payload fractions are not 64, 32 and 32.
    #[error("payload fractions {found:?} at offset 21 instead of [64, 32, 32]")]
    PayloadFractions {
        /// The bytes at offsets 21, 22 and 23.
        found: [u8; 3],
    },
    /// The page size of the database is not a power of two from 512 to 65536.
    #[error("page size code {code:#06x} at offset 16 is not a power of two from 512 to 65536")]
    DatabasePageSize {
        /// The 16-bit code at offset 16, in which 1 would mean 65536.
        code: u16,
    },
    /// So much of each page is reserved that less than 480 bytes are left.
    #[error("{reserved_bytes} reserved bytes at offset 20 leave less than 480 of a page of {page_bytes}")]
    UsableBytes {
        /// The page size in bytes.
        page_bytes: u32,
        /// The byte at offset 20.
        reserved_bytes: u8,
    },
    /// The header counts more pages than the file has.
    #[error("page count {stated} at offset 28, but the file has {present} pages")]
    PageCountBeyondFile {
        /// The page count that the header states.
        stated: u32,
        /// The pages that the file (or its log) has.
        present: u32,
    },

    // Write-ahead log.
    /// The first four bytes of the log are neither of the two magic numbers.
    #[error("log magic {found:#010x} at offset 0 instead of 0x377f0682 or 0x377f0683")]
    WalMagic {
        /// The number at offset 0.
        found: u32,
    },
    /// The page size of the log is not a power of two from 512 to 65536.
    #[error("log page size {found} at offset 8 is not a power of two from 512 to 65536")]
    WalPageSize {
        /// The number at offset 8.
        found: u32,
    },
    /// The checksum of the log's header does not match.
    #[error(
        "log header checksum {:08x} {:08x} at offset 24, computed {:08x} {:08x}",
        .stored[0], .stored[1], .computed[0], .computed[1]
    )]
    WalHeaderChecksum {
        /// The two words at offset 24.
        stored: [u32; 2],
        /// The two words that the first 24 bytes give.
        computed: [u32; 2],
    },
    /// The log is of a version that is not known.
    #[error("log version {found} at offset 4 instead of 3007000")]
    WalVersion {
        /// The number at offset 4.
        found: u32,
    },

    // Wal-index.
    /// The two copies of the wal-index header differ: a writer is between the two, or died there.
    #[error("the two copies of the wal-index header differ, first at offset {offset}")]
    WalIndexCopiesDiffer {
        /// The first byte, counted from the start of a copy, in which they differ.
        offset: usize,
    },
    /// The wal-index header was never filled in.
    #[error("the wal-index header is not initialised")]
    WalIndexNotInitialised,
    /// The checksum of the wal-index header does not match.
    #[error(
        "wal-index header checksum {:08x} {:08x} at offset 40, computed {:08x} {:08x}",
        .stored[0], .stored[1], .computed[0], .computed[1]
    )]
    WalIndexChecksum {
        /// The two words at offset 40.
        stored: [u32; 2],
        /// The two words that the first 40 bytes give.
        computed: [u32; 2],
    },
    /// The wal-index is of a version that is not known.
    #[error("wal-index version {found} at offset 0 instead of 3007000")]
    WalIndexVersion {
        /// The number at offset 0.
        found: u32,
    },
    /// A hash slot of the wal-index names an entry that its block does not have.
    #[error("hash slot {slot} of wal-index block {block} names entry {entry}")]
    WalIndexHashEntry {
        /// The block, from 0.
        block: u32,
        /// The slot within the block, from 0.
        slot: u16,
        /// The 1-based entry that it names.
        entry: u16,
    },
    /// A hash table of the wal-index has no empty slot where one must be.
    #[error("no empty hash slot in wal-index block {block}")]
    WalIndexHashFull {
        /// The block, from 0.
        block: u32,
    },

    // Rollback journal.
    /// The journal header is zeroed: not hot, or its writer has not synced yet.
    #[error("the journal header is zeroed")]
    JournalZeroed,
    /// The first eight bytes of a journal segment are not the magic.
    #[error("journal magic {} at offset 0 instead of d9 d5 05 f9 20 a1 63 d7", Hex(.found))]
    JournalMagic {
        /// The eight bytes at offset 0.
        found: [u8; 8],
    },
    /// The sector size is not a power of two from 32 to 65536.
    #[error("journal sector size {found} at offset 20 is not a power of two from 32 to 65536")]
    JournalSectorSize {
        /// The number at offset 20.
        found: u32,
    },
    /// The page size of the journal is neither 0 nor a power of two from 512 to 65536.
    #[error("journal page size {found} at offset 24 is not a power of two from 512 to 65536")]
    JournalPageSize {
        /// The number at offset 24.
        found: u32,
    },
    /// The checksum of a journal record does not match.
    #[error("journal record checksum {stored:#010x}, computed {computed:#010x}")]
    JournalRecordChecksum {
        /// The number after the page image.
        stored: u32,
        /// The number that nonce and image give.
        computed: u32,
    },

    // Super-journal.
    /// The length of the super-journal's name cannot be: it is 0, over 512, or more than the journal holds.
    #[error("super-journal name of {found} bytes, 1 to 512 can be, and no more than the journal holds")]
    SuperJournalNameLength {
        /// The length in bytes that the journal's tail states.
        found: u32,
    },
    /// The checksum of the super-journal's name does not match.
    #[error("super-journal name checksum {stored:#010x}, computed {computed:#010x}")]
    SuperJournalNameChecksum {
        /// The number in the journal's tail.
        stored: u32,
        /// The sum of the bytes of the name.
        computed: u32,
    },
    /// The super-journal's name begins with a zero byte, which counts as no name.
    #[error("the super-journal name begins with a zero byte")]
    SuperJournalNameEmpty,
    /// The super-journal's name does not end as SQLite makes such names.
    #[error("the super-journal name does not end in -mj and nine hexadecimal digits, the seventh a 9")]
    SuperJournalNameForm,

    // Pages.
    /// The page is not of one of the four b-tree kinds.
    #[error("b-tree page type {found:#04x} at offset {offset}")]
    BtreePageType {
        /// Where the header of the page begins: 100 on page 1, else 0.
        offset: usize,
        /// The type byte.
        found: u8,
    },
    /// A usable size below 480 or above the page was given, or one that no page has.
    #[error("{usable_bytes} usable bytes of a page of {page_bytes}")]
    PageUsableBytes {
        /// The size of the page in bytes.
        page_bytes: usize,
        /// The usable bytes asked for.
        usable_bytes: u32,
    },
    /// More cells than a page of this size can hold.
    #[error("{found} cells where {most} is the most")]
    CellCount {
        /// The cell count in the page header.
        found: u16,
        /// The most that fit a page of this size.
        most: u32,
    },
    /// The start of the cell content lies inside the cell pointers or beyond the usable part.
    #[error("cell content starts at {found}, between {least} and {most} it should")]
    CellContentStart {
        /// The offset in the page header, with 0 read as 65536.
        found: u32,
        /// The end of the cell pointers.
        least: u32,
        /// The end of the usable part.
        most: u32,
    },
    /// A cell pointer leads out of the cell content area.
    #[error("cell {cell} is said to be at offset {found}, between {least} and {most} it should be")]
    CellPointer {
        /// The cell, from 0.
        cell: u16,
        /// Where its pointer leads.
        found: u32,
        /// The lowest offset it could have.
        least: u32,
        /// The highest offset it could have.
        most: u32,
    },
    /// A cell ends beyond the usable part of its page.
    #[error("the cell at offset {offset} ends at {end}, beyond the usable {usable_bytes} bytes")]
    CellEnd {
        /// Where the cell begins.
        offset: u32,
        /// Where it would end.
        end: u64,
        /// The usable bytes of the page.
        usable_bytes: u32,
    },
    /// A payload of more than 2147483647 bytes.
    #[error("payload of {found} bytes, 2147483647 is the most")]
    PayloadLength {
        /// The length in bytes that the cell states.
        found: u64,
    },
    /// A freeblock that is out of order, too small, or leaves the usable part.
    #[error("freeblock of {size} bytes at offset {offset}")]
    Freeblock {
        /// Where the freeblock begins.
        offset: u32,
        /// Its size in bytes, as stored; 0 where it could not be read.
        size: u32,
    },
    /// More fragmented bytes than a well-formed page has.
    #[error("{found} fragmented bytes, 60 is the most")]
    FragmentedBytes {
        /// The byte in the page header.
        found: u8,
    },
    /// Cells, freeblocks and fragments do not add up to the cell content area.
    #[error(
        "{unaccounted} bytes of the cell content area belong to nothing, {fragmented} are said to be fragments"
    )]
    FreeSpace {
        /// The bytes that neither a cell nor a freeblock covers.
        unaccounted: u32,
        /// The fragmented bytes that the page header states.
        fragmented: u8,
    },
    /// Two cells, or a cell and a freeblock, cover the same byte.
    #[error("what lies at offset {offset} reaches into what begins at {next_offset}")]
    Overlap {
        /// Where the lower of the two begins.
        offset: u32,
        /// Where the upper of the two begins.
        next_offset: u32,
    },
    /// A page number that no page can have here: 0, 1, or one beyond the database.
    #[error("page {found} cannot be {role}")]
    PageReference {
        /// The number found.
        found: u32,
        /// What it was to be, in words that follow "cannot be".
        role: &'static str,
    },
    /// A freelist trunk counts more leaves than fit into it.
    #[error("freelist trunk with {found} leaves at offset 4, {most} is the most")]
    TrunkLeafCount {
        /// The number at offset 4.
        found: u32,
        /// The most that fit a page of this usable size.
        most: u32,
    },
    /// The freelist is longer or shorter than the header says.
    #[error("{found} free pages, {stated} by the header at offset 36")]
    FreelistCount {
        /// The pages that the header counts.
        stated: u32,
        /// The pages found, up to the first one too many.
        found: u32,
    },
    /// A page that can have only one place in the database has two.
    #[error("page {page} is named a second time, as {role}")]
    PageNamedTwice {
        /// The number of the page.
        page: u32,
        /// What the second place would make of it, in words that follow "as".
        role: &'static str,
    },
    /// A b-tree has more levels than any b-tree can have.
    #[error("b-tree deeper than {most} pages")]
    BtreeDepth {
        /// The most levels.
        most: u32,
    },
    /// An overflow chain ends before its payload does.
    #[error("overflow chain that ends {missing_bytes} bytes too early")]
    OverflowChainEnd {
        /// How much of the payload is missing.
        missing_bytes: u32,
    },
    /// An overflow chain that goes on behind the end of its payload.
    #[error("overflow chain that goes on with page {next} behind the end of its payload")]
    OverflowChainLength {
        /// The page that it goes on with.
        next: u32,
    },
    /// The cells of a page are together longer than the page, so they lie over each other.
    #[error("with cell {cell} the cells are longer than the usable {usable_bytes} bytes: they overlap")]
    CellsTooLong {
        /// The first cell that does not fit, from 0.
        cell: u16,
        /// The usable bytes of the page.
        usable_bytes: u32,
    },
    /// A pointer map entry says something else of a page than what the page is.
    #[error(
        "the pointer map says of page {page} type {} and parent {}, it has type {} and parent {}",
        .found.0, .found.1, .expected.0, .expected.1
    )]
    PointerMapEntry {
        /// The page that the entry is of.
        page: u32,
        /// The type byte and the parent in the entry.
        found: (u8, u32),
        /// What they should be.
        expected: (u8, u32),
    },
    /// A pointer map entry of a type that is not known.
    #[error("pointer map entry type {found} at offset {offset}")]
    PointerMapType {
        /// Where the entry begins in its page.
        offset: u32,
        /// The type byte.
        found: u8,
    },

    /// A page below another, or an interior root other than page 1, that has no cells: SQLite takes it for corrupt.
    #[error("b-tree page without a cell, below another or with children")]
    EmptyBtreePage,

    /// A leaf whose rowids are not between those of its neighbours: it belongs elsewhere.
    #[error("leaf with rowids that do not belong between its neighbours: it is not of this b-tree")]
    LeafElsewhere,

    // Records.
    /// A record's header is longer than its payload or than 98307 bytes, or too short for its own length.
    #[error("record header of {found} bytes in a payload of {payload_bytes}")]
    RecordHeaderLength {
        /// The length in bytes that the record states.
        found: u64,
        /// The length of the whole payload in bytes.
        payload_bytes: u64,
    },
    /// A serial type in the record's header reaches beyond the header.
    #[error("the serial type at offset {offset} reaches beyond the record header of {header_bytes} bytes")]
    RecordHeaderCut {
        /// Where the serial type begins.
        offset: usize,
        /// The length of the record header.
        header_bytes: usize,
    },
    /// A payload goes on behind its last value.
    #[error("{left} bytes behind the last value of the record")]
    RecordBytesLeft {
        /// How many bytes are left.
        left: u64,
    },
    /// A column of a row of `sqlite_schema` is missing, or not of the type that it must have.
    #[error("column `{column}` of the schema is {found}")]
    SchemaColumn {
        /// The name of the column.
        column: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A row of `sqlite_schema` has a root page that it cannot have.
    #[error("root page {found} of {page_count} pages")]
    SchemaRoot {
        /// The number in the row.
        found: i64,
        /// How many pages the database has.
        page_count: u32,
    },
    /// A value reaches beyond the payload.
    #[error("value {column} needs {needed} bytes of the record, {available} are left")]
    RecordValueCut {
        /// The column, from 0.
        column: usize,
        /// The bytes of the value.
        needed: u64,
        /// The bytes that are left.
        available: u64,
    },
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_offset_and_value() {
        let magic = *b"PK\x03\x04 a zip file.";
        assert_eq!(
            Damage::NotADatabase { magic }.to_string(),
            "not a database: the first 16 bytes are 50 4b 03 04 20 61 20 7a 69 70 20 66 69 6c 65 2e"
        );
        assert_eq!(
            Damage::WalHeaderChecksum { stored: [1, 2], computed: [3, 0xdead_beef] }.to_string(),
            "log header checksum 00000001 00000002 at offset 24, computed 00000003 deadbeef"
        );
        assert_eq!(
            Damage::DatabasePageSize { code: 3 }.to_string(),
            "page size code 0x0003 at offset 16 is not a power of two from 512 to 65536"
        );
    }
}
