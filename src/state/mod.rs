//! In what state the files of a database are: decided here once, for whoever reads them, writes over them, or only tells of them.
//!
//! | file | duty |
//! |---|---|
//! | `journal` | what a journal beside a database means for who opens it: SQLite's questions, in SQLite's order |

pub(crate) mod journal;
