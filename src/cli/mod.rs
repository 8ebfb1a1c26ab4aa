//! The command's parts: its arguments, one file for each of its verbs, what it says, and its exit codes.
//!
//! | files | duty |
//! |---|---|
//! | `run`, `arguments` | from the words of the command line to a verb and an exit code |
//! | one a verb | its arguments, what it asks of the library, its text |
//! | `*_arguments`, `attached`, `values` | options that several verbs share, and how their values are read |
//! | `output`, `printable`, `columns`, `numbers` | how reports and errors are said |
//! | `job`, `repeat`, `stream`, `progress`, `interrupt`, `manifest_file`, `notes` | what verbs that copy share |
//! | `plain_file` | opening what is a file, and no pipe |
//! | `sandbox` | what may still be opened beside a stranger's file |

mod acquire;
mod advice;
mod arguments;
mod attached;
mod check;
mod columns;
mod command_page;
mod completions;
mod copy;
mod course_arguments;
mod csv;
mod deleted;
mod diff;
mod dump;
mod exit_code;
mod info;
mod interrupt;
mod job;
mod journal;
mod json_row;
mod locks;
mod manifest_file;
mod manual;
mod map_file;
mod notes;
mod numbers;
mod output;
mod page;
mod page_map;
mod page_runs;
mod pages;
mod paint;
mod plain_file;
mod printable;
mod progress;
mod reading_arguments;
mod reading_progress;
mod refresh;
mod repeat;
mod restore;
mod rows;
pub(crate) mod run;
mod sandbox;
mod schema;
mod shm;
mod space;
mod spool;
mod stopped;
mod stream;
mod telling_arguments;
mod treatment_arguments;
mod values;
mod verify;
mod wal;
