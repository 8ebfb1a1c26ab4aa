//! Deleted rows: what of them is still in the files. `[deleted.md]`
//!
//! | file | duty |
//! |---|---|
//! | `finder` | where is looked, and in which order |
//! | `page_search` | the records in one page image: cells, free blocks, unallocated space |
//! | `live_rows` | the rows that are live, none of which is given |
//! | `side_images` | page images in the log and in a journal |
//! | `report` | what was found, and where |

mod finder;
mod live_rows;
mod page_search;
mod report;
mod side_images;

pub use finder::{DeletedOptions, deleted_rows};
pub use report::{DeletedRow, Found, FoundIn};
