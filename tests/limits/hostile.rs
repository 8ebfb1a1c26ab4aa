//! Files that claim what they do not hold, with every checksum right.

use litecopy::SourceBytes;
use litecopy::format::journal_header::JOURNAL_MAGIC;
use litecopy::format::{ByteOrder, WalChecksum};

/// The highest page number that SQLite gives.
const MOST: u32 = 0xffff_fffe;

/// A database of one page of 512 bytes, with an empty schema, in WAL mode; `edit` changes it.
pub(crate) fn first_page(edit: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut page = vec![0; 512];
    page[..16].copy_from_slice(b"SQLite format 3\0");
    page[16..24].copy_from_slice(&[2, 0, 2, 2, 0, 64, 32, 32]);
    page[100] = 0x0d; // a leaf without cells
    page[105] = 2; // its content begins at 512
    edit(&mut page);
    page
}

/// A log of frames: page, page count after the commit, image.
pub(crate) fn wal(frames: &[(u32, u32, Vec<u8>)]) -> Vec<u8> {
    let mut wal = Vec::new();
    for word in [0x377f_0682_u32, 3_007_000, 512, 0, 1, 2] {
        wal.extend(word.to_be_bytes());
    }
    let mut sum = WalChecksum::SEED.extend(ByteOrder::Little, &wal);
    wal.extend(sum.words().into_iter().flat_map(u32::to_be_bytes));
    for (page, commit, image) in frames {
        let start: Vec<u8> = [page.to_be_bytes(), commit.to_be_bytes()].concat();
        sum = sum.extend(ByteOrder::Little, &start).extend(ByteOrder::Little, image);
        wal.extend(&start);
        wal.extend([1_u32, 2].into_iter().flat_map(u32::to_be_bytes));
        wal.extend(sum.words().into_iter().flat_map(u32::to_be_bytes));
        wal.extend(image);
    }
    wal
}

/// The header of a journal, padded to its sector of 512 bytes.
fn journal(record_count: u32, page_count: u32) -> Vec<u8> {
    let mut journal = JOURNAL_MAGIC.to_vec();
    for word in [record_count, 7, page_count, 512, 512] {
        journal.extend(word.to_be_bytes());
    }
    journal.resize(512, 0);
    journal
}

/// Each claims four billion pages.
pub(crate) fn all() -> Vec<(&'static str, SourceBytes)> {
    let all_free = |page: &mut [u8]| page[36..40].fill(0xff);
    let in_rollback_mode = |page: &mut [u8]| page[18..20].fill(1);
    let log = |frames: &[(u32, u32, Vec<u8>)]| SourceBytes {
        database: first_page(|_| {}),
        wal: wal(frames),
        ..SourceBytes::default()
    };
    let journalled = |edit: &dyn Fn(&mut [u8]), journal| SourceBytes {
        database: first_page(|page| {
            in_rollback_mode(page);
            edit(page);
        }),
        journal,
        ..SourceBytes::default()
    };
    let page = first_page(|_| {});
    vec![
        ("a commit", log(&[(1, MOST, page.clone())])),
        ("a commit that calls them free", log(&[(1, MOST, first_page(all_free))])),
        ("a commit with the last of them", log(&[(1, 0, page.clone()), (MOST, MOST, page.clone())])),
        ("the last of them, free", log(&[(1, 0, first_page(all_free)), (MOST, MOST, page)])),
        ("a journal", journalled(&|_| {}, journal(0, MOST))),
        ("a journal with as many records", journalled(&|_| {}, journal(MOST, MOST))),
        ("a journal that fills the file", journalled(&|_| {}, journal(u32::MAX, MOST))),
        ("a journal that calls them free", journalled(&all_free, journal(0, MOST))),
    ]
}
