//! Ctrl-C and its like: what is at work stops at its next step and leaves nothing behind; a second one ends it on the spot.

use std::sync::{Condvar, Mutex, Once, OnceLock, PoisonError};
use std::time::Duration;

use litecopy::CancelToken;

use super::exit_code::INTERRUPTED;

/// What asked us to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// Ctrl-C, or the terminal was closed.
    User,
    /// SIGTERM, by which supervisors end a service.
    #[cfg_attr(not(unix), allow(dead_code, reason = "elsewhere the two cannot be told apart"))]
    Supervisor,
}

static CAME: Mutex<Option<Interrupt>> = Mutex::new(None);
static ARRIVAL: Condvar = Condvar::new();

/// From now on an interrupt is only noted. Where that cannot be had, it ends the process as ever.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(system::listen);
}

/// By which work is told that one came.
pub(crate) fn token() -> CancelToken {
    static TOKEN: OnceLock<CancelToken> = OnceLock::new();
    TOKEN.get_or_init(CancelToken::new).clone()
}

/// Which one came since, if any.
pub(crate) fn came() -> Option<Interrupt> {
    *CAME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits so long for one to come.
pub(crate) fn wait(longest: Duration) -> Option<Interrupt> {
    let none = CAME.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = ARRIVAL.wait_timeout_while(none, longest, |came| came.is_none());
    *waited.unwrap_or_else(PoisonError::into_inner).0
}

fn note(interrupt: Interrupt) {
    let mut came = CAME.lock().unwrap_or_else(PoisonError::into_inner);
    if came.replace(interrupt).is_some() {
        std::process::exit(INTERRUPTED.into());
    }
    token().cancel();
    ARRIVAL.notify_all();
}

#[cfg(unix)]
mod system {
    use super::{Interrupt, note};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    pub(super) fn listen() {
        let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else { return };
        std::thread::spawn(move || {
            for signal in &mut signals {
                note(if signal == SIGTERM { Interrupt::Supervisor } else { Interrupt::User });
            }
        });
    }
}

#[cfg(not(unix))]
mod system {
    use super::{Interrupt, note};

    pub(super) fn listen() {
        drop(ctrlc::set_handler(|| note(Interrupt::User)));
    }
}
