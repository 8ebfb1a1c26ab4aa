//! From the words of the command line to an exit code.

use std::process::ExitCode;

use clap::Parser;
use clap::error::ContextValue;

use super::arguments::Arguments;
use super::exit_code::Ending;
use super::output::{said, say_error};
use super::printable::printable;

pub(crate) fn run() -> ExitCode {
    let ending = match Arguments::try_parse() {
        Ok(arguments) => arguments.verb.run(),
        Err(help_or_error) => {
            if !help_or_error.use_stderr() {
                return said(help_or_error.print()).code();
            }
            let error = harmless(help_or_error).render().to_string();
            say_error(error.replacen("error:", "litecopy:", 1).trim_end());
            Ending::WrongUse
        }
    };
    ending.code()
}

/// An error about the words of the command line, without what in those words would act on a terminal.
fn harmless(mut error: clap::Error) -> clap::Error {
    let shown: Vec<_> = error.context().filter_map(|(kind, value)| Some((kind, shown(value)?))).collect();
    for (kind, value) in shown {
        error.insert(kind, value);
    }
    error
}

/// What is to be shown instead of the value, if it cannot be shown as it is.
fn shown(value: &ContextValue) -> Option<ContextValue> {
    match value {
        ContextValue::String(text) => Some(ContextValue::String(printable(text))),
        ContextValue::Strings(texts) => {
            Some(ContextValue::Strings(texts.iter().map(|text| printable(text)).collect()))
        }
        ContextValue::StyledStrs(texts) => {
            let is_harmless = |text: &clap::builder::StyledStr| {
                let text = text.to_string();
                printable(&text) == text
            };
            (!texts.iter().all(is_harmless)).then_some(ContextValue::None)
        }
        _ => None,
    }
}
