//! Reading bytes at a place, whatever they lie in.

use std::fs::File;
use std::io;
use std::ops::Range;

/// Bytes that can be read at any offset without moving a shared position.
pub(crate) trait ReadAt: Send + Sync {
    /// Reads up to `buffer.len()` bytes at `offset`; 0 means that nothing lies there.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// The size in bytes, now.
    fn size_bytes(&self) -> io::Result<u64>;
}

/// Fills `buffer` from `offset`, with zeros where `file` has no more bytes; returns how many bytes were really there.
///
/// Short reads and interrupts are carried on with.
pub(crate) fn read_padded(file: &dyn ReadAt, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let Some(place) = offset.checked_add(filled as u64) else { break };
        match file.read_at(rest, place) {
            Ok(0) => break,
            Ok(count) => filled = filled.saturating_add(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if let Some(rest) = buffer.get_mut(filled..) {
        rest.fill(0);
    }
    Ok(filled)
}

/// The same where others may have locked bytes in `hole`, which mean nothing. On Windows those cannot be read, and so read as
/// zeros.
pub(crate) fn read_padded_around(
    file: &dyn ReadAt,
    buffer: &mut [u8],
    offset: u64,
    hole: Range<u64>,
) -> io::Result<usize> {
    if cfg!(windows) { read_around(file, buffer, offset, hole) } else { read_padded(file, buffer, offset) }
}

/// Reads what lies before and behind the hole; the bytes in it are zeros, and there as far as the file goes.
fn read_around(file: &dyn ReadAt, buffer: &mut [u8], offset: u64, hole: Range<u64>) -> io::Result<usize> {
    let within =
        |place: u64| usize::try_from(place.saturating_sub(offset)).unwrap_or(usize::MAX).min(buffer.len());
    let (start, end) = (within(hole.start), within(hole.end));
    if start >= end {
        return read_padded(file, buffer, offset);
    }
    let there = usize::try_from(file.size_bytes()?.saturating_sub(offset)).unwrap_or(usize::MAX);
    let there = there.min(buffer.len());
    let (before, rest) = buffer.split_at_mut(start);
    let (locked, behind) = rest.split_at_mut(end - start);
    read_padded(file, before, offset)?;
    locked.fill(0);
    read_padded(file, behind, hole.end)?;
    Ok(there)
}

/// Writes all of `bytes` at `offset` of `file`.
pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::write_all_at(file, bytes, offset);
    #[cfg(windows)]
    {
        let mut rest = bytes;
        while !rest.is_empty() {
            let place = offset + (bytes.len() - rest.len()) as u64;
            match std::os::windows::fs::FileExt::seek_write(file, rest, place)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => rest = rest.get(count..).unwrap_or_default(),
            }
        }
        Ok(())
    }
    #[cfg(not(any(unix, windows)))]
    {
        let _ = (file, bytes, offset);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Whether there is nothing but zeros in it. It is compared with itself, moved by one byte, which is quicker than to look at each.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    match bytes.split_first() {
        None => true,
        Some((&first, rest)) => first == 0 && bytes.get(..rest.len()) == Some(rest),
    }
}

impl ReadAt for File {
    #[cfg(unix)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(self, buffer, offset)
    }

    #[cfg(not(any(unix, windows)))]
    fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn size_bytes(&self) -> io::Result<u64> {
        let metadata = self.metadata()?;
        // A block device has no size of its own, but an end. The position that this moves is nobody's.
        #[cfg(unix)]
        if std::os::unix::fs::FileTypeExt::is_block_device(&metadata.file_type()) {
            return Ok(rustix::fs::seek(self, rustix::fs::SeekFrom::End(0))?);
        }
        Ok(metadata.len())
    }
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }

    fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte a call, and is interrupted before each.
    struct Dripping(Vec<u8>, std::sync::atomic::AtomicBool);

    impl ReadAt for Dripping {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            if self.1.fetch_not(std::sync::atomic::Ordering::Relaxed) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let one = buffer.len().min(1);
            self.0.read_at(&mut buffer[..one], offset)
        }

        fn size_bytes(&self) -> io::Result<u64> {
            self.0.size_bytes()
        }
    }

    #[test]
    fn short_reads_and_interrupts_are_carried_on_with_and_the_rest_is_zero() {
        let file = Dripping(vec![1, 2, 3, 4, 5], true.into());
        let mut buffer = [9; 6];
        assert_eq!(read_padded(&file, &mut buffer, 2).unwrap(), 3);
        assert_eq!(buffer, [3, 4, 5, 0, 0, 0]);
    }

    #[test]
    fn a_hole_is_read_around_wherever_it_lies() {
        let bytes: Vec<u8> = (1..=10).collect();
        let byte_at = |place: u64| bytes.get(usize::try_from(place).unwrap()).copied().unwrap_or(0);
        for (start, end) in [(0, 3), (4, 6), (9, 20), (2, 2), (12, 14), (0, 20)] {
            for offset in 0..8_u64 {
                let mut buffer = [99; 6];
                let count = read_around(&bytes, &mut buffer, offset, start..end).unwrap();
                assert_eq!(count as u64, (10 - offset).min(6));
                let expected: Vec<u8> = (offset..offset + 6)
                    .map(|place| if (start..end).contains(&place) { 0 } else { byte_at(place) })
                    .collect();
                assert_eq!(buffer[..], expected, "{start}..{end} from {offset}");
            }
        }
    }

    #[test]
    fn zeros_are_told_from_all_else() {
        assert!(is_zero(&[]) && is_zero(&[0; 5]));
        for place in 0..5 {
            let mut bytes = [0; 5];
            bytes[place] = 1;
            assert!(!is_zero(&bytes), "{place}");
        }
        assert!(!is_zero(&[7; 5]));
    }

    #[test]
    fn nothing_lies_beyond_the_end_or_beyond_all_numbers() {
        let bytes = vec![1, 2, 3];
        let mut buffer = [9; 2];
        assert_eq!(read_padded(&bytes, &mut buffer, 3).unwrap(), 0);
        assert_eq!(buffer, [0, 0]);
        assert_eq!(read_padded(&bytes, &mut buffer, u64::MAX).unwrap(), 0);
    }
}
