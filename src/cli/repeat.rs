//! `--every`: a copy that is made again and again, when and only when something was committed.

use std::path::Path;
use std::time::Duration;

use litecopy::{ChangeStamp, Error, Source};

use super::exit_code::{Ending, message};
use super::interrupt::{self, Interrupt};
use super::job::CopiedFile;
use super::output::say_error;

/// The shortest time between two looks: sooner would be nothing but looking.
const SHORTEST: Duration = Duration::from_millis(100);

/// Makes a copy with `once`, which leaves the stamp of what it copied. With `every` it is made again each time that the source no
/// longer has that stamp, or the copy is gone, until an interrupt comes. Once a copy was made, nothing else ends it: source and
/// target may be away for a while. A supervisor that ends it has what it wanted, so that is no failure.
pub(crate) fn repeat(
    every: Option<Duration>,
    target: &Path,
    source: impl FnMut() -> Result<Source, Error>,
    mut once: impl FnMut(&mut Option<ChangeStamp>) -> Ending,
) -> Ending {
    let mut stamp = None;
    let ending = once(&mut stamp);
    let Some(every) = every else { return ending };
    if matches!(ending, Ending::Failed | Ending::WrongUse) {
        return ending;
    }
    let mut look = Look { open: source, source: None, said: String::new() };
    loop {
        match interrupt::wait(every.max(SHORTEST)) {
            Some(Interrupt::Supervisor) => return Ending::Done,
            Some(Interrupt::User) => return Ending::Interrupted,
            None if is_gone(target) || look.finds_change(&stamp) => {
                once(&mut stamp);
            }
            None => {}
        }
    }
}

/// A look that fails says nothing about the copy.
fn is_gone(target: &Path) -> bool {
    matches!(target.try_exists(), Ok(false))
}

/// The source, looked at again and again.
struct Look<F> {
    open: F,
    /// `None` after an error: it is opened again, since another file may have its name.
    source: Option<Source>,
    /// The last error, which is not said again while it lasts.
    said: String,
}

impl<F: FnMut() -> Result<Source, Error>> Look<F> {
    fn finds_change(&mut self, stamp: &Option<ChangeStamp>) -> bool {
        match self.try_finds_change(stamp) {
            Ok(changed) => {
                self.said.clear();
                changed
            }
            Err(error) => {
                self.source = None;
                let message = message(&error);
                if message != self.said {
                    say_error(&message);
                    self.said = message;
                }
                false
            }
        }
    }

    /// A source that is locked counts as unchanged: the next look will tell.
    fn try_finds_change(&mut self, stamp: &Option<ChangeStamp>) -> Result<bool, Error> {
        let source = match &mut self.source {
            Some(source) => source,
            None => self.source.insert((self.open)()?),
        };
        let now = source.stamp()?;
        Ok(now.is_some_and(|now| stamp.is_none_or(|before| !before.same_content(&now))))
    }
}

/// The stamp of the only database that was copied.
pub(crate) fn first_stamp(copied: &[CopiedFile]) -> Option<ChangeStamp> {
    copied.first().and_then(|copied| copied.report.stamp)
}
