//! Deleted rows: what of them is still in the files. `[deleted.md]`
//!
//! First all that is live is read, then all pages and images are gone through twice: for deleted rows of the schema, which tell of tables
//! that were dropped, and for rows of all tables.
//!
//! | file | duty |
//! |---|---|
//! | `finder` | the course of it, and which of what is found is given |
//! | `history` | the versions of one row, in their order |
//! | `report` | what was found, and where |
//! | `live_reading` | what is live: rows, what they look like, whose the pages are |
//! | `live_rows` | the rows that are live, as digests: none of them is given |
//! | `part_rows` | rows that are only partly there |
//! | `candidate` | the tables that rows may be of |
//! | `dropped_tables` | those that were dropped |
//! | `former_owners` | whose the pages were before |
//! | `pace` | how far the search is |
//! | `page_pass` | once through all pages and images |
//! | `page_places` | what each page is, and where to look in it |
//! | `side_images` | page images in the log and in a journal |
//! | `page_image` | the records in one page image: cells, free blocks, unallocated space |
//! | `carver` | the records in one such part |
//! | `cut_cell` | a cell that lost its first four bytes |
//! | `left_blocks` | where free blocks began |
//! | `carved` | a record that was found |
//! | `shape` | what the records of a table look like, and what speaks for one |
//! | `shape_set` | which shapes there can be, by two bytes |
//! | `text_evidence` | what speaks for text |
//! | `varints` | varints as SQLite writes them |
//! | `rebuilt` | the row that a record was |

mod candidate;
mod carved;
mod carver;
mod cut_cell;
mod dropped_tables;
mod finder;
mod former_owners;
mod history;
mod left_blocks;
mod live_reading;
mod live_rows;
mod pace;
mod page_image;
mod page_pass;
mod page_places;
mod part_rows;
mod rebuilt;
mod report;
mod shape;
mod shape_set;
mod side_images;
mod text_evidence;
mod varints;

pub use finder::{DeletedOptions, deleted_rows};
pub use history::row_history;
pub use report::{DeletedProgress, DeletedRow, Found, FoundIn};
