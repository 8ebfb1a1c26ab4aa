//! Whose a new file is, and who may use it.
//!
//! | file | duty |
//! |---|---|
//! | `other` | elsewhere a new file has the rights that its folder gives it |
//! | `unix` | who may use a file: its mode, its owner, its access control list |

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
use other as system;
#[cfg(unix)]
use unix as system;

use std::fs::File;

pub(crate) use system::Rights;

/// The mode of a new file that is like no other, less the process's mask.
const USUAL_MODE: u32 = 0o644;

/// Whose a new file is going to be.
#[derive(Clone, Debug)]
pub(crate) enum NewRights {
    /// Ours, with the permission bits of another, if there is one, less the process's mask: as `cp` makes it.
    Ours(Option<Rights>),
    /// As it is with another, owner and all, as far as the system lets us.
    SameAs(Rights),
}

impl NewRights {
    /// The mode to make the file with: never more than it is to have.
    pub(super) fn first_mode(&self) -> u32 {
        match self {
            Self::Ours(None) => USUAL_MODE,
            Self::Ours(Some(like)) => like.mode_without_list(),
            Self::SameAs(_) => 0o600,
        }
    }

    /// Gives them to the file that was made with that mode. Where the system refuses, it is right all the same.
    pub(super) fn give(&self, file: &File) {
        match self {
            Self::Ours(None) => {}
            Self::Ours(Some(like)) => like.give_list(file),
            Self::SameAs(rights) => drop(rights.give(file)),
        }
    }

    /// The user whom the other file belongs to.
    #[cfg(unix)]
    pub(super) fn user(&self) -> Option<u32> {
        match self {
            Self::Ours(like) => like.as_ref().map(Rights::user),
            Self::SameAs(like) => Some(like.user()),
        }
    }
}
