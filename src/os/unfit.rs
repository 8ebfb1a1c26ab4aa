//! What may lie under a name instead of a file that can be used.

use std::io;

/// Why what lies under a name is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(not(unix), allow(dead_code, reason = "elsewhere there are no pipes and sockets with names"))]
pub(crate) enum Unfit {
    #[error("is a symbolic link, which is not followed here")]
    Link,
    #[error("is a symbolic link that somebody else could have put there, which is not followed")]
    ForeignLink,
    #[error("is a symbolic link that leads nowhere")]
    Dangling,
    #[error("is a folder, not a file")]
    Folder,
    #[error("is a pipe, not a file")]
    Pipe,
    #[error("is a socket, not a file")]
    Socket,
    #[error("is a device, not a file")]
    Device,
    #[error("is a file that the system makes up while it is read, of no size")]
    MadeUp,
    #[error("is a block device, which is read only as immutable")]
    BlockDevice,
    #[error("is mounted there by itself, so that nothing can take its place")]
    Mounted,
    #[error("is a file with {0} names (hard links): what is written under one changes under all")]
    Names(u64),
}

impl Unfit {
    /// What somebody can do about it.
    pub(crate) const fn advice(self) -> &'static str {
        match self {
            Self::Link | Self::Names(_) => {
                "SQLite refuses such a side file, or writes into a stranger's: find out who put it there, then move it away"
            }
            Self::Mounted => "write it over in place, or mount the folder that it lies in",
            Self::ForeignLink | Self::Dangling => "name the file that it should lead to",
            Self::BlockDevice => "read it as immutable, if nobody writes to it",
            Self::Folder | Self::Pipe | Self::Socket | Self::Device | Self::MadeUp => {
                "name the database file itself"
            }
        }
    }

    /// What an error of the system hides, if it is one of these.
    pub(crate) fn in_error(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl From<Unfit> for io::Error {
    fn from(unfit: Unfit) -> Self {
        Self::new(io::ErrorKind::InvalidInput, unfit)
    }
}
