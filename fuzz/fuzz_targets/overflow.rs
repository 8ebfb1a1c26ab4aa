//! Input: a byte of reserved bytes, an overflow page (filled up with zeros).
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::format::{OverflowPage, PageSize};

fuzz_target!(|data: &[u8]| {
    let Some((&reserved, page)) = data.split_first() else { return };
    let Some(size) = PageSize::ALL.iter().copied().find(|size| size.bytes_usize() >= page.len()) else { return };
    let mut page = page.to_vec();
    page.resize(size.bytes_usize(), 0);
    let usable = size.bytes() - u32::from(reserved);
    if let Ok(page) = OverflowPage::parse(&page, usable) {
        assert_eq!(page.content.len() as u32, usable - 4);
    }
});
