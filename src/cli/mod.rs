//! The command's parts: its arguments, one file for each of its verbs, its progress and its exit codes.

mod arguments;
mod copy;
mod course_arguments;
mod exit_code;
mod info;
mod interrupt;
mod job;
mod locks;
mod manifest_file;
mod notes;
mod numbers;
mod progress;
mod refresh;
mod repeat;
mod restore;
pub(crate) mod run;
mod schema;
mod stream;
mod treatment_arguments;
mod verify;
