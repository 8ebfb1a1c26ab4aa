//! Copies that are read back before they are shown.

use std::fs;
use std::path::Path;

use litecopy::{CopyOptions, ErrorKind, FileTarget, PageNumber, Result, Shape, Target};

use crate::copies::memory_copy;
use crate::judge::assert_right_copy;
use crate::makers;

/// A file on a device that keeps one byte wrongly.
struct Faulty {
    file: FileTarget,
    /// Which page, counted from 1, and which of its bytes.
    wrong: (u32, usize),
    page_bytes: usize,
}

impl Target for Faulty {
    type Output = ();

    fn begin(&mut self, shape: Shape) -> Result<()> {
        self.page_bytes = shape.page_size.bytes_usize();
        self.file.begin(shape)
    }

    fn write_pages(&mut self, first: PageNumber, pages: &[u8]) -> Result<()> {
        let mut pages = pages.to_vec();
        let (page, byte) = self.wrong;
        if let Some(place) = page.checked_sub(first.get())
            && let Some(byte) = pages.get_mut(place as usize * self.page_bytes + byte)
        {
            *byte ^= 0x10;
        }
        self.file.write_pages(first, &pages)
    }

    fn seal(&mut self, page_count: u32) -> Result<()> {
        self.file.seal(page_count)
    }

    fn publish(self, page_count: u32) -> Result<()> {
        self.file.publish(page_count)
    }

    fn read_back(&mut self, first: PageNumber, buffer: &mut [u8]) -> Result<()> {
        self.file.read_back(first, buffer)
    }

    fn path(&self) -> Option<&Path> {
        self.file.path()
    }
}

#[test]
fn what_reads_back_as_written_is_shown() {
    let made = makers::usual();
    let copy = made.folder.join("copy.db");
    CopyOptions::new().verify(true).pages_per_step(7).copy(&made.path, &copy).unwrap();
    assert_right_copy(&made.path, &copy);
    let (image, _) = memory_copy(&CopyOptions::new().verify(true), &made.path).unwrap();
    assert_eq!(image, fs::read(&copy).unwrap());
}

#[test]
fn one_wrong_bit_is_found_and_nothing_is_shown() {
    let made = makers::usual();
    let copy = made.folder.join("copy.db");
    let copied = |wrong: (u32, usize), verify: bool| {
        let file = FileTarget::new(&copy);
        let target = Faulty { file, wrong, page_bytes: 0 };
        let mut backup = CopyOptions::new().verify(verify).begin(&made.path, target).unwrap();
        backup.step(-1)
    };
    let page_count = u32::try_from(fs::metadata(&made.path).unwrap().len() / 4096).unwrap();
    for (page, byte) in [(1, 0), (1, 4095), (page_count / 2, 77), (page_count, 4095)] {
        let error = copied((page, byte), true).unwrap_err();
        assert_eq!((error.kind(), error.sqlite_code()), (ErrorKind::NotAsWritten, 10));
        let message = error.to_string();
        assert!(message.contains(&format!("page {page} ")) && message.contains("copy.db"), "{message}");
        assert_eq!(made.folder.names(), ["source.db"], "{message}");
    }
    copied((page_count, 4095), false).unwrap();
    assert!(copy.exists(), "without a look back nobody knows");
}

/// What cannot be read back is not believed.
#[test]
fn a_target_that_cannot_be_read_is_an_error() {
    struct Nowhere;
    impl Target for Nowhere {
        type Output = ();
        fn begin(&mut self, _: Shape) -> Result<()> {
            Ok(())
        }
        fn write_pages(&mut self, _: PageNumber, _: &[u8]) -> Result<()> {
            Ok(())
        }
        fn seal(&mut self, _: u32) -> Result<()> {
            Ok(())
        }
        fn publish(self, _: u32) -> Result<()> {
            panic!("it was published");
        }
    }
    let made = makers::usual();
    let mut backup = CopyOptions::new().verify(true).begin(&made.path, Nowhere).unwrap();
    assert_eq!(backup.step(-1).unwrap_err().kind(), ErrorKind::Io);
}
