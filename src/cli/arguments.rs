//! The words of the command line: its verbs. What a verb takes stands in the verb's own file.

use clap::{CommandFactory, Parser, Subcommand};

use super::exit_code::{self, Ending};

/// Copies a live SQLite database, page by page, without libsqlite3
#[derive(Debug, Parser)]
#[command(name = "litecopy", version = env!("LITECOPY_VERSION"), after_help = exit_code::HELP, arg_required_else_help = true)]
#[command(args_override_self = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Makes the verbs from a list of their names and arguments, which know how to `run`: by themselves, or for a verb about the command
/// itself with its definition. The comment on a verb's arguments is its line in the help.
macro_rules! verbs {
    (
        { $($name:ident: $file:ident :: $arguments:ident,)* }
        about the command { $($own_name:ident: $own_file:ident :: $own_arguments:ident,)* }
    ) => {
        #[derive(Debug, Subcommand)]
        pub(crate) enum Verb {
            $($name(super::$file::$arguments),)*
            $($own_name(super::$own_file::$own_arguments),)*
        }

        impl Verb {
            pub(crate) fn run(&self) -> Ending {
                match self {
                    $(Self::$name(arguments) => arguments.run(),)*
                    $(Self::$own_name(arguments) => arguments.run(Arguments::command()),)*
                }
            }
        }
    };
}

verbs! {
    {
        Copy: copy::CopyArguments,
        Restore: restore::RestoreArguments,
        Refresh: refresh::RefreshArguments,
        Verify: verify::VerifyArguments,
        Info: info::InfoArguments,
        Locks: locks::LocksArguments,
        Diff: diff::DiffArguments,
        Wal: wal::WalArguments,
        Journal: journal::JournalArguments,
        Shm: shm::ShmArguments,
        Check: check::CheckArguments,
        Pages: pages::PagesArguments,
        Page: page::PageArguments,
        Space: space::SpaceArguments,
        Rows: rows::RowsArguments,
        Dump: dump::DumpArguments,
        Acquire: acquire::AcquireArguments,
    }
    about the command {
        Completions: completions::CompletionsArguments,
        Manual: manual::ManualArguments,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }
}
