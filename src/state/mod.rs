//! In what state the files of a database are: decided here once, for whoever reads them, writes over them, or only tells of them.

pub(crate) mod journal;
