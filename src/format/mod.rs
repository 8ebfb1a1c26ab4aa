//! What the bytes of the four files mean: database, write-ahead log, wal-index, rollback journal.
//!
//! No I/O, no time, no paths, no panics: bytes in, types or [`Damage`] out.
//! The formats are told in `format-spec-notes/`; doc comments point there, as `[wal.md#frame-validity]` does.

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
pub mod page_number;
pub mod page_one_edit;
mod page_reference;
pub(crate) mod page_set;
pub mod page_size;
pub mod pointer_map;
pub mod record;
pub mod shape;
pub mod super_journal;
pub mod text;
pub mod unused_bytes;
pub mod varint;
pub mod wal_checksum;
pub mod wal_frame;
pub mod wal_hash;
pub mod wal_hash_edit;
pub mod wal_header;
pub mod wal_index;

pub use btree_cell::BtreeCell;
pub use btree_page::BtreePage;
pub use damage::Damage;
pub use database_header::{DatabaseHeader, JournalMode};
pub use frame_number::FrameNumber;
pub use freelist_trunk::FreelistTrunk;
pub use journal_header::JournalHeader;
pub use journal_record::JournalRecord;
pub use overflow::OverflowPage;
pub use page_kind::PageKind;
pub use page_number::PageNumber;
pub use page_one_edit::PageOneEdit;
pub use page_size::PageSize;
pub use pointer_map::{PointerMap, PointerMapEntry};
pub use record::{Record, SerialType, Value};
pub use shape::Shape;
pub use wal_checksum::{ByteOrder, WalChecksum};
pub use wal_frame::{FrameChain, FrameFault, WalFrame, WalFrameHeader};
pub use wal_header::{Salts, WalHeader};
pub use wal_index::{WalIndex, WalIndexHeader};
