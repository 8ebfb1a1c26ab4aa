//! `litecopy manual`: the manual, made from the command's own definitions: man pages, or one page of Markdown.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command};

use super::command_page::command_page;
use super::exit_code::Ending;
use super::output::{say_error, say_text};
use super::printable::printable_path;

/// Print the manual: all verbs and options as one page of Markdown, or as man pages into a folder
#[derive(Debug, Args)]
pub(crate) struct ManualArguments {
    /// Write a man page of the command and of each verb into this folder, which must be there
    #[arg(long, value_name = "FOLDER")]
    man: Option<PathBuf>,
}

impl ManualArguments {
    pub(crate) fn run(&self, command: Command) -> Ending {
        let Some(folder) = &self.man else { return say_text(command_page(command).as_bytes()) };
        match write_man_pages(command, folder) {
            Ok(()) => Ending::Done,
            Err(error) => {
                say_error(&format!(
                    "litecopy: {}: cannot write the man pages: {error}",
                    printable_path(folder)
                ));
                Ending::Failed
            }
        }
    }
}

fn write_man_pages(command: Command, folder: &Path) -> io::Result<()> {
    clap_mangen::generate_to(command.disable_help_subcommand(true), folder)
}
