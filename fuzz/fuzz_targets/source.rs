//! Input: the lengths of a database and of its log (little-endian, 4 bytes each), then database, log and journal; copied
//! in steps and in one go, which must agree.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::{
    CopyOptions, Error, PageNumber, PageSize, Result, Shape, SourceBytes, StepOutcome, Target,
};

/// More than any input holds: only what a header claims could be larger.
const MOST_BYTES: u64 = 8 << 20;

/// Takes pages as memory does, but no more than `MOST_BYTES`.
#[derive(Default)]
struct Bounded {
    page_size: PageSize,
    bytes: Vec<u8>,
}

impl Bounded {
    fn resize(&mut self, size_bytes: u64) -> Result<()> {
        if size_bytes > MOST_BYTES {
            return Err(Error::from_io("grow", "the target", std::io::ErrorKind::StorageFull.into()));
        }
        self.bytes.resize(size_bytes as usize, 0);
        Ok(())
    }
}

impl Target for Bounded {
    type Output = Vec<u8>;

    fn begin(&mut self, shape: Shape) -> Result<()> {
        *self = Self { page_size: shape.page_size, bytes: Vec::new() };
        Ok(())
    }

    fn write_pages(&mut self, first: PageNumber, pages: &[u8]) -> Result<()> {
        let start = first.offset(self.page_size);
        let end = start + pages.len() as u64;
        self.resize(end.max(self.bytes.len() as u64))?;
        self.bytes[start as usize..end as usize].copy_from_slice(pages);
        Ok(())
    }

    fn publish(mut self, page_count: u32) -> Result<Vec<u8>> {
        self.resize(u64::from(page_count) * u64::from(self.page_size.bytes()))?;
        Ok(self.bytes)
    }
}

fn copy(bytes: &SourceBytes, pages: i32) -> Option<Vec<u8>> {
    let mut backup = CopyOptions::new().begin(bytes.clone(), Bounded::default()).unwrap();
    loop {
        match backup.step(pages) {
            Ok(StepOutcome::Done) => break,
            Ok(StepOutcome::More) => {}
            Ok(StepOutcome::Busy) => panic!("nobody can be in the way"),
            Err(_) => return None,
        }
    }
    assert_eq!((backup.progress().remaining, backup.progress().restarts), (0, 0));
    Some(backup.finish().unwrap().output)
}

fuzz_target!(|data: &[u8]| {
    let Some((lengths, rest)) = data.split_first_chunk::<8>() else { return };
    let length = |at: usize| u32::from_le_bytes(lengths[at..at + 4].try_into().unwrap()) as usize;
    let (database, rest) = rest.split_at(length(0).min(rest.len()));
    let (wal, journal) = rest.split_at(length(4).min(rest.len()));
    let bytes = SourceBytes { database: database.to_vec(), wal: wal.to_vec(), journal: journal.to_vec() };
    assert_eq!(copy(&bytes, -1), copy(&bytes, 3));
});
