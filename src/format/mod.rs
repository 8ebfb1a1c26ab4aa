//! What the bytes of the four files mean: database, write-ahead log, wal-index, rollback journal.
//!
//! No I/O, no time, no paths, no panics: bytes in, types or [`Damage`] out.
//! The formats are told in `format-spec-notes/`; doc comments point there, as [wal.md#frame-validity](crate::notes::wal#frame-validity) does.
//!
//! | file | duty |
//! |---|---|
//! | `btree_cell` | the cells of a b-tree page, and how much of a payload stays in them |
//! | `btree_page` | the b-tree page: its header, where its cells lie, and its freeblocks |
//! | `btree_space` | whether cells, freeblocks and fragments of a b-tree page add up to its cell content area |
//! | `byte_reader` | a cursor over bytes that cannot panic: all bounds checks of the formats live here |
//! | `damage` | what a file can have wrong: one variant for each rule of the formats that bytes can break |
//! | `database_header` | the first 100 bytes of page 1: what kind of database this is |
//! | `frame_number` | the number of a frame in the write-ahead log: 1 for the first, never 0 |
//! | `freelist_trunk` | the freelist trunk page: a list of free pages, and the way to the next such list |
//! | `journal_header` | the header of a rollback journal, and of each later segment of it |
//! | `journal_record` | the records of a rollback journal: pages as they were before the transaction |
//! | `lock_bytes` | where SQLite's locks lie: byte ranges of the database file and of the wal-index |
//! | `overflow` | the overflow page: what of a payload does not fit into its cell |
//! | `page_index` | where the image of each page lies: one place a page, sorted by page |
//! | `page_kind` | the kinds of b-tree page: interior or leaf, of a table or of an index |
//! | `page_number` | the number of a page: 1 for the first, never 0 |
//! | `page_one_edit` | what SQLite's online backup changes in the first page of a copy, so that those who have the target open notice it |
//! | `page_reference` | a page that another page names: its child, or the next of a chain |
//! | `page_set` | a set of pages of a database, at one bit a page |
//! | `page_size` | the size of a page: a power of two from 512 to 65536 bytes, and its 16-bit code in headers |
//! | `payload_sums` | the payloads of a page, added up |
//! | `pointer_map` | the pointer map of databases that vacuum by themselves: what each page is, and which page leads to it |
//! | `record` | the record: the values of a table row or an index entry, as the payload of a cell |
//! | `shape` | how large a database is: the size of its pages, and their number |
//! | `super_journal` | the super-journal: the file that binds the journals of a transaction over several databases |
//! | `text` | text as it is stored, made into text as Rust knows it |
//! | `unused_bytes` | the bytes of a page that mean nothing, and clearing them: they hold what was deleted |
//! | `varint` | the variable-length integer of cells and records |
//! | `wal_checksum` | the running checksum of the write-ahead log and of the wal-index header |
//! | `wal_frame` | the frames of the write-ahead log, and which of them are valid |
//! | `wal_hash` | the hash blocks of the wal-index: which frames of the log hold a page |
//! | `wal_hash_edit` | entering frames into a hash block of the wal-index, as a writer does before it publishes them |
//! | `wal_header` | the first 32 bytes of the write-ahead log |
//! | `wal_index` | the first 136 bytes of the wal-index (`-shm`): what the log holds and who reads it |
//! | `whole_cell` | the cells that nearly all records lie in: those of a leaf, without an overflow chain |

pub mod btree_cell;
pub mod btree_page;
pub mod btree_space;
pub mod byte_reader;
pub mod damage;
pub mod database_header;
pub mod frame_number;
pub mod freelist_trunk;
pub mod journal_header;
pub mod journal_record;
pub mod lock_bytes;
pub mod overflow;
pub(crate) mod page_index;
pub mod page_kind;
pub(crate) mod page_number;
pub(crate) mod page_one_edit;
mod page_reference;
pub(crate) mod page_set;
pub(crate) mod page_size;
pub(crate) mod payload_sums;
pub mod pointer_map;
pub mod record;
pub(crate) mod shape;
pub mod super_journal;
pub mod text;
pub(crate) mod unused_bytes;
pub mod varint;
pub mod wal_checksum;
pub mod wal_frame;
pub mod wal_hash;
pub(crate) mod wal_hash_edit;
pub mod wal_header;
pub mod wal_index;
pub(crate) mod whole_cell;

pub use btree_cell::BtreeCell;
pub use btree_page::BtreePage;
pub use damage::Damage;
pub use database_header::{DatabaseHeader, JournalMode, SqliteVersion};
pub use frame_number::FrameNumber;
pub use freelist_trunk::FreelistTrunk;
pub use journal_header::JournalHeader;
pub use journal_record::JournalRecord;
pub use overflow::OverflowPage;
pub use page_kind::PageKind;
pub use page_number::PageNumber;
pub use page_size::PageSize;
pub use pointer_map::{PointerMap, PointerMapEntry};
pub use record::{Record, SerialType, Value};
pub use shape::Shape;
pub use wal_checksum::{ByteOrder, WalChecksum};
pub use wal_frame::{FrameChain, FrameFault, WalFrame, WalFrameHeader};
pub use wal_header::{Salts, WalHeader};
pub use wal_index::{WalIndex, WalIndexHeader};

pub(crate) use page_one_edit::PageOneEdit;
