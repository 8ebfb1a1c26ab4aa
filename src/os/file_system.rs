//! On what kind of file system a file lies, where that matters for locks; and what room is left there.

use std::path::Path;

/// The kind of a network file system, on which locks may not reach other hosts; `None` for any other, and where the
/// system does not tell.
#[cfg(target_os = "linux")]
pub(crate) fn network_kind(path: &Path) -> Option<&'static str> {
    // A signed number in some systems, of which the lower half counts.
    let bytes = rustix::fs::statfs(path).ok()?.f_type.to_le_bytes();
    kind_of(u32::from_le_bytes(bytes.first_chunk().copied()?))
}

/// The numbers are those of Linux's `statfs(2)`.
#[cfg(target_os = "linux")]
fn kind_of(number: u32) -> Option<&'static str> {
    Some(match number {
        0x6969 => "NFS",
        0x517b => "SMB",
        0xff53_4d42 => "CIFS",
        0xfe53_4d42 => "SMB2",
        0x0102_1997 => "9P",
        0x5346_414f => "AFS",
        0x00c3_6400 => "Ceph",
        0x0bd0_0bd0 => "Lustre",
        0x0116_1970 => "GFS2",
        0x7461_636f => "OCFS2",
        0x6573_5546 => "FUSE",
        _ => return None,
    })
}

/// The kind of a network file system; not told on this system.
#[cfg(not(target_os = "linux"))]
pub(crate) fn network_kind(_: &Path) -> Option<&'static str> {
    None
}

/// What room a file system has left, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// For anybody.
    pub(super) common_bytes: u64,
    /// With what is kept back for root.
    pub(super) all_bytes: u64,
}

impl Room {
    /// That of the file system at `path`; `None` where it does not tell.
    pub(super) fn at(path: &Path) -> Option<Self> {
        #[cfg(unix)]
        return {
            let space = rustix::fs::statvfs(path).ok().filter(|space| space.f_blocks > 0)?;
            let bytes = |blocks: u64| blocks.saturating_mul(space.f_frsize);
            Some(Self { common_bytes: bytes(space.f_bavail), all_bytes: bytes(space.f_bfree) })
        };
        #[cfg(windows)]
        return {
            let (common_bytes, all_bytes) = super::windows_file::free_bytes(path).ok()?;
            Some(Self { common_bytes, all_bytes })
        };
        #[cfg(not(any(unix, windows)))]
        {
            let _ = path;
            None
        }
    }
}

/// How many bytes the file system at `path` has left at most, what is kept back for root included; `None` where it does not
/// tell.
pub(crate) fn most_free_bytes(path: &Path) -> Option<u64> {
    Room::at(path).map(|room| room.all_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_local_folder_is_on_no_network() {
        assert_eq!(network_kind(Path::new("/proc")), None);
        assert_eq!(network_kind(Path::new("/no/such/place")), None);
        assert_eq!(kind_of(0x6969), Some("NFS"));
    }

    #[test]
    fn what_anybody_has_is_not_more_than_what_there_is() {
        let folder = tempfile::tempdir().unwrap();
        let room = Room::at(folder.path()).unwrap();
        assert!(0 < room.common_bytes && room.common_bytes <= room.all_bytes, "{room:?}");
        assert!(Room::at(&folder.path().join("none")).is_none());
    }
}
