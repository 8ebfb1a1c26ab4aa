//! A copy in a stream: every byte of it once and in order, to whatever takes bytes.
//!
//! What was given away cannot be had back. So the copy comes from one held snapshot, and if that turns out not to have held, it
//! fails instead of beginning again (`[targets.md#a-stream]`).

use super::target::{PageOrder, Target};
use crate::error::{Error, Problem, Result};
use crate::format::page_number::PageNumber;
use crate::format::page_size::PageSize;
use crate::format::shape::Shape;
use std::io::{self, Write};
use std::path::Path;

/// What errors name where others name a path.
const NAME: &str = "the stream";

/// A writer that takes a copy as a stream; it is the output when the copy is done, flushed.
///
/// Without an error all that was written is a database, but only then: a stream that ends early is to be thrown away. The
/// writer is flushed at the end, and not otherwise made durable.
///
/// # Examples
///
/// ```no_run
/// use litecopy::{CopyOptions, StreamTarget, quiet};
///
/// CopyOptions::new().begin("app.db", StreamTarget::new(std::io::stdout()))?.run(quiet)?;
/// # Ok::<(), litecopy::Error>(())
/// ```
#[derive(Debug)]
pub struct StreamTarget<W> {
    writer: W,
    page_size: PageSize,
    given_bytes: u64,
}

impl<W: Write> StreamTarget<W> {
    /// A stream to `writer`, which is written in runs of pages and needs no buffer.
    pub fn new(writer: W) -> Self {
        Self { writer, page_size: PageSize::DEFAULT, given_bytes: 0 }
    }

    fn give(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write_all(bytes).map_err(stream_error)?;
        self.given_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Gives zeros up to `offset`: pages that hold nothing are left out by whoever moves pages.
    fn give_zeros_to(&mut self, offset: u64) -> Result<()> {
        const ZEROS: [u8; 4096] = [0; 4096];
        while let Some(gap) = offset.checked_sub(self.given_bytes).filter(|&gap| gap > 0) {
            let count = usize::try_from(gap).unwrap_or(usize::MAX).min(ZEROS.len());
            self.give(ZEROS.get(..count).unwrap_or_default())?;
        }
        Ok(())
    }

    fn given_away(&self) -> Error {
        Error::new(Path::new(NAME), Problem::GivenAway { given_bytes: self.given_bytes })
    }
}

impl<W: Write> Target for StreamTarget<W> {
    type Output = W;

    fn begin(&mut self, shape: Shape) -> Result<()> {
        self.page_size = shape.page_size;
        if self.given_bytes > 0 { Err(self.given_away()) } else { Ok(()) }
    }

    fn write_pages(&mut self, first: PageNumber, pages: &[u8]) -> Result<()> {
        let offset = first.offset(self.page_size);
        if offset < self.given_bytes {
            return Err(self.given_away());
        }
        self.give_zeros_to(offset)?;
        self.give(pages)
    }

    fn seal(&mut self, page_count: u32) -> Result<()> {
        let size_bytes = self.page_size.bytes_of(page_count);
        if size_bytes < self.given_bytes {
            return Err(self.given_away());
        }
        self.give_zeros_to(size_bytes)?;
        self.writer.flush().map_err(stream_error)
    }

    fn publish(self, _page_count: u32) -> Result<W> {
        Ok(self.writer)
    }

    fn order(&self) -> PageOrder {
        PageOrder::Ascending
    }
}

fn stream_error(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Error::new(Path::new(NAME), Problem::StreamClosed),
        _ => Error::io("write", Path::new(NAME))(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn stream() -> StreamTarget<Vec<u8>> {
        let mut target = StreamTarget::new(Vec::new());
        let page_size = PageSize::new(8192).unwrap();
        target.begin(Shape { page_size, page_count: 5 }).unwrap();
        target
    }

    fn page(number: u32) -> PageNumber {
        PageNumber::new(number).unwrap()
    }

    #[test]
    fn pages_left_out_are_zeros() {
        let mut target = stream();
        target.write_pages(page(1), &[1; 8192]).unwrap();
        target.write_pages(page(3), &[3; 8192]).unwrap();
        target.seal(5).unwrap();
        let bytes = target.publish(5).unwrap();
        let firsts: Vec<u8> = bytes.chunks(8192).map(|page| page[0]).collect();
        assert_eq!((bytes.len(), firsts), (5 * 8192, vec![1, 0, 3, 0, 0]));
    }

    #[test]
    fn what_was_given_is_not_given_again() {
        let mut target = stream();
        target.begin(Shape { page_size: PageSize::DEFAULT, page_count: 9 }).unwrap();
        target.write_pages(page(1), &[1; 8192]).unwrap();
        let again = [
            target.begin(Shape { page_size: PageSize::DEFAULT, page_count: 9 }),
            target.write_pages(page(2), &[2; 4096]),
            target.seal(1),
        ];
        for outcome in again {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::SourceChanged);
        }
    }
}
