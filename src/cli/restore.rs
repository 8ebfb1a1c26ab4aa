//! `litecopy restore`: the content of one database into another, which others may have open.

use super::arguments::RestoreArguments;
use super::exit_code::Ending;
use super::job::{Copied, report};
use super::run::say;

pub(crate) fn restore(arguments: &RestoreArguments) -> Ending {
    let RestoreArguments { backup, database, course, reading, telling } = arguments;
    let options = course.options().source(reading.options()).in_place(true);
    report(telling, say, |progress| {
        let report = options.copy_with_progress(backup, database, progress)?;
        Ok(vec![Copied { name: None, source: backup.clone(), target: database.clone(), report }])
    })
}
