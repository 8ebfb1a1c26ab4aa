//! Moves bytes from one file to another within the system, or lets both share them where the file system can.

use std::fs::File;
use std::io;
use std::ops::Range;

/// Copies the bytes of `range` from one file to the other, which gets them at `to_offset`; holes are left out. Gives back how
/// many bytes were copied; `None` when the system cannot do all of it, and then nothing is known of that part of `to`.
///
/// Whatever is wrong with either file shows again when the bytes are read and written one by one, and then in its place.
pub(crate) fn copy(from: &File, range: Range<u64>, to: &File, to_offset: u64) -> Option<u64> {
    let (start, mut copied_bytes) = (range.start, 0);
    let mut rest = range;
    while let Some(data) = next_data(from, &rest).ok()? {
        let place = to_offset.checked_add(data.start - start)?;
        copied_bytes += copy_data(from, data.clone(), to, place).ok()?;
        rest.start = data.end;
    }
    Some(copied_bytes)
}

/// Begins to bring a part of the file to the device, without waiting for it; where that cannot be had, nothing happens.
pub(crate) fn start_writeback(file: &File, range: Range<u64>) {
    #[cfg(target_os = "linux")]
    {
        use std::os::fd::AsRawFd;
        let Ok(offset) = i64::try_from(range.start) else { return };
        let Ok(size_bytes) = i64::try_from(range.end.saturating_sub(range.start)) else { return };
        // SAFETY: the descriptor is open as long as `file` is borrowed, and the call touches no memory of ours.
        #[expect(unsafe_code, reason = "the system crates have no safe call for it")]
        unsafe {
            libc::sync_file_range(file.as_raw_fd(), offset, size_bytes, libc::SYNC_FILE_RANGE_WRITE);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (file, range);
}

/// The next part of `range` that is no hole; `None` when nothing but a hole is left.
#[cfg(target_os = "linux")]
fn next_data(file: &File, range: &Range<u64>) -> io::Result<Option<Range<u64>>> {
    use rustix::fs::{SeekFrom, seek};
    use rustix::io::Errno;
    if range.is_empty() {
        return Ok(None);
    }
    // The position that this moves is nobody's: all reading and writing here names its own.
    let start = match seek(file, SeekFrom::Data(range.start)) {
        // Nothing but a hole up to the end of the file, or the end lies before.
        Err(Errno::NXIO) => return Ok(None),
        found => found?,
    };
    if start >= range.end {
        return Ok(None);
    }
    let end = seek(file, SeekFrom::Hole(start))?.min(range.end);
    Ok(Some(start..end))
}

#[cfg(target_os = "linux")]
fn copy_data(from: &File, data: Range<u64>, to: &File, to_offset: u64) -> io::Result<u64> {
    let (mut from_offset, mut to_offset) = (data.start, to_offset);
    while from_offset < data.end {
        let left = usize::try_from(data.end - from_offset).unwrap_or(usize::MAX);
        match rustix::fs::copy_file_range(from, Some(&mut from_offset), to, Some(&mut to_offset), left) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(data.end - data.start)
}

#[cfg(not(target_os = "linux"))]
fn next_data(_: &File, _: &Range<u64>) -> io::Result<Option<Range<u64>>> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(target_os = "linux"))]
fn copy_data(_: &File, _: Range<u64>, _: &File, _: u64) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{FileExt, MetadataExt};

    fn file(bytes: &[u8]) -> File {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(bytes, 0).unwrap();
        file
    }

    #[test]
    fn a_part_lands_in_its_place() {
        let (from, to) = (file(&[7; 10_000]), file(&[1; 4]));
        assert_eq!(copy(&from, 100..9_100, &to, 2), Some(9_000));
        let mut bytes = vec![0; 9_002];
        to.read_exact_at(&mut bytes, 0).unwrap();
        assert_eq!((&bytes[..3], bytes[9_001], to.metadata().unwrap().len()), (&[1, 1, 7][..], 7, 9_002));
        start_writeback(&to, 0..9_002);
    }

    #[test]
    fn holes_stay_holes() {
        let from = file(&[7; 4096]);
        from.set_len(1 << 30).unwrap();
        from.write_all_at(&[8; 4096], 1 << 29).unwrap();
        let to = file(&[]);
        assert!(copy(&from, 0..1 << 30, &to, 0).unwrap() < 1 << 20);
        assert!(to.metadata().unwrap().blocks() * 512 < 1 << 20);
        let mut last = [0; 4096];
        to.read_exact_at(&mut last, 1 << 29).unwrap();
        assert_eq!(last, [8; 4096]);
    }

    #[test]
    fn what_cannot_be_written_is_left_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "content").unwrap();
        assert_eq!(copy(&file(b"other"), 0..5, &File::open(&path).unwrap(), 0), None);
    }
}
