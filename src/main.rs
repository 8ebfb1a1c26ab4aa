//! The command `litecopy`: words in, words out. All it knows of databases it asks of the library.

mod cli;

fn main() -> std::process::ExitCode {
    cli::run::run()
}
