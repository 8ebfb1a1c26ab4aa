//! Ctrl-C and its like: the copy stops at its next step and leaves nothing behind; a second one ends it on the spot.

use std::sync::atomic::{AtomicBool, Ordering};

use super::exit_code::INTERRUPTED;

static CAME: AtomicBool = AtomicBool::new(false);

/// From now on an interrupt is only noted. Where that cannot be had, it ends the process as ever.
pub(crate) fn listen() {
    let note = || {
        if CAME.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
    };
    drop(ctrlc::set_handler(note));
}

/// Whether one came since.
pub(crate) fn came() -> bool {
    CAME.load(Ordering::Relaxed)
}
