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

/// How many bytes the file system at `path` has left at most, what is kept back for root included; `None` where it does not
/// tell.
pub(crate) fn most_free_bytes(path: &Path) -> Option<u64> {
    let space = fs4::statvfs(path).ok().filter(|space| space.total_space() > 0)?;
    Some(space.free_space())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_local_folder_is_on_no_network() {
        assert_eq!(network_kind(Path::new("/proc")), None);
        assert_eq!(network_kind(Path::new("/no/such/place")), None);
        assert_eq!(kind_of(0x6969), Some("NFS"));
    }
}
