//! `litecopy completions`: what a shell completes of the command line.

use clap::{Args, Command};
use clap_complete::Shell;

use super::exit_code::Ending;
use super::output::say_text;

/// What the help of `completions` says beyond its options.
const HELP: &str = "\
For bash:
  litecopy completions bash > ~/.local/share/bash-completion/completions/litecopy
For zsh, in a folder of $fpath:
  litecopy completions zsh > ~/.zfunc/_litecopy
For fish:
  litecopy completions fish > ~/.config/fish/completions/litecopy.fish";

/// Print a script by which a shell completes verbs and options
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl CompletionsArguments {
    pub(crate) fn run(&self, mut command: Command) -> Ending {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "litecopy", &mut script);
        say_text(&script)
    }
}
