//! `litecopy refresh`: an existing copy is brought up to date, by writing only what differs.

use std::ops::ControlFlow;

use litecopy::{CopyOptions, CopyReport, Error, Progress, Source};

use super::arguments::RefreshArguments;
use super::exit_code::Ending;
use super::job::{Copied, report};
use super::manifest_file::{self, ManifestFile};
use super::repeat::{first_stamp, repeat};
use super::run::say;

pub(crate) fn refresh(arguments: &RefreshArguments) -> Ending {
    let RefreshArguments { source, copy, every, replace, course, reading, telling, .. } = arguments;
    let options = course.options().source(reading.options()).replace(*replace);
    repeat(
        *every,
        || Source::open_with(source, &reading.options()),
        |stamp| {
            report(telling, say, |progress| {
                let report = refresh_once(arguments, &options, progress)?;
                let copied =
                    vec![Copied { name: None, source: source.clone(), target: copy.clone(), report }];
                *stamp = first_stamp(&copied);
                Ok(copied)
            })
        },
    )
}

fn refresh_once(
    RefreshArguments { source, copy, manifest, reading, .. }: &RefreshArguments,
    options: &CopyOptions,
    progress: impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<CopyReport, Error> {
    let Some(path) = manifest else { return options.refresh_with_progress(source, copy, progress) };
    let file = ManifestFile::admit(path, source, copy, true)?;
    let known = if path.exists() { Some(manifest_file::read(path)?) } else { None };
    let source = Source::open_with(source, &reading.options())?;
    let (report, manifest) = options.refresh_with_manifest(source, copy, known.as_ref(), progress)?;
    file.write(&manifest)?;
    Ok(report)
}
