//! Ctrl-C and its like: what is at work stops at its next step and leaves nothing behind; a second one ends it on the spot.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once, OnceLock};
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

/// What the handlers set. They do nothing else: a copy of a small database takes less time than to start a thread for them.
#[derive(Default)]
struct Flags {
    came: Arc<AtomicBool>,
    by_supervisor: Arc<AtomicBool>,
}

fn flags() -> &'static Flags {
    static FLAGS: OnceLock<Flags> = OnceLock::new();
    FLAGS.get_or_init(Flags::default)
}

/// From now on an interrupt is only noted; the next one ends the process. Where that cannot be had, the first does, as ever.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| system::listen(flags()));
}

/// By which work is told that one came.
pub(crate) fn token() -> CancelToken {
    CancelToken::from(Arc::clone(&flags().came))
}

/// Which one came since, if any.
pub(crate) fn came() -> Option<Interrupt> {
    let is_set = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
    let Flags { came, by_supervisor } = flags();
    is_set(came).then(|| if is_set(by_supervisor) { Interrupt::Supervisor } else { Interrupt::User })
}

/// Waits so long for one to come.
pub(crate) fn wait(longest: Duration) -> Option<Interrupt> {
    token().wait(longest);
    came()
}

#[cfg(unix)]
mod system {
    use super::{Flags, INTERRUPTED};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::flag::{register, register_conditional_shutdown};
    use std::sync::Arc;

    pub(super) fn listen(flags: &Flags) {
        let flag = || Arc::clone(&flags.came);
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // In the order in which they are done when a signal comes.
            let listening = register_conditional_shutdown(signal, INTERRUPTED.into(), flag())
                .and_then(|_| match signal {
                    SIGTERM => register(signal, Arc::clone(&flags.by_supervisor)).map(drop),
                    _ => Ok(()),
                })
                .and_then(|()| register(signal, flag()));
            drop(listening);
        }
    }
}

#[cfg(not(unix))]
mod system {
    use super::{Flags, INTERRUPTED};
    use std::sync::Arc;
    use std::sync::atomic::Ordering;

    pub(super) fn listen(flags: &Flags) {
        let came = Arc::clone(&flags.came);
        drop(ctrlc::set_handler(move || {
            if came.swap(true, Ordering::Relaxed) {
                std::process::exit(INTERRUPTED.into());
            }
        }));
    }
}
