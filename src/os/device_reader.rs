//! Reads a file that was synced back from its device, past the system's cache where that can be had.

use super::page_cache;
use super::place::Place;
use super::random_access::{ReadAt, read_padded};
use std::fs::File;
use std::io;

/// How much is read at once: with less the device waits for us.
const CHUNK_BYTES: usize = 1024 * 1024;

/// What a device wants its buffers and places to be multiples of.
const ALIGNMENT: usize = 4096;

/// A file that is being read from its device.
#[derive(Debug)]
pub(crate) struct DeviceReader {
    file: File,
    /// Twice as much as is needed of the alignment, so that an aligned part lies in it.
    buffer: Vec<u8>,
    /// What of the file lies in the aligned part: from where, and how much.
    chunk_offset: u64,
    chunk_bytes: usize,
}

impl DeviceReader {
    /// Opens the synced `file`, which lies at `place`, a second time. Where the system cannot read past its cache, that is told to
    /// forget the file.
    pub(super) fn open(file: &File, place: &Place) -> io::Result<Self> {
        page_cache::forget(file);
        let direct = open_direct(place).and_then(|direct| {
            let same = super::file_identity::FileIdentity::of_file(&direct)?
                == super::file_identity::FileIdentity::of_file(file)?;
            if same { Ok(direct) } else { Err(io::ErrorKind::NotFound.into()) }
        });
        let mut reader = Self {
            file: direct.or_else(|_| file.try_clone())?,
            buffer: vec![0; CHUNK_BYTES + ALIGNMENT],
            chunk_offset: 0,
            chunk_bytes: 0,
        };
        if reader.load(0).is_err() {
            // Some file systems open a file for this, and then refuse to read it.
            reader.file = file.try_clone()?;
        }
        Ok(reader)
    }

    /// Fills `buffer` from `offset`, with zeros behind the end.
    pub(crate) fn read(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let place = offset.saturating_add(filled as u64);
            let within = place.checked_sub(self.chunk_offset).and_then(|within| usize::try_from(within).ok());
            match within.filter(|&within| within < self.chunk_bytes) {
                Some(within) => {
                    let count = rest.len().min(self.chunk_bytes - within);
                    let from = self.chunk().get(within..within + count).unwrap_or_default();
                    if let Some(to) = rest.get_mut(..from.len()) {
                        to.copy_from_slice(from);
                    }
                    filled += count;
                }
                None if place >= self.file.size_bytes()? => {
                    rest.fill(0);
                    break;
                }
                None => self.load(place)?,
            }
        }
        Ok(())
    }

    /// Reads the chunk that `offset` lies in.
    fn load(&mut self, offset: u64) -> io::Result<()> {
        self.chunk_offset = offset - offset % CHUNK_BYTES as u64;
        let start = self.start();
        let chunk = self.buffer.get_mut(start..start + CHUNK_BYTES).unwrap_or_default();
        self.chunk_bytes = read_padded(&self.file, chunk, self.chunk_offset)?;
        Ok(())
    }

    fn chunk(&self) -> &[u8] {
        let start = self.start();
        self.buffer.get(start..start + self.chunk_bytes).unwrap_or_default()
    }

    /// Where in the buffer its aligned part begins. The buffer never moves.
    fn start(&self) -> usize {
        self.buffer.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT)
    }
}

#[cfg(target_os = "linux")]
fn open_direct(place: &Place) -> io::Result<File> {
    place.folder().open_direct(place.name())
}

#[cfg(not(target_os = "linux"))]
fn open_direct(_: &Place) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_wherever_it_begins_and_ends() {
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..=250_u8).cycle().take(2 * CHUNK_BYTES + 5_000).collect();
        std::fs::write(&path, &bytes).unwrap();
        let file = File::options().read(true).write(true).open(&path).unwrap();
        file.sync_all().unwrap();
        let mut reader = DeviceReader::open(&file, &Place::of_existing(&path).unwrap()).unwrap();
        for (offset, length) in [
            (0, 300_000),
            (300_000, 900_000),
            (1_048_570, 20),
            (2_097_152, 5_000),
            (0, bytes.len()),
            (512, 1),
        ] {
            let mut found = vec![1; length];
            reader.read(&mut found, offset as u64).unwrap();
            assert!(found == bytes[offset..offset + length], "{length} bytes from {offset} on");
        }
        let mut behind = [1; 6_000];
        reader.read(&mut behind, 2 * CHUNK_BYTES as u64).unwrap();
        assert!(behind[..5_000] == bytes[2 * CHUNK_BYTES..] && behind[5_000..] == [0; 1_000]);
        reader.read(&mut behind, 1 << 40).unwrap();
        assert_eq!(behind, [0; 6_000]);
    }
}
