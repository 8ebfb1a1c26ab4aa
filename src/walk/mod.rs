//! The walk: which pages of a snapshot lead to which, each page once.
//!
//! One walk serves copying without free pages, the schema, and all reports. It goes along b-trees, overflow chains, the
//! freelist and the pointer map. [`Strict`] makes the first fault the error; another [`FaultSink`] is told of each fault, and the
//! walk goes on without the page that has it.
//!
//! | file | what it does |
//! |---|---|
//! | `walk.rs` | what all walks over one snapshot share: which pages have a place, and where faults are told |
//! | `tree_walk.rs` | goes through one b-tree in the order of its keys |
//! | `page_cells.rs` | the cells of a page, no more of them than fit into it |
//! | `chain_pages.rs` | the pages of chains that a walk went along, where they are wanted |
//! | `chains.rs` | overflow chains, and payloads put together from them |
//! | `free_pages.rs` | the freelist and the pages of the pointer map |
//! | `pointer_check.rs` | whether the pointer map says of a page what the walk found |
//! | `role.rs` | what a page is to the one that leads to it |
//! | `schema_rows.rs` | the rows of the table `sqlite_schema` |
//! | `page_reader.rs` | reads pages, several at once where they follow each other |
//! | `page_map.rs` | what of each page counts, for copies that leave out the rest |
//! | `fault.rs` | what can be wrong, and who is told |
//!
//! Whatever the bytes say, each walk ends (C10): no page has two places, no b-tree is deeper than 20 pages, the cells of a page
//! are no longer than the page, and a chain has no more pages than its payload needs.

mod chain_pages;
mod chains;
mod fault;
mod free_pages;
mod page_cells;
mod page_map;
mod page_reader;
mod pointer_check;
mod role;
mod schema_rows;
mod tree_walk;
#[allow(clippy::module_inception, reason = "the walk is what the floor is about")]
mod walk;

pub(crate) use chain_pages::ChainPages;
pub(crate) use chains::OverflowPart;
pub use fault::FindingKind;
pub(crate) use fault::{Cause, Fault, FaultSink};
pub(crate) use free_pages::FreePage;
pub(crate) use page_cells::{PageCells, salvage_cells};
pub(crate) use page_map::{PageMap, Part};
pub(crate) use page_reader::PageReader;
pub(crate) use schema_rows::SchemaRow;
pub(crate) use tree_walk::{Step, TreePlace, TreeWalk, Upcoming};
pub(crate) use walk::Walk;
