//! What is said while a copy is made, and when it is done.

use clap::{Args, ValueEnum};

/// What is said meanwhile.
#[derive(Debug, Args)]
#[command(next_help_heading = "Messages")]
pub(crate) struct TellingArguments {
    /// How to show progress, on stderr
    #[arg(long, value_enum, value_name = "HOW", default_value_t = ProgressKind::Auto)]
    pub(crate) progress: ProgressKind,

    /// Print no notes: what is worth knowing although nothing failed
    #[arg(long)]
    pub(crate) no_notes: bool,

    /// Print errors only
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressKind {
    /// A bar when stderr is a terminal, else nothing
    Auto,
    /// A bar (drawn on terminals only)
    Bar,
    /// For programs: one JSON object a line
    Json,
    /// Nothing
    None,
}
