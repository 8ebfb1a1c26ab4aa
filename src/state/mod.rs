//! In what state the files of a database are: decided here once, for whoever reads them, writes over them, or only tells of them.
//!
//! | file | duty |
//! |---|---|
//! | `journal` | what a journal beside a database means for who opens it: SQLite's questions, in SQLite's order |
//! | `log` | whether there is a log beside a database |

pub(crate) mod journal;
pub(crate) mod log;
