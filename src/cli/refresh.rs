//! `litecopy refresh`: an existing copy is brought up to date, by writing only what differs.

use litecopy::Source;

use super::arguments::RefreshArguments;
use super::exit_code::Ending;
use super::job::{Copied, report};
use super::repeat::{first_stamp, repeat};
use super::run::say;

pub(crate) fn refresh(arguments: &RefreshArguments) -> Ending {
    let RefreshArguments { source, copy, every, replace, course, reading, telling } = arguments;
    let options = course.options().source(reading.options()).replace(*replace);
    repeat(
        *every,
        || Source::open_with(source, &reading.options()),
        |stamp| {
            report(telling, say, |progress| {
                let report = options.refresh_with_progress(source, copy, progress)?;
                let copied =
                    vec![Copied { name: None, source: source.clone(), target: copy.clone(), report }];
                *stamp = first_stamp(&copied);
                Ok(copied)
            })
        },
    )
}
