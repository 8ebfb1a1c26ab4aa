//! Bundles of evidence: the files of a database as they were found, the merged copy, and what proves both.
//!
//! A bundle is a folder; what lies in it, what is held while it is made, and what it proves is in `[acquire.md]`.
//!
//! | file | duty |
//! |---|---|
//! | `options` | what is asked for: options, progress, and what is given back |
//! | `acquisition` | the course: look, hold, take, let go, merge, write down, publish |
//! | `found_files` | copies the files as they lie there, and reads them again to see that they stayed so |
//! | `file_copy` | one file on its way into a bundle |
//! | `surroundings` | who holds locks and has the files open, before anything is locked |
//! | `merged_copy` | what SQLite would see in the files as found, from the bundle's own copies |
//! | `facts` | header and log of the files as found, and what the system says of a file |
//! | `report_text` | the report for people |
//! | `bundle_folder` | the names in a bundle, and how its files are opened |
//! | `verification` | whether a bundle is still what it was |
//! | `utc_time` | times in UTC, as RFC 3339 writes them |

mod acquisition;
mod bundle_folder;
mod facts;
mod file_copy;
mod found_files;
mod merged_copy;
mod options;
mod report_text;
mod surroundings;
mod utc_time;
mod verification;

pub use options::{AcquireOptions, AcquireProgress, Acquired};
pub use verification::{BundleFinding, BundleFindingKind, BundleReport, verify_bundle};
